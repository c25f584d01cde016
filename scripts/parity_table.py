"""Compare the engine with PyTorch over its operator database and write docs/PARITY.md.

`parity_table.py` runs everything; `parity_table.py NAME…` runs the entries whose name contains one of the words, prints
what differs and writes nothing.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "parity")]

HEAD = """# How far the engine agrees with PyTorch

Made by `scripts/parity_table.py` from the operator database of PyTorch's own tests
(`torch.testing._internal.common_methods_invocations.op_db`, torch {version}). Every sample input (float32 where the
operator takes it, else int64 or bool) is run in both; values, shapes and types are compared, then gradients under a
fixed cotangent; inputs that must fail are compared by type and by the first line of the message. Left out are private,
sparse, jiterator, complex-view, window, quantized, scaled and special-polynomial entries; samples with complex numbers,
bfloat16 or sparse layouts are skipped.

| | entries |
|---|---|
| in the database, of those that are compared | {n} |
| present | {present} |
| forward right on all samples | {forward} |
| value and gradient right on all samples | {grad} |
| errors: the right type | {type} of {errors} |
| errors: the right message | {message} of {errors} |

A dash means that there is nothing to compare.

| entry | present | forward | gradient | error type | error message |
|---|---|---|---|---|---|
"""


def check_named(index: int):
    """One entry, by its place in the list."""
    import numpy as np
    from op_table import check, rows_wanted

    np.seterr(all="ignore")
    return check(rows_wanted()[index])


def cell(right: int, of: int) -> str:
    """`yes`, `3 of 5`, or a dash."""
    return "–" if not of else "yes" if right == of else f"{right} of {of}"


def table(rows) -> str:
    """The page."""
    import torch

    page = HEAD.format(
        version=torch.__version__.split("+")[0],
        n=len(rows),
        present=sum(r.present for r in rows),
        forward=sum(r.forward_is_right for r in rows),
        grad=sum(r.grad_is_right for r in rows),
        errors=sum(r.n_errors for r in rows),
        type=sum(r.n_type for r in rows),
        message=sum(r.n_message for r in rows),
    )
    for r in rows:
        forward, grad = cell(r.n_forward, r.n_samples), cell(r.n_grad, r.n_with_grad)
        types, words = cell(r.n_type, r.n_errors), cell(r.n_message, r.n_errors)
        present = "yes" if r.present else "no"
        page += f"| `{r.name}` | {present} | {forward} | {grad} | {types} | {words} |\n"
    return page


def main(words: list[str]) -> None:
    """Run and print; write the page when everything was run."""
    from op_samples import label
    from op_table import rows_wanted

    wanted = rows_wanted()
    exact = {w[1:] for w in words if w.startswith("=")}
    places = [
        i
        for i, op in enumerate(wanted)
        if not words or op.name in exact or any(w in label(op) for w in words if not w.startswith("="))
    ]
    with ProcessPoolExecutor(2, max_tasks_per_child=200) as pool:
        rows = list(pool.map(check_named, places, chunksize=8 if not words else 1))
    for row in rows:
        if not row.present:
            print(f"{row.name}: absent")
        for note in row.notes if words else row.notes[:4]:
            print(note)
    page = table(rows)
    print(
        "\n".join(
            line for line in page.splitlines() if line.startswith(("| in", "| present", "| forw", "| value", "| err"))
        )
    )
    if not words:
        (ROOT / "docs" / "PARITY.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
