"""`python -m benchmarks [NAME …]`: run the benchmarks and print their tables."""

import importlib
import sys
from pathlib import Path


def main() -> None:
    """Run the named benchmarks, or all of them, one after another."""
    here = Path(__file__).parent
    known = sorted(path.stem for path in here.glob("*.py") if not path.stem.startswith("_"))
    names = sys.argv[1:] or known
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"There is no benchmark named {', '.join(unknown)}. There are: {', '.join(known)}.")
    for name in names:
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
