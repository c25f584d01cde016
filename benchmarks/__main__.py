"""`python -m benchmarks [NAME …]`: run the benchmarks and print their tables.

Without names all run, and docs/BENCHMARKS.md is written anew. Each runs in a process of its own: they set the number of
threads before NumPy is loaded, and some open windows.
"""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "BENCHMARKS.md"
WORDS = """# Benchmarks

Written by `make bench`; figures are of one run on one machine, so compare the ratios, not the times. Where a peer is
named, both run in turns in the same process on one thread, and each figure is the median of several rounds; the last
lines of a table need no peer. What each must reach is in the column of that name.
"""


def main() -> None:
    """Run the named benchmarks, or all of them, one after another."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    names = sys.argv[1:] or known
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"There is no benchmark named {', '.join(unknown)}. There are: {', '.join(known)}.")
    parts = [WORDS, _machine()]
    failed = []
    for name in names:
        print(f"\n== {name}", flush=True)
        code, text = _run(name)
        if code:
            failed.append(name)
            text += "\nThis one did not come to its end in this run."
        parts.append(f"## {name}\n\n{_about(name)}\n\n```\n{text.rstrip()}\n```\n")
    if not sys.argv[1:]:
        PAGE.write_text("\n".join(parts), encoding="utf-8")
        print(f"\nwrote {PAGE.relative_to(HERE.parent)}")
    if failed:
        sys.exit(f"These failed: {', '.join(failed)}.")


def _run(name: str) -> tuple[int, str]:
    """Run one benchmark, showing its lines as they come; returns its exit status and what it printed."""
    command = [sys.executable, "-c", f"from benchmarks.{name} import main; main()"]
    environment = dict(os.environ)
    if sys.platform == "linux" and not ({"DISPLAY", "WAYLAND_DISPLAY"} & environment.keys()):
        environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    lines = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent, encoding="utf-8", env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return process.returncode, "".join(lines)


def _about(name: str) -> str:
    """The first paragraph of a benchmark's docstring."""
    source = (HERE / f"{name}.py").read_text(encoding="utf-8")
    return source.split('"""')[1].split("\n\n")[0].strip()


def _machine() -> str:
    """What the figures were taken on, and how busy it was."""
    import numpy as np
    import torch

    load = f", load {os.getloadavg()[0]:.1f} at the start" if hasattr(os, "getloadavg") else ""
    model = platform.processor() or platform.machine()
    cpu = Path("/proc/cpuinfo")
    if cpu.exists():
        names = [
            line.partition(":")[2].strip() for line in cpu.read_text().splitlines() if line.startswith("model name")
        ]
        model = names[0] if names else model
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {model}, {os.cpu_count()} cores{load}; Python {platform.python_version()}, "
        f"NumPy {np.__version__}, PyTorch {torch.__version__}.\n"
    )


if __name__ == "__main__":
    main()
