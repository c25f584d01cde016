"""Inputs and targets that don't belong together: shuffled apart, or each prediction compared with every target."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.axes import broadcast_axes
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import name_of, quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.trail import MAKERS, MAX_WALK, ancestors, learned, line_of, roots
from graphlab.explain.source import called, dotted
from graphlab.explain.values import array_at
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, Span, TensorKind


@silent_bug(
    "GL738",
    Severity.WARNING,
    title=N_("{a} and {b} were shuffled apart: inputs no longer match their targets"),
    what=N_(
        "{a} was put into the order of {order} on line {line}, and {b}, with which {loss} compares the result, was not."
    ),
    why=N_("Sample number i must keep its own target, so inputs and targets need one and the same order."),
    fix=N_("Use one permutation for both: `perm = torch.randperm(n)`, then `x[perm]` and `y[perm]`."),
    example={"a": "`x`", "b": "`y`", "order": "`perm`", "line": 6, "loss": "`loss`"},
    program="""import torch
torch.manual_seed(0)
x = torch.arange(6.0).unsqueeze(1)
y = 2.0 * torch.arange(6.0).unsqueeze(1)
w = torch.tensor([[0.5]], requires_grad=True)
xs = x[torch.randperm(6)]
loss = ((xs @ w - y) ** 2).mean()
loss.backward()
""",
    mended="""import torch
torch.manual_seed(0)
x = torch.arange(6.0).unsqueeze(1)
y = 2.0 * torch.arange(6.0).unsqueeze(1)
w = torch.tensor([[0.5]], requires_grad=True)
perm = torch.randperm(6)
loss = ((x[perm] @ w - y[perm]) ** 2).mean()
loss.backward()
""",
)
def shuffled_apart(run: Run) -> list[Found]:
    """One of inputs and targets in a random order, the other not, or in another one."""
    apart = _loaders_apart(run)
    if apart is not None:
        return [apart]
    orders = _Orders(run)
    if not orders.values and not orders.is_shuffled:
        return []
    for a, b, loss in [*_compared(run), *_paired_in_data_sets(run)]:
        of_a, of_b = orders.behind(a), orders.behind(b)
        if not of_a or not of_b or _UNKNOWN in of_a or _UNKNOWN in of_b or of_a.keys() & of_b.keys():
            continue
        order, own, other = next(
            (o, of, rest) for of, rest in ((of_a, of_b), (of_b, of_a)) for o in of if o != _AS_IT_WAS
        )
        shuffled = run.trace.events[own[order]]
        line = line_of(run, shuffled)
        named = run.tensor(order).name if order >= 0 else "permutation"
        values = {
            "a": quoted_name(run.trace, shuffled.inputs[0]),
            "b": quoted_name(run.trace, orders.data_behind(other, b if other is of_b else a)),
            "order": words.code(named) if named else words.code("randperm"),
            "line": line,
            "loss": quoted_name(run.trace, loss) if loss >= 0 and run.tensor(loss).name else _("the loss"),
        }
        return [Found(values, event=shuffled.id, line=line)]
    return []


def _loaders_apart(run: Run) -> Found | None:
    """Inputs and targets from two loaders that are run side by side, each of which shuffles for itself."""
    lines: dict[int, list[ast.Call]] = {}
    for call in run.source.calls():
        if called(call) != "zip":
            continue
        made = [a if isinstance(a, ast.Call) else run.source.assigned(dotted(a), a) for a in call.args]
        loaders = [m for m in made if isinstance(m, ast.Call) and called(m) == "DataLoader" and _shuffles(m)]
        if len(loaders) >= 2:
            lines[call.lineno] = loaders
    if not lines:
        return None
    batches: dict[int, list[int]] = {}
    for made_batch in run.by_kind[EventKind.CREATE]:
        if made_batch.op == "batch":
            batches.setdefault(line_of(run, made_batch), []).append(made_batch.id)
    for a, b, loss in _compared(run):
        targets, inputs = (
            {t for t in ancestors(run, [side]) if (e := run.made_by.get(t)) is not None and e.op == "batch"}
            for side in (b, a)
        )
        event = run.made_by[next(iter(targets))] if targets else None
        if event is None or not inputs or targets & inputs or line_of(run, event) not in lines:
            continue
        # A loader that gives pairs makes more than one tensor for each turn of the loop.
        ids = batches[line_of(run, event)]
        n_at_once = next((n for n, at in enumerate(ids) if at != ids[0] + n), len(ids))
        if n_at_once != len(lines[line_of(run, event)]):
            continue
        line = line_of(run, event)
        values = {
            "a": quoted_name(run.trace, next(iter(inputs))),
            "b": quoted_name(run.trace, next(iter(targets))),
            "line": line,
            "loss": quoted_name(run.trace, loss) if loss >= 0 and run.tensor(loss).name else _("the loss"),
            "order": "",
        }
        one = Found(values, event=event.id, line=line)
        one.title = N_("Two loaders shuffle apart: inputs no longer match their targets")
        one.what = N_(
            "Inputs and targets on line {line} come from two `DataLoader`s, and each of them shuffles in an order of "
            "its own, so {loss} compares predictions with the targets of other samples."
        )
        one.fix = N_("Put both into one `TensorDataset(x, y)` and make a single `DataLoader` of it.")
        return one
    return None


def _shuffles(call: ast.Call) -> bool:
    """Whether a DataLoader is made with `shuffle=True`."""
    return any(
        k.arg == "shuffle" and isinstance(k.value, ast.Constant) and k.value.value is True for k in call.keywords
    )


_LOSSES = {
    "mse_loss",
    "cross_entropy",
    "nll_loss",
    "l1_loss",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "smooth_l1_loss",
    "huber_loss",
    "sub",
}


def _compared(run: Run) -> Iterator[tuple[int, int, int]]:
    """What is computed and the target that it is compared with, and the loss that comes of it."""
    known = roots(run)
    root = next(iter(known), -1)
    needed = ancestors(run, known)
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in _LOSSES or len(event.inputs) < 2 or min(event.inputs[:2]) < 0:
            continue
        if needed.isdisjoint(event.outputs):
            continue
        a, b = event.inputs[:2]
        if event.op == "sub" and not run.tensor(a).requires_grad:
            a, b = b, a
        one, other = run.tensor(a), run.tensor(b)
        if other.requires_grad or not one.requires_grad or not one.shape or not other.shape:
            continue
        if one.shape[0] == other.shape[0] and one.shape[0] >= 3:
            yield a, b, root


def _paired_in_data_sets(run: Run) -> Iterator[tuple[int, int, int]]:
    """Tensors that stand beside each other in a `TensorDataset`."""
    batches = [e.id for e in run.by_kind[EventKind.CREATE] if e.op == "batch"]
    end = batches[0] if batches else len(run.trace.events)
    last: dict[str, int] = {}
    for event in run.trace.events[:end]:
        if event.kind in MAKERS:
            last.update({run.tensor(t).name: t for t in event.outputs if t >= 0 and run.tensor(t).name})
    for call in run.source.calls():
        if called(call) == "TensorDataset" and len(call.args) == 2:
            names = [dotted(a) for a in call.args]
            if all(n in last for n in names):
                yield last[names[0]], last[names[1]], -1


_AS_IT_WAS = -1

_UNKNOWN = -2

_ELSEWHERE = -3


class _Orders:
    """The random orders of a run, and which of them the samples of a tensor stand in."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.values: list[tuple[int, int, list[int]]] = []  # the event, the tensor, its numbers
        for event in run.by_kind[EventKind.CREATE]:
            if event.op == "randperm" and event.outputs:
                array = array_at(run.trace, event.outputs[0], len(run.trace.events))
                if array is not None and array.size > 2:
                    self.values.append((event.id, event.outputs[0], array.tolist()))
        # What Python or NumPy shuffled leaves no tensor behind: whole orders are known by their numbers.
        self.is_shuffled = bool(re.search(r"\b(permutation|shuffle|sample)\(", run.source.text))
        self.is_turned_back = "argsort" in run.source.text
        self._elsewhere: dict[tuple[int, ...], int] = {}
        self._seen: dict[int, dict[int, int]] = {}

    def behind(self, tensor: int) -> dict[int, int]:
        """The orders on the ways from a tensor back to data, each with the event that indexed by it."""
        known = self._seen.get(tensor)
        if known is not None:
            return known
        found: dict[int, int] = {}
        queue, seen = [tensor], {tensor}
        n = (self.run.tensor(tensor).shape or [1])[0]
        while queue and len(seen) < MAX_WALK:
            at = queue.pop()
            event = self.run.made_by.get(at)
            order = self._order_of(event) if event is not None else None
            if event is not None and order is not None:
                found.setdefault(order, event.id)
                continue
            inputs = [t for t in event.inputs if t >= 0] if event is not None else []
            record = self.run.tensor(at)
            is_data = record.kind == TensorKind.LEAF and not record.requires_grad and not inputs
            if is_data and event is not None and event.op != "randperm" and record.shape and record.shape[0] >= n:
                found.setdefault(_AS_IT_WAS, event.id)
            queue += [t for t in inputs if t not in seen]
            seen.update(inputs)
        self._seen[tensor] = found
        return found

    def data_behind(self, found: dict[int, int], tensor: int) -> int:
        """What to call the data that stands in these orders by, seen from what came of it."""
        event = self.run.trace.events[next(iter(found.values()))]
        if next(iter(found)) != _AS_IT_WAS:
            return event.inputs[0]
        n_all = max([*(len(v) for _e, _o, v in self.values), *map(len, self._elsewhere)])
        for at in sorted(ancestors(self.run, [tensor]), reverse=True):
            record = self.run.tensor(at)
            if (
                record.name
                and record.shape[:1] == [n_all]
                and record.kind in (TensorKind.LEAF, TensorKind.INTERMEDIATE)
            ):
                return at
        return tensor

    def _order_of(self, event: Event) -> int | None:
        """The order in which an event picks samples; None where it doesn't reorder."""
        if event.op not in ("index", "getitem", "index_select") or not event.outputs or not event.inputs:
            return None
        arrays = event.params.get("arrays")
        texts = [str(a) for a in arrays] if isinstance(arrays, list) else []
        direct = next((o for _e, o, _v in self.values if o in event.inputs[1:]), None)
        if direct is not None:
            return direct
        if len(texts) != 1:
            return None
        if "..." in texts[0]:
            numbers = [int(x) for x in re.findall(r"\d+", texts[0].partition("...")[0])]
        else:
            numbers = [int(x) for x in re.findall(r"-?\d+", texts[0])]
        if len(numbers) < 2 or len(set(numbers)) < len(numbers):
            return None
        for made, order, values in reversed(self.values):
            if made < event.id and numbers[0] in values:
                at = values.index(numbers[0])
                if values[at : at + len(numbers)] == numbers:
                    return order
        if len(numbers) < 3 or numbers == sorted(numbers):
            return None
        is_whole = sorted(numbers) == list(range((self.run.tensor(event.inputs[0]).shape or [0])[0]))
        if is_whole and self.is_shuffled and not self.is_turned_back:
            return self._elsewhere.setdefault(tuple(numbers), _ELSEWHERE - len(self._elsewhere))
        return _UNKNOWN


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
