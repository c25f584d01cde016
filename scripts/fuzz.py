"""Call public functions with good and bad arguments in PyTorch and here, and print where the two end differently.

`fuzz.py [--n 2000] [--seed 0] [--family torch|Tensor|F|linalg] [--show 40] [name …]`; n is for each family.
`fuzz.py --expressions` does the same for layers, optimizers, samplers …: families of tests/parity/expressions.py.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "parity")]


def draw_expressions(options: argparse.Namespace) -> None:
    """The same for what is no plain function."""
    import expressions
    import torch

    import graphlab.engine as engine

    for family, draw in expressions.FAMILIES.items():
        if options.family not in ("", family):
            continue
        rng = random.Random(options.seed)
        n_same = n_shown = 0
        for _ in range(options.n):
            text = draw(rng)
            theirs, ours = expressions.outcome(torch, text), expressions.outcome(engine, text)
            if expressions.same(theirs, ours):
                n_same += 1
            elif n_shown < options.show:
                n_shown += 1
                print(expressions.tell(text, theirs, ours)[:600])
        print(f"{family}: {n_same} of {options.n} alike ({n_same / options.n:.1%})")


def main() -> None:
    """Run and print the shares."""
    import fuzzing
    import torch

    import graphlab.engine as engine

    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--family", default="")
    parser.add_argument("--show", type=int, default=40)
    parser.add_argument("--expressions", action="store_true")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.expressions:
        draw_expressions(options)
        return
    shown = 0
    for family, keys in fuzzing.public_names().items():
        if options.family not in ("", family):
            continue
        keys = [k for k in keys if not options.names or any(n == k.partition(".")[2] for n in options.names)]
        if not keys:
            continue
        rng = random.Random(options.seed)
        n_same = n_type = 0
        worst: Counter[str] = Counter()
        for i in range(options.n):
            call = fuzzing.draw(keys[i % len(keys)], rng)
            theirs, ours = fuzzing.outcome(torch, call), fuzzing.outcome(engine, call)
            n_type += theirs[0] == ours[0]
            if fuzzing.same(theirs, ours):
                n_same += 1
                continue
            worst[call.key] += 1
            if shown < options.show:
                shown += 1
                print(fuzzing.tell(call, theirs, ours)[:600])
        print(
            f"{family}: {n_same} of {options.n} alike ({n_same / options.n:.1%}), "
            f"the same type {n_type / options.n:.1%}; most often {worst.most_common(25)}"
        )


if __name__ == "__main__":
    main()
