"""Scores taken for probabilities and probabilities for scores: softmax twice, sigmoid twice, NLL of raw scores."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.trail import line_of, source_of
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, Span


@silent_bug(
    "GL411",
    Severity.WARNING,
    title=N_("Softmax before cross-entropy: it is applied twice"),
    what=N_("{x} goes through `softmax` on line {line} and then into cross-entropy, which applies softmax itself."),
    why=N_(
        "Probabilities taken for scores all lie between 0 and 1, so a second softmax makes them nearly equal: "
        "the loss can't fall far and learning is slow."
    ),
    fix=N_(
        "Give the scores to the loss as they come from the last layer; use softmax only where you want to look "
        "at probabilities."
    ),
    example={"x": "`scores`", "line": "8"},
    program="""import torch
import torch.nn.functional as F
scores = torch.tensor([[2.0, 0.5], [0.3, 1.5]], requires_grad=True)
p = F.softmax(scores, dim=1)
loss = F.cross_entropy(p, torch.tensor([0, 1]))
loss.backward()
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.tensor([[2.0, 0.5], [0.3, 1.5]], requires_grad=True)
loss = F.cross_entropy(scores, torch.tensor([0, 1]))
loss.backward()
""",
)
def softmax_twice(run: Run) -> list[Found]:
    """Probabilities where cross-entropy wants scores."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in ("cross_entropy", "cross_entropy_loss", "log_softmax") or not event.inputs:
            continue
        before = source_of(run, event.inputs[0])
        by_hand = softmax_by_hand(run, before)
        is_known = before is not None and (before.op in ("softmax", "sigmoid") or by_hand is not None)
        if before is None or not is_known or not run.tensor(before.outputs[0]).requires_grad:
            continue
        span = run.span(before)
        line = span.line if span else 0
        if line in found:
            continue
        x = quoted_name(run.trace, before.inputs[0]) if before.inputs else words.code("softmax")
        fixes = _without_softmax(run, span, before.op)
        if by_hand is not None:
            x = quoted_name(run.trace, by_hand.x)
            fixes = _scores_instead(run, event, by_hand.x)
        one = Found({"x": x, "line": line}, fixes=fixes, event=before.id, line=line)
        if by_hand is not None:
            one.what = N_(
                "Line {line} divides the exponentials of {x} by their sum, which is a softmax, and cross-entropy "
                "applies softmax itself."
            )
        if before.op == "sigmoid":
            one.title = N_("A sigmoid before cross-entropy: the scores can't get far apart")
            one.what = N_(
                "{x} goes through `sigmoid` on line {line} and then into cross-entropy, which takes its numbers for "
                "scores."
            )
            one.why = N_(
                "Cross-entropy applies softmax to what it gets; numbers between 0 and 1 give probabilities that are "
                "nearly equal, so the loss can't fall far."
            )
            one.fix = N_("Give the scores to the loss as they come from the last layer.")
        found[line] = one
    return list(found.values())


@dataclass(frozen=True)
class SoftmaxByHand:
    """A softmax written out: exponentials divided by their sums, the axis that was summed, and the scores."""

    x: int
    axis: int


def softmax_by_hand(run: Run, event: Event | None) -> SoftmaxByHand | None:
    """The softmax that a division computes; None where it computes something else."""
    if event is None or event.op not in ("div", "mul") or len(event.inputs) != 2 or min(event.inputs) < 0:
        return None
    exponentials, sums = event.inputs
    made = run.made_by.get(sums)
    if event.op == "mul":  # counts * counts.sum(1, keepdim=True) ** -1
        is_inverse = made is not None and (made.op == "reciprocal" or made.params.get("exponent") == -1)
        made = run.made_by.get(made.inputs[0]) if made is not None and is_inverse else None
    for _turn in range(2):  # `keepdim` may have come afterwards
        if made is not None and made.op in ("unsqueeze", "getitem", "index", "view", "reshape"):
            made = run.made_by.get(made.inputs[0])
    maker = run.made_by.get(exponentials)
    if made is None or made.op != "sum" or made.inputs[:1] != [exponentials] or maker is None or maker.op != "exp":
        return None
    dim = made.params.get("dim")
    dims = dim if isinstance(dim, list | tuple) else [dim]
    n_axes = len(run.tensor(exponentials).shape)
    if len(dims) != 1 or not isinstance(dims[0], int) or not n_axes:
        return None
    x = maker.inputs[0]
    shifted = run.made_by.get(x)
    if shifted is not None and shifted.op == "sub" and shifted.inputs and shifted.inputs[0] >= 0:
        x = shifted.inputs[0]  # less the largest, so that nothing overflows
    return SoftmaxByHand(x, dims[0] % n_axes)


def _scores_instead(run: Run, loss: Event, x: int) -> list[Fix]:
    """The scores handed to the loss in place of their probabilities, where both go by a name in one function."""
    name = run.tensor(x).name
    node = run.source.expression_at(run.span(loss))
    if not name.isidentifier() or not isinstance(node, ast.Call) or not node.args:
        return []
    made = run.source.assigned(name, node)
    if made is None or run.source.scope_of(made) is not run.source.scope_of(node):
        return []
    title = words.fill(N_("Give the scores to the loss: `{text}`"), {"text": name})
    return [Fix(title, "maybe", [run.source.replace(node.args[0], name)])]


def _without_softmax(run: Run, span: Span | None, op: str = "softmax") -> list[Fix]:
    node = run.source.expression_at(span)
    if not isinstance(node, ast.Call):
        return []
    if called(node) == op and isinstance(node.func, ast.Attribute):
        owner = dotted(node.func.value)
        is_function = owner in ("F", "torch", "nn.functional", "torch.nn.functional")
        inner = node.args[0] if (is_function or owner == "self") and node.args else node.func.value
        if not is_function and owner.startswith("self") and node.args:
            inner = node.args[0]
        text = run.source.text_of(inner)
        title = words.fill(N_("Leave the {op} out: `{text}`"), {"op": op, "text": text})
        return [Fix(title, "maybe", [run.source.replace(node, text)])]
    layers = [c for c in run.source.calls() if called(c) == op.capitalize()]
    if len(layers) == 1:
        holder = run.source.parents.get(layers[0])
        if isinstance(holder, ast.Call) and called(holder) == "Sequential" and holder.args[-1] is layers[0]:
            title = N_("Leave the {op} layer out")
            return [Fix(words.fill(title, {"op": op}), "maybe", [run.source.replace(layers[0], "nn.Identity()")])]
    return []


@silent_bug(
    "GL735",
    Severity.WARNING,
    title=N_("{before} before {loss}: it is applied twice"),
    what=N_("{x} goes through `{before_op}` on line {line} and then into {loss}, which applies it itself."),
    why=N_(
        "Numbers between 0 and 1 taken for scores give probabilities between 0.5 and 0.73 only, so the loss "
        "can't fall far."
    ),
    fix=N_("Give the raw scores to {loss}, or use `BCELoss` with the probabilities."),
    example={"before": "Sigmoid", "before_op": "sigmoid", "loss": "`BCEWithLogitsLoss`", "x": "`scores`", "line": 6},
    program="""import torch
import torch.nn.functional as F
scores = torch.tensor([2.0, -1.0], requires_grad=True)
p = torch.sigmoid(scores)
loss = F.binary_cross_entropy_with_logits(p, torch.tensor([1.0, 0.0]))
loss.backward()
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.tensor([2.0, -1.0], requires_grad=True)
p = torch.sigmoid(scores)
loss = F.binary_cross_entropy(p, torch.tensor([1.0, 0.0]))
loss.backward()
""",
)
def sigmoid_twice(run: Run) -> list[Found]:
    """A sigmoid before the loss that has its own."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "binary_cross_entropy_with_logits" or not event.inputs:
            continue
        before = source_of(run, event.inputs[0])
        if before is None or before.op != "sigmoid" or not run.tensor(before.outputs[0]).requires_grad:
            continue
        line = line_of(run, before)
        if line in found:
            continue
        x = quoted_name(run.trace, before.inputs[0])
        fixes = []
        names = [
            c for c in run.source.calls() if called(c) in ("BCEWithLogitsLoss", "binary_cross_entropy_with_logits")
        ]
        if len(names) == 1:
            old = run.source.text_of(names[0].func)
            new = old.replace("BCEWithLogitsLoss", "BCELoss").removesuffix("_with_logits")
            title = words.fill(N_("Use `{new}` for probabilities"), {"new": new})
            fixes.append(Fix(title, "maybe", [run.source.replace(names[0].func, new)]))
        values = {
            "before": "Sigmoid",
            "before_op": "sigmoid",
            "loss": words.code("BCEWithLogitsLoss"),
            "x": x,
            "line": line,
        }
        found[line] = Found(values, fixes=fixes, event=before.id, line=line)
    return list(found.values())


@silent_bug(
    "GL736",
    Severity.WARNING,
    title=N_("`NLLLoss` gets {given} instead of log-probabilities"),
    what=N_("The input of `NLLLoss` on line {line} comes from `{op}`; it should come from `log_softmax`."),
    why=N_(
        "`NLLLoss` only picks the number of the right class and turns its sign; without the logarithm it has no "
        "lower limit."
    ),
    fix=N_("Put `F.log_softmax(scores, dim=1)` before it, or use `CrossEntropyLoss` on the raw scores."),
    example={"given": "raw scores", "op": "linear", "line": 7},
    program="""import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(0)
net = nn.Linear(2, 3)
loss = F.nll_loss(net(torch.randn(4, 2)), torch.tensor([0, 1, 2, 0]))
loss.backward()
""",
    mended="""import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(0)
net = nn.Linear(2, 3)
loss = F.cross_entropy(net(torch.randn(4, 2)), torch.tensor([0, 1, 2, 0]))
loss.backward()
""",
)
def nll_of_scores(run: Run) -> list[Found]:
    """NLLLoss of scores or probabilities."""
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "nll_loss" or not event.inputs:
            continue
        before = source_of(run, event.inputs[0])
        if before is None or before.op not in ("linear", "addmm", "softmax", "sigmoid", "relu"):
            continue
        line = line_of(run, event)
        given = _("probabilities") if before.op in ("softmax", "sigmoid") else _("raw scores")
        fixes = []
        names = [c for c in run.source.calls() if called(c) in ("NLLLoss", "nll_loss")]
        if len(names) == 1 and before.op in ("linear", "addmm"):
            new = (
                run.source.text_of(names[0].func)
                .replace("NLLLoss", "CrossEntropyLoss")
                .replace("nll_loss", "cross_entropy")
            )
            title = words.fill(N_("Use `{new}`, which takes raw scores"), {"new": new})
            fixes.append(Fix(title, "maybe", [run.source.replace(names[0].func, new)]))
        elif before.op == "softmax":
            node = run.source.expression_at(run.span(before))
            if isinstance(node, ast.Call) and called(node) == "softmax":
                new = run.source.text_of(node.func).removesuffix("softmax") + "log_softmax"
                title = words.fill(N_("Use `{new}`"), {"new": new})
                fixes.append(Fix(title, "maybe", [run.source.replace(node.func, new)]))
            made = [c for c in run.source.calls() if called(c) == "Softmax"]
            if not fixes and len(made) == 1:
                new = run.source.text_of(made[0].func).replace("Softmax", "LogSoftmax")
                fixes.append(
                    Fix(words.fill(N_("Use `{new}`"), {"new": new}), "maybe", [run.source.replace(made[0].func, new)])
                )
        found.setdefault(
            line, Found({"given": given, "op": before.op, "line": line}, fixes=fixes, event=event.id, line=line)
        )
    return list(found.values())


@silent_bug(
    "GL770",
    Severity.WARNING,
    title=N_("`kl_div` gets probabilities instead of log-probabilities"),
    what=N_("The first argument of `kl_div` on line {line} comes from `softmax`; it should come from `log_softmax`."),
    why=N_("`kl_div(input, target)` takes `input` as logarithms, so the number it gives is no divergence."),
    fix=N_("Write `F.log_softmax(…)` for the first argument; the second one stays a probability."),
    example={"line": 6},
    program="""import torch
import torch.nn.functional as F
scores = torch.tensor([[1.0, 0.5, -0.2]], requires_grad=True)
goal = torch.tensor([[0.5, 0.3, 0.2]])
p = F.softmax(scores, dim=1)
loss = F.kl_div(p, goal, reduction="batchmean")
loss.backward()
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.tensor([[1.0, 0.5, -0.2]], requires_grad=True)
goal = torch.tensor([[0.5, 0.3, 0.2]])
p = F.log_softmax(scores, dim=1)
loss = F.kl_div(p, goal, reduction="batchmean")
loss.backward()
""",
)
def divergence_of_probabilities(run: Run) -> list[Found]:
    """kl_div of softmax instead of its logarithm."""
    for event in run.by_kind[EventKind.FORWARD]:
        before = source_of(run, event.inputs[0]) if event.op == "kl_div" and event.inputs else None
        if before is None or before.op != "softmax":
            continue
        line = line_of(run, event)
        node = run.source.expression_at(run.span(before))
        fixes = []
        if isinstance(node, ast.Call) and called(node) == "softmax":
            new = run.source.text_of(node.func).removesuffix("softmax") + "log_softmax"
            title = words.fill(N_("Use `{new}`"), {"new": new})
            fixes.append(Fix(title, "maybe", [run.source.replace(node.func, new)]))
        return [Found({"line": line}, fixes=fixes, event=event.id, line=line)]
    return []
