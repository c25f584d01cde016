"""Axes in the wrong order: `view` where `permute` was meant, sequences and batches mistaken for each other."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Sequence

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.trail import ancestors, line_of, roots
from graphlab.explain.source import called
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix, Module

_NOISE = re.compile(r"(^|_)(z|noise|eps|epsilon|latent|latents)(_|$)")
_MAX_AXES = 5


def _grouped(sizes: Sequence[int], wanted: Sequence[int]) -> bool:
    """Whether neighbours of the first sizes can be merged to the second ones."""
    rest = list(sizes)
    for size in wanted:
        product = 1
        while rest and product < size:
            product *= rest.pop(0)
        if product != size:
            return False
    return not rest


def _boundaries(sizes: Sequence[int]) -> set[int]:
    return set(itertools.accumulate(sizes[:-1], lambda a, b: a * b))


def reordered(given: Sequence[int], wanted: Sequence[int]) -> tuple[int, list[int]] | None:
    """Where a reshape from one shape to the other can only be meant as another order of axes.

    Gives how many leading axes stay, and the order in which the axes that differ were meant: of `given` where it has
    as many axes or more, else of `wanted`. None where the axes are split and merged as they lie.
    """
    one, other = list(given), list(wanted)
    n_same = 0
    while one and other and one[0] == other[0]:
        one, other, n_same = one[1:], other[1:], n_same + 1
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    one, other = [d for d in one if d != 1], [d for d in other if d != 1]
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    if len(shorter) < 2 or len(longer) > _MAX_AXES or _boundaries(one) & _boundaries(other):
        return None
    for order in itertools.permutations(range(len(longer))):
        if order != tuple(range(len(order))) and _grouped([longer[at] for at in order], shorter):
            return n_same, list(order)
    return None


@silent_bug(
    "GL750",
    Severity.WARNING,
    title=N_("`{op}` on line {line} mixes up the axes of {name}"),
    what=N_(
        "`{op}` makes {after} of {name} {before}: the numbers stay in their order, so the axes don't change places."
    ),
    why=N_("`view` and `reshape` only cut the same row of numbers anew; `permute` and `transpose` swap axes."),
    fix=N_("Swap the axes instead: {advice}."),
    example={
        "op": "view",
        "line": 6,
        "name": "`images`",
        "before": "(8, 4, 4, 3)",
        "after": "(8, 3, 4, 4)",
        "advice": "`images.permute(0, 3, 1, 2)`",
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
images = torch.rand(8, 4, 4, 3)
conv = nn.Conv2d(3, 1, 4)
out = conv(images.view(8, 3, 4, 4))
loss = out.mean()
loss.backward()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
images = torch.rand(8, 4, 4, 3)
conv = nn.Conv2d(3, 1, 4)
out = conv(images.permute(0, 3, 1, 2))
loss = out.mean()
loss.backward()
""",
)
def scrambled(run: Run) -> list[Found]:
    """A reshape that only makes sense as another order of the axes."""
    known = roots(run)
    if not known:
        return []
    types = {m.path: m.type for m in run.trace.modules}
    needed: set[int] | None = None
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in ("view", "reshape") or not event.inputs or event.inputs[0] < 0 or event.span in found:
            continue
        if event.module and run.source.class_of(types.get(event.module, "")) is None:
            continue  # PyTorch's own layers know what they do
        given, wanted = run.tensor(event.inputs[0]), run.tensor(event.outputs[0])
        order = reordered(given.shape, wanted.shape)
        # Two axes alone are often cut anew on purpose: numbers without a meaning by place.
        if order is None or max(len(given.shape), len(wanted.shape)) < 3 or _is_without_order(run, given.id):
            continue
        needed = ancestors(run, known) if needed is None else needed
        if wanted.id not in needed:
            continue
        found[event.span] = _scrambled_found(run, event, *order)
    return list(found.values())[:2]


def _is_without_order(run: Run, tensor: int) -> bool:
    """Noise that nobody named as data, or numbers that count up: any order is as good as another."""
    made = run.made_by.get(tensor)
    if made is None or made.kind != EventKind.CREATE:
        return False
    name = run.tensor(tensor).name.lower()
    if made.op in ("arange", "linspace", "zeros", "ones", "full", "eye"):
        return True
    return made.op in ("randn", "rand", "randint", "normal") and (not name or bool(_NOISE.search(name)))


def _scrambled_found(run: Run, event: Event, n_same: int, order: list[int]) -> Found:
    given, wanted = run.tensor(event.inputs[0]), run.tensor(event.outputs[0])
    line = line_of(run, event)
    node = run.source.expression_at(run.span(event))
    axes = [*range(n_same), *(n_same + at for at in order)]
    n_axes = max(len(given.shape), len(wanted.shape))
    axes += range(len(axes), n_axes)
    fixes: list[Fix] = []
    advice = ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called(node) == event.op:
        base = run.source.base(node.func.value)
        is_plain = 1 not in given.shape[n_same:] and 1 not in wanted.shape[n_same:]
        turned = f"permute({', '.join(map(str, axes))})"
        if base in ("torch", "F") or not is_plain:
            text = ""
        elif len(given.shape) == len(wanted.shape) and sorted(given.shape) == sorted(wanted.shape):
            text = f"{base}.{turned}"
        elif len(given.shape) > len(wanted.shape):
            arguments = ", ".join(run.source.text_of(a) for a in node.args)
            text = f"{base}.{turned}.reshape({arguments})"
        elif len(node.args) == n_axes and not any(isinstance(a, ast.Starred) for a in node.args):
            typed = [run.source.text_of(a) for a in node.args]
            back = [axes.index(at) for at in range(n_axes)]
            text = f"{base}.{event.op}({', '.join(typed[at] for at in axes)}).permute({', '.join(map(str, back))})"
        else:
            text = ""
        if text:
            advice = words.code(text)
            fixes.append(
                Fix(words.fill(N_("Write `{text}`"), {"text": text}), "maybe", [run.source.replace(node, text)])
            )
    values = {
        "op": event.op,
        "line": line,
        "name": quoted_name(run.trace, given.id),
        "before": words.shape(given.shape),
        "after": words.shape(wanted.shape),
        "advice": advice or words.code("permute(…)"),
    }
    return Found(values, fixes=fixes, event=event.id, line=line)


_RECURRENT = ("LSTM", "GRU", "RNN")
_ATTENTION = ("MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer")
_KEEPING = re.compile(
    "embedding|linear|relu|tanh|float|to|mul|add|div|sub|dropout|layer_norm|clone|contiguous|unsqueeze"
)


@silent_bug(
    "GL751",
    Severity.WARNING,
    title=N_("{module} takes the samples for the steps of a sequence"),
    what=N_(
        "{module} gets shape {shape} and works through axis 0, the {n} samples, as if they were {n} steps of one "
        "sequence; axis 1 is its batch."
    ),
    why=N_(
        "`{type}` expects (steps, samples, features) unless it is made with `batch_first=True`: each sample is mixed "
        "with the others."
    ),
    fix=N_("Make it with `batch_first=True`, or swap both axes with `transpose(0, 1)` before it."),
    example={"module": "`model.lstm`", "shape": "(20, 12, 3)", "n": 20, "type": "LSTM"},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
lstm, out = nn.LSTM(2, 4), nn.Linear(4, 1)
optimizer = torch.optim.SGD([*lstm.parameters(), *out.parameters()], lr=0.1)
x, y = torch.randn(6, 5, 2), torch.randn(6, 1)
for epoch in range(3):
    h, _ = lstm(x)
    loss = ((out(h[:, -1]) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
lstm, out = nn.LSTM(2, 4, batch_first=True), nn.Linear(4, 1)
optimizer = torch.optim.SGD([*lstm.parameters(), *out.parameters()], lr=0.1)
x, y = torch.randn(6, 5, 2), torch.randn(6, 1)
for epoch in range(3):
    h, _ = lstm(x)
    loss = ((out(h[:, -1]) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def samples_as_steps(run: Run) -> list[Found]:
    """A layer for sequences without `batch_first=True` that is fed batch first."""
    if not run.trace.losses:
        return []
    targets = _target_counts(run)
    for module, event, given in _sequence_layers(run):
        shape = run.tensor(given).shape
        n, other = shape[0], shape[1]
        is_last_taken = module.type in _RECURRENT and _last_of_axis_1(run, event)
        is_counted = n != other and targets == {n}
        if not is_last_taken and not is_counted and not (_is_batch(run, given) and "collate_fn" not in run.source.text):
            continue
        names = _RECURRENT if module.type in _RECURRENT else _ATTENTION
        calls = [c for c in run.source.calls() if called(c) in names]
        calls = [c for c in calls if not any(k.arg == "batch_first" for k in c.keywords)]
        made = calls[0] if len(calls) == 1 else None
        fixes = []
        if made is not None:
            edit = run.source.add_argument(made, "batch_first=True")
            fixes.append(Fix(words.fill(N_("Make it with `batch_first=True`"), {}), "maybe", [edit]))
        values = {
            "module": words.code(module.path),
            "shape": words.shape(shape),
            "n": n,
            "type": called(made) if made is not None else module.type,
        }
        return [Found(values, {"n": n}, fixes, event=event.id, line=made.lineno if made else line_of(run, event))]
    return []


def _sequence_layers(run: Run) -> Iterator[tuple[Module, Event, int]]:
    """The layers that go through sequences in axis 0, with the event and the tensor that they start with."""
    modules = {m.path: m for m in run.trace.modules if m.type in (*_RECURRENT, "MultiheadAttention")}
    seen: set[str] = set()
    for event in run.by_kind[EventKind.FORWARD]:
        module = modules.get(event.module)
        if module is None or not event.inputs or event.inputs[0] < 0:
            continue
        # The first operator that reads what came from outside the layer.
        if event.op in ("select", "slice", "zeros") or module.path in seen:
            continue
        seen.add(module.path)
        if "batch_first=True" in module.text or event.op in ("transpose", "permute"):
            continue
        if len(run.tensor(event.inputs[0]).shape) == 3 and min(run.tensor(event.inputs[0]).shape[:2]) > 1:
            yield module, event, event.inputs[0]


def _last_of_axis_1(run: Run, event: Event) -> bool:
    """Whether the last entry along axis 1 of the outputs is taken, as the last step is with batches first."""
    for user in run.used_by.get(event.outputs[0], []):
        key = user.params.get("key")
        if user.op in ("select", "slice") and isinstance(key, list) and key[:2] == [":", -1]:
            return True
    return False


def _target_counts(run: Run) -> set[int]:
    """How many targets the losses compare with, where they have one axis or one column."""
    counts = set()
    for root in roots(run):
        made = run.made_by.get(root)
        if made is None or not made.op.endswith(("_loss", "cross_entropy", "with_logits")) or len(made.inputs) < 2:
            continue
        shape = run.tensor(made.inputs[1]).shape if made.inputs[1] >= 0 else []
        if len(shape) == 1 or (len(shape) == 2 and shape[1] == 1):
            counts.add(shape[0])
    return counts


def _is_batch(run: Run, tensor: int) -> bool:
    """Whether axis 0 is still the axis of samples of a batch from a loader."""
    for _turn in range(8):
        event = run.made_by.get(tensor)
        if event is None:
            return False
        if event.kind == EventKind.CREATE:
            return event.op == "batch"
        if not _KEEPING.fullmatch(event.op) or not event.inputs:
            return False
        tensor = event.inputs[1] if event.op == "embedding" else event.inputs[0]
        if tensor < 0:
            return False
    return False
