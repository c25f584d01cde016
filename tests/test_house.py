"""What holds for the project as a whole: import layers, and nothing heavy at import."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_imports_go_down_only() -> None:
    result = run(str(Path(sys.executable).parent / "lint-imports"), "--no-cache")
    assert result.returncode == 0, result.stdout[-3000:]


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = "{'numpy', 'PySide6', 'torch', 'libcst', 'networkx'}"
    probe = f"import sys, graphlab; print(sorted({heavy} & set(sys.modules)))"
    assert run(sys.executable, "-c", probe).stdout.strip() == "[]"


def test_no_module_of_ours_can_load_pickles() -> None:
    """Nothing that comes from a file or the worker is ever unpickled (numpy's loader is told so at each call)."""
    offenders = []
    for path in (ROOT / "graphlab").rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            words = line.split("#")[0]
            if "import pickle" in words or "allow_pickle=True" in words or "marshal" in words.split():
                offenders.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert offenders == []
