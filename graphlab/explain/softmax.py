"""A softmax in words and as a drawing for a terminal: what sums to 1 along which axis, and what is needed."""

from __future__ import annotations

from graphlab.analysis.softmax import IMPLIED, implicit_dim, sums_to_one
from graphlab.explain import words
from graphlab.i18n import N_, _
from graphlab.trace.records import Softmax, SoftmaxChoice

BAR = 10
"""Columns of a bar that is 1 long."""
_EXPECTED = {
    "cross_entropy": N_("`cross_entropy` needs the classes of each sample to sum to 1: axis {axis}."),
    "cross_entropy_loss": N_("`cross_entropy` needs the classes of each sample to sum to 1: axis {axis}."),
    "nll_loss": N_("`nll_loss` needs the classes of each sample to sum to 1: axis {axis}."),
    "matmul": N_("The matrix product after it takes weighted means along axis {axis}: those weights must sum to 1."),
    "argmax": N_("`argmax` after it compares along axis {axis}: those are the classes."),
    "layer": N_("The scores that the layer gives for one sample lie along axis {axis}."),
}
_LIKELY = frozenset({"layer", "argmax"})
"""What doesn't prove which axis is meant: the program may want another one."""


def title(view: Softmax) -> str:
    """What is shown: "softmax of `scores`, shape (4, 3)"."""
    values = {"op": view.op, "name": words.code(view.name) if view.name else "", "shape": words.shape(view.shape)}
    if view.op in IMPLIED:
        return _("`{op}` applies log_softmax to its input of shape {shape}").format_map(values)
    if not view.name:
        return _("{op} of shape {shape}").format_map(values)
    return _("{op} of {name}, shape {shape}").format_map(values)


def sentences(view: Softmax) -> list[str]:
    """What was used and why, what is needed, and PyTorch's rule where no `dim` was given."""
    found = []
    if view.given == "implicit":
        found.append(
            _(
                "No `dim` was given: PyTorch takes dim 0 for 0, 1 or 3 dimensions, else 1. "
                "Here are {n}, so it took dim {dim}."
            ).format(n=len(view.shape), dim=implicit_dim(len(view.shape)))
        )
    if view.expected >= 0:
        key = "matmul" if view.by in ("bmm", "mm") else view.by
        if key in _EXPECTED:
            found.append(_(_EXPECTED[key]).format(axis=view.expected))
    if view.expected >= 0 and view.expected != view.dim:
        said = _("With dim={dim} something else sums to 1; write dim={expected}.")
        if view.by in _LIKELY:
            said = _("With dim={dim} something else sums to 1; for chances of each sample write dim={expected}.")
        found.append(said.format(dim=view.dim, expected=view.expected))
    if view.n_hidden:
        found.append(_("The first rows and columns are shown; the sums are of all."))
    hidden = [axis for axis in range(len(view.shape)) if axis not in view.axes]
    if hidden:
        found.append(
            _("Rows are axis {row}, columns axis {column}; the other axes stand at their first entry.").format(
                row=view.axes[0], column=view.axes[-1]
            )
        )
    return found


def marks(view: Softmax, dim: int) -> str:
    """How a choice stands to the program: what it uses, what is needed."""
    if dim == view.dim == view.expected:
        return _("used, and what is needed")
    if dim == view.dim:
        return _("used")
    return _("needed") if dim == view.expected else ""


def choices(view: Softmax) -> list[SoftmaxChoice]:
    """The choices in the order to look at them: what is used, what is needed, the others."""
    return sorted(view.choices, key=lambda choice: (choice.dim != view.dim, choice.dim != view.expected, choice.dim))


def choice_sentence(view: Softmax, choice: SoftmaxChoice) -> str:
    """What sums to 1 and what doesn't: "Along axis 0 all sums are 1; along axis 1 they go from 0.5 to 1.3."."""
    parts = []
    for axis in range(len(view.shape)):
        if sums_to_one(choice, axis):
            parts.append(_("Along axis {axis} every sum is 1.").format(axis=axis))
        else:
            low, high = (words.number(value) for value in choice.sums[axis])
            parts.append(
                _("Along axis {axis} the sums are {low}.").format(axis=axis, low=low)
                if low == high
                else _("Along axis {axis} the sums go from {low} to {high}.").format(axis=axis, low=low, high=high)
            )
    return " ".join(parts)


def as_text(view: Softmax) -> str:
    """The picture for a terminal: for each choice of `dim` the table, its sums, and a bar for each row's."""
    lines = [title(view)]
    for choice in choices(view):
        mark = marks(view, choice.dim)
        lines += ["", f"  dim={choice.dim}  ({mark})" if mark else f"  dim={choice.dim}"]
        lines += [f"  {line}".rstrip() for line in _table(view, choice)]
        lines.append(f"  {choice_sentence(view, choice)}")
    return "\n".join([*lines, "", *(f"  {sentence}" for sentence in sentences(view))]).rstrip()


def _table(view: Softmax, choice: SoftmaxChoice) -> list[str]:
    cells = [[number(value) for value in row] for row in choice.table]
    below = [number(value) for value in choice.column_sums] if len(view.axes) == 2 else []
    width = max((len(cell) for row in [*cells, below] for cell in row), default=1)
    rows = []
    for row, total in zip(cells, choice.row_sums):
        rows.append("  " + "  ".join(f"{cell:>{width}}" for cell in row) + f"  │ {bar(total)} {number(total)}")
    if below:
        rows.append("  " + "  ".join("─" * width for _cell in below))
        rows.append("  " + "  ".join(f"{cell:>{width}}" for cell in below))
    return rows


def number(value: float) -> str:
    """A probability or a sum in two decimals: "0.07", "1", "NaN"."""
    if value != value:
        return "NaN"
    text = f"{value:.2f}"
    return text.rstrip("0").rstrip(".") if abs(value - round(value)) < 5e-4 else text


def bar(value: float) -> str:
    """A bar as long as a sum, with a tick where 1 is: "█████·····╎", at most twice as long as 1."""
    if value != value:
        return "?" * BAR + "╎"
    full = round(min(value, 2.0) * BAR)
    return "█" * min(full, BAR) + "·" * max(0, BAR - full) + "╎" + "█" * max(0, full - BAR)
