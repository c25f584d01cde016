"""What sums to 1 in a softmax: against sums worked out by hand, and in the words that say it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from inprocess import Ran

from graphlab.analysis.softmax import implicit_dim, softmax_at, sums_to_one
from graphlab.explain.softmax import as_text, bar, sentences
from graphlab.trace.records import EventKind, Softmax

Runner = Callable[[str], Ran]
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\ntorch.manual_seed(0)\n"


def seen(ran: Ran, op: str) -> Softmax:
    """The picture of the first step of an operator."""
    assert ran.trace is not None
    event = next(e for e in ran.trace.events if e.op == op and e.kind == EventKind.FORWARD)
    view = softmax_at(ran.trace, event.id)
    assert view is not None
    return view


def test_each_axis_is_worked_out_on_the_recorded_scores(run: Runner) -> None:
    ran = run(HEAD + "x = torch.tensor([[0.0, 1.0], [2.0, 4.0], [1.0, 1.0]])\np = torch.softmax(x, dim=0)\n")
    view = seen(ran, "softmax")
    scores = np.exp(np.array([[0.0, 1.0], [2.0, 4.0], [1.0, 1.0]]))
    down, across = view.choices
    np.testing.assert_allclose(down.table, scores / scores.sum(axis=0), rtol=1e-6)
    np.testing.assert_allclose(across.table, scores / scores.sum(axis=1, keepdims=True), rtol=1e-6)
    np.testing.assert_allclose(down.row_sums, (scores / scores.sum(axis=0)).sum(axis=1), rtol=1e-6)
    assert (view.dim, view.given, view.expected, view.name) == (0, "argument", -1, "x")
    assert [sums_to_one(down, axis) for axis in (0, 1)] == [True, False]
    assert [sums_to_one(across, axis) for axis in (0, 1)] == [False, True]


@pytest.mark.parametrize(("shape", "dim"), [((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((2, 3, 4, 5), 1)])
def test_the_axis_that_pytorch_picks_is_told(run: Runner, shape: tuple[int, ...], dim: int) -> None:
    view = seen(run(HEAD + f"x = torch.randn({shape})\np = F.softmax(x)\n"), "softmax")
    assert (view.dim, view.given, implicit_dim(len(shape))) == (dim, "implicit", dim)
    assert f"Here are {len(shape)}, so it took dim {dim}." in " ".join(sentences(view))


@pytest.mark.parametrize(
    ("body", "op", "expected", "by"),
    [
        ("loss = F.cross_entropy(x, torch.tensor([0, 1]))", "cross_entropy", 1, "cross_entropy"),
        ("loss = F.nll_loss(x.log_softmax(0), torch.tensor([0, 1]))", "log_softmax", 1, "nll_loss"),
        ("loss = F.nll_loss(x.softmax(1).log(), torch.tensor([0, 1]))", "softmax", 1, "nll_loss"),
        ("mean = x.softmax(-1) @ torch.randn(3, 5)", "softmax", 1, "matmul"),
        ("best = x.softmax(1).argmax(dim=1)", "softmax", 1, "argmax"),
        ("p = nn.Linear(3, 4)(x).softmax(1)", "softmax", 1, "layer"),
        ("p = x.softmax(1)", "softmax", -1, ""),
        ("weights = torch.randn(5, 2) @ x.softmax(1)", "softmax", -1, ""),  # not a weighted mean along its rows
    ],
)
def test_the_axis_that_is_needed_is_read_off_what_follows(
    run: Runner, body: str, op: str, expected: int, by: str
) -> None:
    view = seen(run(HEAD + f"x = torch.randn(2, 3)\n{body}\n"), op)
    assert (view.expected, view.by) == (expected, by)


def test_the_wrong_axis_is_said(run: Runner) -> None:
    view = seen(
        run(HEAD + "x = torch.randn(2, 3)\nloss = F.nll_loss(x.log_softmax(0), torch.tensor([0, 1]))\n"), "log_softmax"
    )
    assert "With dim=0 something else sums to 1; write dim=1." in sentences(view)
    text = as_text(view)
    assert text.index("dim=0  (used)") < text.index("dim=1  (needed)")


def test_a_problem_about_softmax_carries_the_picture(run: Runner) -> None:
    ran = run(HEAD + "net = nn.Linear(2, 3)\np = torch.softmax(net(torch.randn(4, 2)), dim=0)\n")
    (problem,) = ran.problems
    assert problem.softmax is not None
    assert (problem.softmax.dim, problem.softmax.expected) == (0, 1)
    implicit = run(HEAD + "p = F.softmax(torch.randn(2, 3))\n").problem
    assert implicit.code == "GL410" and implicit.softmax is not None


def test_large_scores_are_cut_and_their_sums_are_not(run: Runner) -> None:
    view = seen(run(HEAD + "p = torch.randn(20, 30).softmax(1)\n"), "softmax")
    choice = view.choices[1]
    assert (len(choice.table), len(choice.table[0]), view.n_hidden) == (8, 8, 12 + 22)
    assert choice.row_sums == pytest.approx([1.0] * 8)


def test_many_axes_show_the_one_that_counts_beside_its_neighbour(run: Runner) -> None:
    view = seen(run(HEAD + "p = torch.randn(2, 3, 4, 5).softmax(-1)\n"), "softmax")
    assert view.axes == [2, 3]
    assert len(view.choices) == 4


def test_not_finite_scores_are_shown_as_they_are(run: Runner) -> None:
    program = "x = torch.tensor([[float('-inf'), float('-inf')], [0.0, 1.0]])\np = x.softmax(1)\n"
    view = seen(run(HEAD + program), "softmax")
    assert "NaN" in as_text(view)
    assert bar(float("nan")).startswith("?")


def test_other_steps_have_no_picture(run: Runner) -> None:
    ran = run(HEAD + "x = torch.randn(2, 3).relu()\n")
    assert ran.trace is not None
    assert [softmax_at(ran.trace, n) for n in range(-1, len(ran.trace.events) + 1)] == [None] * (
        len(ran.trace.events) + 2
    )
