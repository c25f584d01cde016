"""Runs the broken programs of the corpus in the real torch and writes down what it raised; --check only compares."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import random
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "explain"))

from corpus import RECORDED, CorpusCase, read_cases, recorded


def outcome(case: CorpusCase) -> tuple[str, str] | None:
    """Type and message of what the program raises in torch, None when it ends well."""
    import torch

    torch.manual_seed(0)
    torch.set_default_dtype(torch.float32)
    random.seed(0)
    try:
        code = compile(case.text, "<program>", "exec")
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            exec(code, {"__name__": "__main__"})
    except SyntaxError as error:
        return type(error).__name__, error.msg
    except Exception as error:  # a program may raise anything
        return type(error).__name__, str(error)
    return None


def main() -> int:
    """Record, or with --check compare with what was recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what was recorded, write nothing")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    known = recorded()
    now: dict[str, tuple[str, str]] = {}
    wrong = []
    for case in read_cases("errors"):
        said = outcome(case)
        if said is None:
            wrong.append(f"{case.id}: ends well in torch")
            continue
        now[case.id] = said
        if options.check and known.get(case.id) != said:
            wrong.append(f"{case.id}: torch says {said}, recorded is {known.get(case.id)}")
    for kind in ("silent", "clean"):
        for case in read_cases(kind):
            said = outcome(case)
            if said is not None:
                wrong.append(f"{case.id}: fails in torch with {said}")
    if not options.check:
        RECORDED.write_text(json.dumps(now, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    print("\n".join(wrong) or f"torch agrees with all {len(now)} broken programs")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
