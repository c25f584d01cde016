"""Compare the engine with PyTorch over its operator database and write docs/PARITY.md.

`parity_table.py` runs everything; `parity_table.py others` renews what the page says of other number types;
`parity_table.py NAME…` runs the entries whose name contains one of the words, prints
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
sparse, jiterator, window, quantized, scaled and special-polynomial entries and complex32; samples of sparse layouts are
skipped.

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


def check_named(index: int, kind: str = ""):
    """One entry, by its place in the list; with samples of another type, or None where it does not take that."""
    import numpy as np
    import torch
    from op_table import check, rows_wanted

    np.seterr(all="ignore")
    op = rows_wanted()[index]
    if kind and not op.supports_dtype(getattr(torch, kind), "cpu"):
        return None
    return check(op, getattr(torch, kind) if kind else None)


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


KINDS = ("float16", "bfloat16", "complex64")
SECOND = """
## Other number types

The same samples in float16, bfloat16 and complex64, where the entry takes them. Values of 16 bits may differ by
about two units in the last place.

| | float16 | bfloat16 | complex64 |
|---|---|---|---|
"""


def second_table(names: list[str], rows: list[list]) -> str:
    """The table of other number types; `rows`: for each type a row an entry, or None."""
    page = SECOND
    for words, count in (
        ("entries that take it", lambda r: True),
        ("present", lambda r: r.present),
        ("forward right on all samples", lambda r: r.forward_is_right),
        ("value and gradient right on all samples", lambda r: r.grad_is_right),
    ):
        page += f"| {words} | " + " | ".join(str(sum(count(r) for r in each if r)) for each in rows) + " |\n"
    titles = " | ".join(f"{kind}: forward | gradient" for kind in KINDS)
    page += f"\n| entry | {titles} |\n|---|" + "---|" * 6 + "\n"
    for i, name in enumerate(names):
        if any(each[i] and each[i].present for each in rows):
            cells = []
            for each in rows:
                r = each[i]
                cells += ["", ""] if r is None else [cell(r.n_forward, r.n_samples), cell(r.n_grad, r.n_with_grad)]
            page += f"| `{name}` | {' | '.join(cells)} |\n"
    return page


def of_other_types(pool: ProcessPoolExecutor, places: list[int]) -> list[list]:
    """For each of the other types a row an entry, or None."""
    return [list(pool.map(check_named, places, [each] * len(places), chunksize=8)) for each in KINDS]


def renew_others() -> None:
    """Write the page's second table anew and leave the first as it is."""
    from op_samples import label
    from op_table import rows_wanted

    wanted = rows_wanted()
    with ProcessPoolExecutor(2, max_tasks_per_child=200) as pool:
        others = of_other_types(pool, list(range(len(wanted))))
    path = ROOT / "docs" / "PARITY.md"
    first = path.read_text(encoding="utf-8").split(SECOND.splitlines()[1])[0].rstrip("\n") + "\n"
    path.write_text(first + second_table([label(op) for op in wanted], others), encoding="utf-8")


def main(words: list[str]) -> None:
    """Run and print; write the page when everything was run. A first word such as "bfloat16" takes that type only."""
    if words == ["others"]:
        renew_others()
        return
    kind = words.pop(0) if words and words[0] in KINDS else ""
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
        found = list(pool.map(check_named, places, [kind] * len(places), chunksize=8 if not words else 1))
        others = []
        if not words and not kind:
            others = of_other_types(pool, places)
    rows = [row for row in found if row is not None]
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
    if not words and not kind:
        page += second_table([label(wanted[i]) for i in places], others)
        (ROOT / "docs" / "PARITY.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
