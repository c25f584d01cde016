"""Training loops that run without an error and learn the wrong thing."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from graphlab.explain import words
from graphlab.explain.axes import broadcast_axes
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.learning import is_zero, learned, optimizers, step_calls
from graphlab.explain.narrate import name_of, quoted_name
from graphlab.explain.run import Run
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix, Span, TensorKind

_THROUGH = {
    "clamp",
    "view",
    "reshape",
    "squeeze",
    "unsqueeze",
    "flatten",
    "clone",
    "select",
    "slice",
    "getitem",
    "index",
}


def _source_of(run: Run, tensor: int) -> Event | None:
    """The operator that computed a tensor, seen through changes of shape."""
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None or event.kind != EventKind.FORWARD:
            return None
        if event.op not in _THROUGH or not event.inputs:
            return event
        tensor = event.inputs[0]
    return None


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
        before = _source_of(run, event.inputs[0])
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
    "GL412",
    Severity.WARNING,
    title=N_("{a} {a_shape} and {b} {b_shape} are compared pair by pair, not one to one"),
    what=N_(
        "{a} has shape {a_shape} and {b} has shape {b_shape}; their difference has shape {shape}: every "
        "prediction meets every target."
    ),
    why=N_(
        "A column (N, 1) and a row (N,) are broadcast to a table (N, N), so the loss pulls each prediction "
        "towards the mean of all targets."
    ),
    fix=N_("Give both the same shape: `{b_text}.unsqueeze(1)` or `{a_text}.squeeze(1)`."),
    example={
        "a": "`prediction`",
        "b": "`y`",
        "a_shape": "(5, 1)",
        "b_shape": "(5,)",
        "shape": "(5, 5)",
        "a_text": "prediction",
        "b_text": "y",
    },
    program="""import torch
x = torch.tensor([[1.0], [2.0], [3.0]])
y = torch.tensor([2.0, 4.0, 6.0])
w = torch.tensor([[0.5]], requires_grad=True)
prediction = x @ w
loss = ((prediction - y) ** 2).mean()
loss.backward()
""",
    mended="""import torch
x = torch.tensor([[1.0], [2.0], [3.0]])
y = torch.tensor([[2.0], [4.0], [6.0]])
w = torch.tensor([[0.5]], requires_grad=True)
prediction = x @ w
loss = ((prediction - y) ** 2).mean()
loss.backward()
""",
)
def paired_with_all(run: Run) -> list[Found]:
    """(N, 1) with (N,) between predictions and targets: subtracted and averaged, or compared and counted."""
    found: dict[int, Found] = {}
    used: dict[int, list[Event]] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        for tensor in event.inputs:
            used.setdefault(tensor, []).append(event)
    known: set[int] | None = None
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in _PAIRED or len(event.inputs) != 2 or min(event.inputs) < 0:
            continue
        a, b = (run.tensor(t) for t in event.inputs)
        column, row = (a, b) if len(a.shape) == 2 else (b, a)
        if len(column.shape) != 2 or column.shape[1] != 1 or row.shape != column.shape[:1] or row.shape[0] < 2:
            continue
        if known is None:
            known = learned(run)
        sides = [t for t in (a, b) if t.id in known]
        if len(sides) != 1 or not _ends_in_one_number(used, event):
            continue
        computed = sides[0]
        target = b if computed is a else a
        span = run.span(event)
        line = span.line if span else 0
        maker = run.made_by.get(column.id)
        # A column made in the same line is made for this: every pair is wanted.
        if line in found or (maker is not None and maker.op in _COLUMN_MAKERS and _same_line(run, maker, event)):
            continue
        names = [name_of(run.trace, t.id) for t in (computed, target)]
        one = Found(
            {
                "a": quoted_name(run.trace, computed.id),
                "b": quoted_name(run.trace, target.id),
                "a_text": names[0] if computed is column else names[1],
                "b_text": names[1] if computed is column else names[0],
                "a_shape": words.shape(computed.shape),
                "b_shape": words.shape(target.shape),
                "shape": words.shape(run.tensor(event.outputs[0]).shape),
            },
            fixes=_aligned(run, span, computed is column),
            picture=broadcast_axes(names, [computed.shape, target.shape]),
            event=event.id,
            line=line,
        )
        if event.op not in ("sub", "rsub"):
            one.what = N_(
                "{a} has shape {a_shape} and {b} has shape {b_shape}; comparing them gives shape {shape}: every "
                "prediction meets every target."
            )
            one.why = N_(
                "A column (N, 1) and a row (N,) are broadcast to a table (N, N), so what is counted in it says "
                "nothing about right and wrong predictions."
            )
        if not all(n.replace(".", "").isidentifier() for n in names):
            one.fix = N_("Give both the same shape: `unsqueeze(1)` for the row, or `squeeze(1)` for the column.")
        found[line] = one
    return list(found.values())


_PAIRED = ("sub", "rsub", "eq", "ne")
_COLUMN_MAKERS = {"unsqueeze", "getitem", "index", "select", "slice", "view", "reshape"}
_MEASURES = {"pow", "square", "abs", "to", "float", "type", "clamp", "sqrt", "huber", "log1p", "cosh", "log", "exp"}


def _same_line(run: Run, a: Event, b: Event) -> bool:
    first, second = run.span(a), run.span(b)
    return first is not None and second is not None and first.line == second.line


def _ends_in_one_number(used: dict[int, list[Event]], event: Event) -> bool:
    """Whether what comes out goes entry by entry into a mean or a sum over everything."""
    queue = [(event.outputs[0], 0)]
    while queue:
        tensor, depth = queue.pop()
        for user in used.get(tensor, []):
            if user.op in ("mean", "sum") and not user.params.get("dim"):
                return True
            is_plain = user.op in _MEASURES or (
                user.op in ("mul", "div", "add", "sub") and {*user.inputs, tensor, -1} == {tensor, -1}
            )
            if user.op == "where":  # a loss in pieces: what is chosen from, not what is asked
                is_plain = tensor in user.inputs[-2:]
            if is_plain and depth < 6 and user.outputs:
                queue.append((user.outputs[0], depth + 1))
    return False


def _aligned(run: Run, span: Span | None, is_prediction_column: bool) -> list[Fix]:
    node = run.source.expression_at(span)
    if isinstance(node, ast.Compare) and len(node.comparators) == 1:
        operands = (node.comparators[0], node.left)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        operands = (node.right, node.left)
    else:
        return []
    fixes = []
    for operand in operands:
        shape = run.trace.tensors
        text = run.source.text_of(operand)
        name = dotted(operand)
        tensor = next((t for t in reversed(shape) if name and t.name == name and t.kind != TensorKind.GRADIENT), None)
        if tensor is None:
            continue
        suffix = ".unsqueeze(1)" if len(tensor.shape) == 1 else ".squeeze(1)"
        title = words.fill(N_("Write `{text}{suffix}`, so that both have one shape"), {"text": text, "suffix": suffix})
        fixes.append(Fix(title, "maybe", run.source.append(operand, suffix)))
    return fixes


@silent_bug(
    "GL706",
    Severity.WARNING,
    title=N_("The gradients are never cleared: `zero_grad()` is missing"),
    what=N_(
        "After each step {grad} keeps what it had, and the next `backward()` on line {line} adds to it: by now "
        "{n} gradients are summed up."
    ),
    why=N_(
        "PyTorch adds new gradients to `.grad` instead of replacing it, so each step repeats all the earlier "
        "ones as well."
    ),
    fix=N_("Call `{call}` once in each turn, before `backward()`."),
    example={"grad": "`w.grad`", "line": "6", "n": "10", "call": "optimizer.zero_grad()"},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    loss = (w * 3.0 - 6.0) ** 2
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def never_cleared(run: Run) -> list[Found]:
    """Gradients that pile up over the steps of an optimizer, or over updates by hand."""
    if re.search(r"\.grad\.data\b|\.grad\.detach_?\(", run.source.text):
        return []  # another tensor on the gradient's memory: what is written there can't be followed
    hits = _piled(run)
    if not hits:
        return []
    grad_id, piled = max(hits.items(), key=lambda item: item[1].most)
    first = run.trace.events[piled.first]
    span = run.span(first)
    line = span.line if span else 0
    backward = [c for c in run.source.calls_at(line) if called(c) == "backward"]
    statement = run.source.statement_of(backward[0]) if len(backward) == 1 else None
    grad = name_of(run.trace, grad_id)
    found = Found({"grad": words.code(grad), "line": line, "n": piled.most}, event=first.id, line=line)
    if piled.is_by_hand:
        found.words["owner"] = run.tensor(run.tensor(grad_id).of).name or grad.removesuffix(".grad")
        found.title = N_("The gradients are never cleared: {grad} keeps growing")
        found.fix = N_("Set `{owner}.grad = None` in each turn, after the update.")
        return [found]
    optimizer = _stepping(run, statement)
    call = f"{optimizer or 'optimizer'}.zero_grad()"
    found.words["call"] = call
    if optimizer and statement is not None:
        title = words.fill(N_("Add `{call}` before `backward()`"), {"call": call})
        found.fixes.append(Fix(title, "maybe", [run.source.line_before(statement, call)]))
    return [found]


_MOVES = ("sub", "add", "addcmul", "addcdiv", "lerp")


@dataclass
class _Pile:
    """How a gradient piles up: how many were summed at most, in which event first, and how often one was used."""

    most: int = 0
    first: int = -1
    n_stale: int = 0
    n_used: int = 0
    is_by_hand: bool = False


def _piled(run: Run) -> dict[int, _Pile]:
    """Gradients that were used for an update again and again with what earlier updates had used still in them."""
    piles: dict[int, _Pile] = {}
    n_summed: dict[int, int] = {}  # since it was cleared
    used: set[int] = set()  # gradients that an update has read and nobody cleared since
    stale: set[int] = set()  # of these, the ones to which a backward pass has added
    scaled: dict[int, int] = {}  # results of `lr * w.grad` -> the gradient
    leaves = {t.of for t in run.trace.tensors if t.kind == TensorKind.LEAF_GRAD}
    for event in run.trace.events:
        spent: list[int] = []
        if event.kind == EventKind.ACCUMULATE and event.op != "backward" and event.outputs:
            grad = event.outputs[0]
            if run.tensor(grad).kind != TensorKind.LEAF_GRAD:
                continue
            if len(event.inputs) < 2 or is_zero(run, event.inputs[0], event.id - 1):
                n_summed[grad] = 1
                used.discard(grad)
                stale.discard(grad)
                continue
            n_summed[grad] = n_summed.get(grad, 1) + 1
            if grad in used:
                stale.add(grad)
                pile = piles.setdefault(grad, _Pile())
                pile.first = event.id if pile.first < 0 else pile.first
        elif event.kind == EventKind.UPDATE and len(event.inputs) > 1:
            spent = [event.inputs[1]]
        elif event.op in ("mul", "div") and event.kind == EventKind.FORWARD and event.outputs:
            for tensor in (t for t in event.inputs if t >= 0):
                if tensor in scaled or _is_leaf_grad(run, tensor):
                    scaled[event.outputs[0]] = scaled.get(tensor, tensor)
        elif event.op in _MOVES and event.kind in (EventKind.FORWARD, EventKind.INPLACE) and event.outputs:
            of = [scaled.get(t, t) for t in event.inputs if t in scaled or (t >= 0 and _is_leaf_grad(run, t))]
            target = run.tensor(event.outputs[0])
            if event.kind == EventKind.INPLACE and target.id not in leaves and not _is_leaf_grad(run, target.id):
                for grad in of:  # added to a velocity or a mean, which moves the parameter later
                    scaled[target.id] = grad
            else:
                spent = [scaled[t] for t in event.inputs if t in scaled]
                if not spent and event.kind == EventKind.INPLACE and not _is_leaf_grad(run, target.id):
                    spent = of  # `w.add_(w.grad, alpha=-0.1)`
        elif event.kind == EventKind.INPLACE and event.op in ("zero_grad", "zero", "fill"):
            for grad in event.outputs:
                used.discard(grad)
                stale.discard(grad)
        for grad in spent:
            pile = piles.setdefault(grad, _Pile())
            pile.n_used += 1
            pile.is_by_hand = event.kind != EventKind.UPDATE
            if grad in stale:
                pile.n_stale += 1
                pile.most = max(pile.most, n_summed.get(grad, 1))
            used.add(grad)
    # Now and then is not enough: it must be so most of the time.
    return {g: p for g, p in piles.items() if p.n_stale >= 2 and p.n_stale * 2 >= p.n_used - 1 and p.most >= 3}


def _is_leaf_grad(run: Run, tensor: int) -> bool:
    return run.tensor(tensor).kind == TensorKind.LEAF_GRAD


def _stepping(run: Run, statement: ast.stmt | None) -> str:
    """The name of the optimizer in the function of a statement: the one that steps there, else any of the text."""
    scope = run.source.scope_of(statement) if statement is not None else None
    steps = step_calls(run)
    near = [c for c in steps if run.source.scope_of(c) is scope]
    owners = [dotted(c.func.value) for c in near or steps if isinstance(c.func, ast.Attribute)]
    return owners[0] if owners else next(iter(optimizers(run)), "")
