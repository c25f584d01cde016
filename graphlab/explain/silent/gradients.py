"""Gradients that fade, explode or are zero everywhere."""

from __future__ import annotations

import ast
import re

import numpy as np

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.trail import is_zero, line_of, norm_of, rate_of, roots
from graphlab.explain.source import dotted
from graphlab.explain.values import array_at, value_at
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, TensorKind


@silent_bug(
    "GL722",
    Severity.WARNING,
    title=N_("{relu} is dead: all its outputs are 0"),
    what=N_(
        "All {n} entries that {relu} on line {line} gets are negative in each of the last {turns} iterations, "
        "so it gives only 0."
    ),
    why=N_("The slope of ReLU is 0 for negative inputs, so no gradient passes and nothing before it learns any more."),
    fix=N_(
        "Lower the learning rate, start with smaller weights and biases, or use `leaky_relu`, whose slope is never 0."
    ),
    example={"relu": "`relu`", "n": 12, "line": 8, "turns": 5},
    program="""import torch
x = torch.tensor([[1.0], [2.0]])
w = torch.tensor([[-3.0]], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    h = torch.relu(x @ w)
    loss = ((h - 1.0) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
x = torch.tensor([[1.0], [2.0]])
w = torch.tensor([[3.0]], requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
for step in range(5):
    h = torch.relu(x @ w)
    loss = ((h - 1.0) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def dead_relu(run: Run) -> list[Found]:
    """A relu that gave nothing but zeros until the end."""
    # A hinge that is satisfied gives 0 as well, and then the loss is 0: nothing is wrong with it.
    if run.trace.losses and all(each.value == 0 for each in run.trace.losses[-4:]):
        return []
    places: dict[tuple[int, str], list[Event]] = {}
    users = run.used_by
    for event in run.by_kind[EventKind.BACKWARD]:
        if event.op in ("relu", "clamp") and event.forward >= 0:
            forward = run.trace.events[event.forward]
            if event.op == "clamp" and not _is_rectifier(users, forward):
                continue
            if _is_hinge(users, forward.outputs[0]):
                continue
            places.setdefault((forward.span, forward.module), []).append(forward)
    found = []
    for (_span, module), events in places.items():
        last = events[-4:]
        if len(last) < 3 or not all(is_zero(run, e.outputs[0], e.id) for e in last):
            continue
        tensor = run.tensor(events[-1].outputs[0])
        line = line_of(run, events[-1])
        is_own_layer = events[-1].op == "relu" and module.rpartition(".")[2]
        relu = words.code(module) if is_own_layer else words.code(events[-1].op)
        n = int(np.prod(tensor.shape)) if tensor.shape else 1
        found.append(Found({"relu": relu, "n": n, "line": line, "turns": len(last)}, event=events[-1].id, line=line))
    return found[:1]


_LAYERS = {"linear", "addmm", "matmul", "mm", "bmm", "conv1d", "conv2d", "conv3d", "batch_norm", "layer_norm"}


def _is_rectifier(users: dict[int, list[Event]], event: Event) -> bool:
    """Whether a clamp at 0 stands where a relu would: a layer works on what it gives, perhaps after a pooling."""
    if event.params.get("min") != 0 or event.params.get("max") is not None:
        return False
    for user in users.get(event.outputs[0], []):
        if user.op in _LAYERS:
            return True
        is_between = user.op in ("dropout", "max_pool2d", "avg_pool2d", "flatten", "view", "reshape")
        if is_between and user.outputs and any(u.op in _LAYERS for u in users.get(user.outputs[0], [])):
            return True
    return False


def _is_hinge(users: dict[int, list[Event]], tensor: int) -> bool:
    """Whether what comes out is only added up, as a penalty is that may well be 0: a hinge, not a layer."""
    after = users.get(tensor, [])
    for _turn in range(3):
        if not after or any(u.op not in ("pow", "square", "mul", "div", "sum", "mean", "add") for u in after):
            return False
        if all(u.op in ("sum", "mean") and not u.params.get("dim") for u in after):
            return True
        after = [u for each in after for u in (users.get(each.outputs[0], []) if each.outputs else [])]
    return False


def gradient_norms(run: Run, backward: int) -> dict[int, float]:
    """The norm of each parameter's gradient in one backward pass, by parameter."""
    found: dict[int, float] = {}
    for event in run.by_kind[EventKind.ACCUMULATE]:
        if event.root != backward or not event.inputs or not event.outputs:
            continue
        target = run.tensor(event.outputs[0])
        if target.kind == TensorKind.LEAF_GRAD:
            norm = norm_of(run, event.inputs[-1], event.id)
            if norm is not None:
                found[target.of] = norm
    return found


def _passes(run: Run) -> list[int]:
    return sorted({e.root for e in run.by_kind[EventKind.ACCUMULATE] if e.root >= 0})


def _weights(run: Run, norms: dict[int, float]) -> list[int]:
    """Weight matrices in the order in which the forward pass uses them."""
    order: dict[int, int] = {}
    for event in run.by_kind[EventKind.FORWARD]:
        for tensor in event.inputs:
            if tensor in norms and len(run.tensor(tensor).shape) >= 2:
                order.setdefault(tensor, len(order))
    return sorted(order, key=lambda t: order[t])


def _mean_gradient(run: Run, norms: dict[int, float], tensor: int) -> float:
    return norms[tensor] / float(np.sqrt(max(1, int(np.prod(run.tensor(tensor).shape)))))


@silent_bug(
    "GL723",
    Severity.WARNING,
    title=N_("The gradients vanish on the way to {first}"),
    what=N_(
        "A typical entry of the gradient is {last_size} at {last}, the last layer, but only {first_size} at "
        "{first}: {ratio} times smaller."
    ),
    why=N_(
        "Each {activation} multiplies the gradient by its slope, at most {slope}; over {n} layers that "
        "leaves almost nothing."
    ),
    fix=N_(
        "Use `relu` between the layers, fewer layers, batch norm or residual connections, so that the first "
        "layers learn too."
    ),
    example={
        "first": "`net.0.weight`",
        "last": "`net.8.weight`",
        "first_size": "1e−8",
        "last_size": "0.01",
        "ratio": "1e6",
        "activation": "`sigmoid`",
        "slope": "0.25",
        "n": 8,
    },
    program="""import torch
torch.manual_seed(0)
weights = [(torch.randn(4, 4) * 0.3).requires_grad_() for i in range(8)]
x = torch.randn(6, 4)
for step in range(3):
    h = x
    for w in weights:
        h = torch.sigmoid(h @ w)
    loss = ((h - 1.0) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for w in weights:
            w -= 0.1 * w.grad
            w.grad = None
""",
    mended="""import torch
torch.manual_seed(0)
weights = [(torch.randn(4, 4) * 0.7).requires_grad_() for i in range(8)]
x = torch.randn(6, 4)
for step in range(3):
    h = x
    for w in weights:
        h = torch.relu(h @ w) + h
    loss = ((h - 1.0) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for w in weights:
            w -= 0.0001 * w.grad
            w.grad = None
""",
)
def vanishing(run: Run) -> list[Found]:
    """Gradients that fade from layer to layer."""
    passes = _passes(run)
    squashing = [e for e in run.by_kind[EventKind.BACKWARD] if e.op in ("sigmoid", "tanh", "softsign", "hardtanh")]
    if len(passes) < 2 or not squashing:
        return []
    hits = []
    for backward in (passes[0], passes[-1]):
        norms = gradient_norms(run, backward)
        weights = _weights(run, norms)
        if len(weights) < 4:
            return []
        sizes = [_mean_gradient(run, norms, w) for w in weights]
        if not (sizes[0] < 1e-3 * sizes[-1] and sizes[-1] > 0 and max(sizes[: len(sizes) // 2]) < 0.1 * sizes[-1]):
            return []
        hits.append((weights, sizes))
    weights, sizes = hits[0]
    activation = squashing[0].op
    n = len(weights)
    event = run.trace.events[squashing[0].forward] if squashing[0].forward >= 0 else squashing[0]
    ratio = sizes[-1] / sizes[0] if sizes[0] else float("inf")
    return [
        Found(
            {
                "first": quoted_name(run.trace, weights[0]),
                "last": quoted_name(run.trace, weights[-1]),
                "first_size": words.number(sizes[0]),
                "last_size": words.number(sizes[-1]),
                "ratio": words.number(float(f"{ratio:.1g}")),
                "activation": words.code(activation),
                "slope": "0.25" if activation == "sigmoid" else "1",
                "n": n,
            },
            {"gradients": sizes},
            event=event.id,
            line=line_of(run, event),
        )
    ]


@silent_bug(
    "GL724",
    Severity.WARNING,
    title=N_("The gradients explode: {name} gets one of size {size}"),
    what=N_("The gradient of {name} has norm {size}, {ratio} times the norm of {name} itself."),
    why=N_("Each layer multiplies the gradient by its weights; factors above 1 grow with every layer or time step."),
    fix=N_(
        "Start with smaller weights, scale the inputs to about 1, lower the learning rate, or clip with "
        "`nn.utils.clip_grad_norm_`."
    ),
    example={"name": "`net.0.weight`", "size": "1.2e6", "ratio": "1e5"},
    program="""import torch
torch.manual_seed(0)
weights = [(torch.randn(6, 6) * 20).requires_grad_() for i in range(6)]
x = torch.randn(8, 6)
for step in range(3):
    h = x
    for w in weights:
        h = torch.relu(h @ w)
    loss = h.mean()
    loss.backward()
    for w in weights:
        w.grad = None
""",
    mended="""import torch
torch.manual_seed(0)
weights = [(torch.randn(6, 6) * 0.5).requires_grad_() for i in range(6)]
x = torch.randn(8, 6)
for step in range(3):
    h = x
    for w in weights:
        h = torch.relu(h @ w)
    loss = h.mean()
    loss.backward()
    for w in weights:
        w.grad = None
""",
)
def exploding(run: Run) -> list[Found]:
    """Gradients beyond measure, while the loss is still a number."""
    passes = _passes(run)
    if len(passes) < 2 or re.search(r"clip_grad|\.clamp_?\(|sign\(\)", run.source.text):
        return []
    worst: dict[int, tuple[float, float]] = {}
    # Adaptive optimizers divide by the gradient's own size, so only a step of SGD is as long as the gradient.
    steps = [e for e in run.by_kind[EventKind.UPDATE] if e.op == "SGD"]
    used = {t: len(users) / len(passes) for t, users in run.used_by.items()}
    rate = max((r for e in steps if (r := rate_of(e)) is not None), default=0.0)
    for number, backward in enumerate((passes[0], passes[1])):
        norms = gradient_norms(run, backward)
        is_deep = len(_weights(run, norms)) >= 4
        for tensor, norm in norms.items():
            if len(run.tensor(tensor).shape) < 2:
                continue
            made = value_at(run.trace, tensor, len(run.trace.events))
            own = norm_of(run, tensor, made.event) if made is not None else None
            # A large gradient with a small rate is a matter of units (a sum, say); depth or long steps make it a fault.
            is_bad = is_deep or used.get(tensor, 0) >= 4 or rate * norm > (own or 0.0)
            if (
                own
                and is_bad
                and np.isfinite(norm)
                and norm > 1e3
                and norm > 300 * own
                and (number == 0 or tensor in worst)
            ):
                worst[tensor] = (norm, norm / own)
            else:
                worst.pop(tensor, None)
    if not worst:
        return []
    tensor, (norm, ratio) = max(worst.items(), key=lambda item: item[1][1])
    event = next(e for e in run.by_kind[EventKind.ACCUMULATE] if e.outputs and run.tensor(e.outputs[0]).of == tensor)
    loss_line = line_of(run, event)
    words_ = {
        "name": quoted_name(run.trace, tensor),
        "size": words.number(float(f"{norm:.3g}")),
        "ratio": words.number(float(f"{ratio:.1g}")),
    }
    return [Found(words_, {"norm": norm}, event=event.id, line=loss_line)]


_FLAT = ("floor", "round", "ceil", "trunc", "sign", "floor_divide", "heaviside", "sgn")


@silent_bug(
    "GL737",
    Severity.WARNING,
    title=N_("`{op}` on line {line} stops the gradient: its slope is 0 everywhere"),
    what=N_("{loss} depends on {x} only through `{op}`, and the gradient that comes back through it is exactly 0."),
    why=N_(
        "A function that jumps from one whole number to the next is flat in between, so no small change has an effect."
    ),
    fix=N_("Leave the rounding out of the loss (use `/` instead of `//`), and round only what is printed."),
    example={"op": "round", "line": 6, "loss": "`loss`", "x": "`h`"},
    program="""import torch
w = torch.tensor(2.3, requires_grad=True)
loss = (torch.round(w * 2.0) - 1.0) ** 2
loss.backward()
""",
    mended="""import torch
w = torch.tensor(2.3, requires_grad=True)
loss = (w * 2.0 - 1.0) ** 2
loss.backward()
""",
)
def flat_operator(run: Run) -> list[Found]:
    """Rounding on the way of the gradient, and whole divisions that leave only zeros."""
    known = roots(run)
    found: dict[int, Found] = {}
    for event in run.by_kind[EventKind.BACKWARD]:
        if event.op not in _FLAT or event.forward < 0:
            continue
        forward = run.trace.events[event.forward]
        line = line_of(run, forward)
        root = next(iter(known), -1)
        loss = quoted_name(run.trace, root) if root >= 0 and run.tensor(root).name else _("the loss")
        x = quoted_name(run.trace, forward.inputs[0])
        node = run.source.expression_at(run.span(forward))
        fixes = []
        if isinstance(node, ast.Call):
            inner = (
                node.func.value
                if isinstance(node.func, ast.Attribute) and dotted(node.func.value) != "torch"
                else node.args[0]
                if node.args
                else None
            )
            if inner is not None:
                text = run.source.base(inner)
                fixes.append(
                    Fix(
                        words.fill(N_("Leave it out: `{text}`"), {"text": text}),
                        "maybe",
                        [run.source.replace(node, text)],
                    )
                )
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv):
            text = f"{run.source.text_of(node.left)} / {run.source.text_of(node.right)}"
            fixes.append(
                Fix(
                    words.fill(N_("Divide with `/`: `{text}`"), {"text": text}),
                    "maybe",
                    [run.source.replace(node, text)],
                )
            )
        found.setdefault(
            line, Found({"op": event.op, "line": line, "loss": loss, "x": x}, fixes=fixes, event=forward.id, line=line)
        )
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op != "floor_divide" or not event.inputs or event.inputs[0] < 0 or not event.outputs:
            continue
        before, after = array_at(run.trace, event.inputs[0], event.id), array_at(run.trace, event.outputs[0], event.id)
        if (
            before is None
            or after is None
            or after.size < 2
            or after.any()
            or not before.any()
            or before.dtype.kind not in "iu"
        ):
            continue
        line = line_of(run, event)
        x = quoted_name(run.trace, event.inputs[0])
        found.setdefault(
            line,
            Found(
                {"op": "//", "line": line, "x": x},
                title=N_("`//` on line {line} turns everything into 0"),
                what=N_("{x} holds whole numbers, and all of them are 0 after the division on line {line}."),
                why=N_("`//` gives whole numbers and drops the rest, so what is smaller than the divisor becomes 0."),
                fix=N_("Use `/`, which gives floating point numbers."),
                fixes=_with_slash(run, event),
                event=event.id,
                line=line,
            ),
        )
    return list(found.values())


def _with_slash(run: Run, event: Event) -> list[Fix]:
    node = run.source.expression_at(run.span(event))
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.FloorDiv):
        return []
    text = f"{run.source.text_of(node.left)} / {run.source.text_of(node.right)}"
    return [Fix(words.fill(N_("Divide with `/`: `{text}`"), {"text": text}), "maybe", [run.source.replace(node, text)])]
