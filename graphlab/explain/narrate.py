"""One sentence for each step of the timeline, with names, shapes and telling numbers, read from the trace alone."""

from __future__ import annotations

import re
from string import Formatter
from typing import TYPE_CHECKING, Any

import numpy as np

from graphlab.engine.ops.op import OPS
from graphlab.explain import words
from graphlab.explain.values import NotFinite, array_at, index_of, not_finite_at, range_at, value_at
from graphlab.i18n import N_, _, ngettext
from graphlab.trace.records import Event, EventKind, Tensor, TensorKind, ValueForm

if TYPE_CHECKING:
    from graphlab.engine.ops.op import Op
    from graphlab.trace.store import TraceReader

MAX_TEXT = 120
MAX_FACTS_SIZE = 1_000_000


def narrate(trace: TraceReader, event: int) -> str:
    """What happens in an event, as one sentence; "" for an event that isn't there."""
    if not 0 <= event < len(trace.events):
        return ""
    record = trace.events[event]
    teller = _TELLERS.get(record.kind)
    text = teller(trace, record) if teller is not None else ""
    text = words.joined(text)
    return text.replace(_MARK, "") if text.startswith(_MARK) else words.sentence(text).replace(_MARK, "")


# names

_MARK = "\x01"
"""Stands before what is written as in the program while a sentence is made: `w` at its start gets no capital."""


class _Word(str):
    """A word for an operator's template, whatever number format the template asks for: numbers are words already."""

    def __format__(self, spec: str) -> str:
        return str(self)


def name_of(trace: TraceReader, tensor: int) -> str:
    """How a sentence calls a tensor: its name, else what made it."""
    return _said(trace, tensor).replace(_MARK, "")


def quoted_name(trace: TraceReader, tensor: int) -> str:
    """`name_of` for a diagnosis: marked as code where it is written so in the program, plain where it is a phrase."""
    said = _said(trace, tensor)
    return words.code(said[1:]) if said.startswith(_MARK) else said.replace(_MARK, "")


def _said(trace: TraceReader, tensor: int, event: Event | None = None, position: int = -1) -> str:
    """`name_of` with marks, or the number that stands at `position` where the operand is no tensor."""
    if not 0 <= tensor < len(trace.tensors):
        number = _number_operand(event, position)
        return number if number is not None else _("a number")
    record = trace.tensors[tensor]
    if record.kind == TensorKind.LEAF_GRAD:
        return _MARK + record.name if record.name else _("the gradient of {name}").format(name=_said(trace, record.of))
    if record.kind == TensorKind.GRADIENT:
        return _("the gradient of {name}").format(name=_said(trace, record.of))
    if record.name and record.name != "_":
        return _MARK + record.name
    made = index_of(trace).producer.get(tensor, -1)
    if made >= 0:
        text = _expression(trace, trace.events[made])
        if text:
            return _MARK + text
        maker = trace.events[made]
        if maker.module and tensor not in index_of(trace).within:
            return _("the output of {module}").format(module=maker.module)
        return _("the result of {op}").format(op=maker.op)
    value = value_at(trace, tensor, len(trace.events))
    if value is not None and value.form == ValueForm.WHOLE and not record.shape:
        return words.number(trace.array(value.id).item())
    return _("a tensor of shape {shape}").format(shape=words.shape(record.shape))


def _number_operand(event: Event | None, position: int) -> str | None:
    if event is None or position < 0:
        return None
    op = OPS.get(event.op)
    name = op.args[position] if op is not None and position < len(op.args) else ""
    value = event.params.get(name)
    return words.number(value) if isinstance(value, int | float) else None


def _expression(trace: TraceReader, event: Event) -> str:
    """The text of a short expression: `w * x`. "" for calls of modules and for long ones."""
    if not 0 <= event.span < len(trace.spans) or event.kind != EventKind.FORWARD or event.module:
        return ""
    span = trace.spans[event.span]
    lines = index_of(trace).lines(trace)
    if span.line != span.end_line or not 0 < span.line <= len(lines):
        return ""
    text = lines[span.line - 1][span.column : span.end_column].strip()
    return text if 0 < len(text) <= 24 and re.search(r"[-+*/@]", text) and "(" not in text else ""


# what a value looks like


def _value_words(trace: TraceReader, tensor: int, event: int) -> str:
    """ "0.44" for one number, [1, 2, 3] for few, else "" ."""
    array = array_at(trace, tensor, event)
    if array is None or array.size > 4 or array.ndim > 1:
        return ""
    if array.ndim == 0:
        return _number(array.item())
    return "[" + ", ".join(_number(x) for x in array.tolist()) + "]"


def _number(value: complex) -> str:
    """A number in few digits; a complex one as 1 − 2j."""
    if not isinstance(value, complex):
        return words.number(value)
    sign = "−" if np.signbit(value.imag) else "+"
    return f"{words.number(value.real)} {sign} {words.number(abs(value.imag))}j"


def _result(trace: TraceReader, tensor: int, event: int) -> str:
    """What came out, as a clause: "h is 0.44", "h has shape (3, 4), from −1 to 2"."""
    record = trace.tensors[tensor]
    name = _MARK + record.name if record.name and record.name != "_" else _("the result")
    value = _value_words(trace, tensor, event)
    if value and not record.shape:
        return _("{name} is {value}").format(name=name, value=value)
    shape = words.shape(record.shape)
    if value:
        return _("{name} has shape {shape}: {value}").format(name=name, shape=shape, value=value)
    bounds = range_at(trace, tensor, event)
    bad = not_finite_at(trace, tensor, event)
    if bad is not None and bad.every:
        return _("{name} has shape {shape}, every entry {low}").format(name=name, shape=shape, low=bad.every)
    if bounds is None and bad is not None:
        return _("{name} has shape {shape}, without a finite entry: {bad}").format(
            name=name, shape=shape, bad=_bad_words(bad)
        )
    if bounds is None:
        return _("{name} has shape {shape}").format(name=name, shape=shape)
    if bad is not None and bounds[0] == bounds[1]:
        return _("{name} has shape {shape}: {bad}, all others are {low}").format(
            name=name, shape=shape, bad=_bad_words(bad), low=words.number(bounds[0])
        )
    if bad is not None:
        return _("{name} has shape {shape}: {bad}, the others go from {low} to {high}").format(
            name=name, shape=shape, bad=_bad_words(bad), low=words.number(bounds[0]), high=words.number(bounds[1])
        )
    if bounds[0] == bounds[1]:
        return _("{name} has shape {shape}, every entry {low}").format(
            name=name, shape=shape, low=words.number(bounds[0])
        )
    return _("{name} has shape {shape}, with values from {low} to {high}").format(
        name=name, shape=shape, low=words.number(bounds[0]), high=words.number(bounds[1])
    )


def _bad_words(bad: NotFinite) -> str:
    """ "8 of 24 entries are −inf and 2 are NaN"."""
    parts: list[str] = []
    for n, what in bad.counts():
        if not parts:
            text = ngettext("{n} of {total} entries is {what}", "{n} of {total} entries are {what}", n)
            parts.append(text.format(n=n, total=bad.total, what=what))
        else:
            parts.append(ngettext("{n} is {what}", "{n} are {what}", n).format(n=n, what=what))
    return words.listing(parts)


# forward


def _placeholders(template: str) -> set[str]:
    return {name for _text, name, _spec, _conv in Formatter().parse(template) if name}


def _values_for(trace: TraceReader, event: Event, op: Op, template: str) -> dict[str, str] | None:
    """Words for every placeholder of an operator's template; None where one can't be known from the trace."""
    wanted = _placeholders(template)
    found: dict[str, str] = {}
    for position, arg in enumerate(op.args):
        if position < len(event.inputs):
            tensor = event.inputs[position]
            found[arg] = _said(trace, tensor, event, position)
            if 0 <= tensor < len(trace.tensors):
                found[f"{arg}_shape"] = words.shape(trace.tensors[tensor].shape)
            else:
                found[f"{arg}_shape"] = "()"
    if len(event.inputs) > len(op.args) and op.args:  # cat, stack: one argument, many tensors
        found[op.args[0]] = words.listing(_said(trace, t) for t in event.inputs[:4])
    if event.outputs and event.outputs[0] >= 0:
        out = trace.tensors[event.outputs[0]]
        found["out"] = _MARK + out.name if out.name else _("the result")
        found["shape"] = words.shape(out.shape)
    for key, value in event.params.items():
        if value is None:
            found.update(_left_out(trace, event, key))
        else:
            found.setdefault(key, _param(value))
    if "dim" in found:
        found["along"] = _along(event.params.get("dim"), found["dim"])
    if not wanted <= set(found):
        facts = _facts(trace, event, op)
        for key, value in facts.items():
            found[key] = _param(value)
    if not wanted <= set(found) or any(found[key] == "" for key in wanted):
        return None
    return {key: _Word(value) for key, value in found.items()}


def _left_out(trace: TraceReader, event: Event, key: str) -> dict[str, str]:
    """What it means that an argument was not given: all axes, no limit."""
    if key in ("min", "max"):
        return {key: "−∞" if key == "min" else "∞"}
    if key in ("dim", "axis") and event.inputs and event.inputs[0] >= 0:
        axes = range(len(trace.tensors[event.inputs[0]].shape))
        return {key: "(" + ", ".join(str(a) for a in axes) + ")"}
    return {}


def _along(dim: Any, said: str) -> str:
    """The dims of a reduction in words: one of them, several, or all."""
    if said == "()":
        return _("all dims")
    one = isinstance(dim, int) or "," not in said
    return _("dim {dim}").format(dim=said.strip("()")) if one else _("dims {dim}").format(dim=said)


def _param(value: Any) -> str:
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int | float | np.integer | np.floating):
        return words.number(value.item() if isinstance(value, np.generic) else value)
    if isinstance(value, list | tuple):
        return "(" + ", ".join(_param(v) for v in value) + ")"
    return str(value)


def _facts(trace: TraceReader, event: Event, op: Op) -> dict[str, Any]:
    """The operator's own facts, computed on recorded values; {} where they weren't kept whole."""
    if op.facts is None or not event.outputs:
        return {}
    arrays: list[Any] = []
    for position, tensor in enumerate(event.inputs):
        if tensor < 0:
            name = op.args[position] if position < len(op.args) else ""
            arrays.append(event.params.get(name))
            continue
        array = array_at(trace, tensor, event.id if event.kind != EventKind.INPLACE else event.id - 1)
        if array is None or array.size > MAX_FACTS_SIZE:
            return {}
        arrays.append(array)
    out = array_at(trace, event.outputs[0], event.id)
    if out is None:
        return {}
    params = {k: v for k, v in event.params.items() if k not in op.args}
    try:
        return dict(op.facts(out, *arrays, **params))
    except (TypeError, ValueError, IndexError, KeyError, AttributeError, ZeroDivisionError):
        return {}  # a trace from elsewhere may have other parameters than our operator


_TO_ONE_NUMBER = {
    "sum": N_("all {n} entries of {input} are summed into one number"),
    "mean": N_("the mean of all {n} entries of {input} is taken"),
}
"""What the operators that reduce do when one number comes out."""


def _forward(trace: TraceReader, event: Event) -> str:
    op = OPS.get(event.op)
    text = ""
    came_out = trace.tensors[event.outputs[0]].shape if event.outputs and event.outputs[0] >= 0 else None
    if op is not None and op.narrate:
        template = _(_TO_ONE_NUMBER[event.op]) if came_out == [] and event.op in _TO_ONE_NUMBER else _(op.narrate)
        values = _values_for(trace, event, op, template)
        if values is not None:
            text = template.format_map(values)
            for shape in {str(v) for k, v in values.items() if k.endswith("_shape")}:
                text = text.replace(f"{shape} {shape}", shape)  # what has no name goes by its shape already
            # Euler's number at the start of a sentence is no word.
            text = _MARK + text if template.startswith("e ") else text
    if not text:
        inputs = [_said(trace, t, event, at) for at, t in enumerate(event.inputs[:4])]
        if inputs:
            text = _("{op} is computed from {inputs}").format(op=_MARK + event.op, inputs=words.listing(inputs))
        else:
            text = _("{op} is computed").format(op=_MARK + event.op)
    if event.module:
        text = _("In {module}, {text}").format(module=event.module, text=text)
    text = text.rstrip(".。")
    if event.outputs and event.outputs[0] >= 0:
        # Where the template closes with the shape that came out, the clause about the result tells it anyway.
        if came_out is not None:
            for colon in (": ", "："):
                text = text.removesuffix(f"{colon}{words.shape(came_out)}")
        return _("{text}; {result}.").format(text=text, result=_result(trace, event.outputs[0], event.id))
    return _("{text}.").format(text=text)


# backward


def _backward(trace: TraceReader, event: Event) -> str:
    forward = trace.events[event.forward] if 0 <= event.forward < len(trace.events) else None
    targets = [t for t in event.outputs if t >= 0]
    names = [_said(trace, trace.tensors[t].of) for t in targets]
    source = trace.tensors[event.inputs[0]].of if event.inputs and event.inputs[0] >= 0 else -1
    start = _said(trace, source) if source >= 0 else _("the result")
    if not targets:
        return _("Backward through {op}: nothing before it needs a gradient.").format(op=event.op)
    head = _("The gradient of {out} flows back through {op} to {names}").format(
        out=start, op=event.op, names=words.listing(dict.fromkeys(names))
    )
    special = _backward_fact(trace, event, forward)
    text = head
    if special:
        text = _("{head}: {detail}").format(head=head, detail=special)
    numbers = []
    for target, name in list(zip(targets, names))[:2]:
        value = _value_words(trace, target, event.id)
        bad = not_finite_at(trace, target, event.id) if not value else None
        if value:
            numbers.append(_("{name} gets {value}").format(name=name, value=value))
        elif bad is not None:
            numbers.append(_("in the gradient of {name} {bad}").format(name=name, bad=_bad_words(bad)))
    summed = _summed_back(trace, event, forward)
    if summed and summed not in text:
        text = _("{text}; {more}").format(text=text, more=summed)
    if numbers:
        text = _("{text}; {more}").format(text=text, more=words.clauses(numbers))
    return _("{text}.").format(text=text)


def _backward_fact(trace: TraceReader, event: Event, forward: Event | None) -> str:
    """What the operator does to the gradient, with a count where one tells something."""
    if forward is None:
        return ""
    op = OPS.get(event.op)
    if event.op in ("relu", "relu_") and event.outputs and event.outputs[0] >= 0 and forward.outputs:
        out = array_at(trace, forward.outputs[0], event.id)
        if out is not None:
            zero = int((out <= 0).sum())
            name = _said(trace, forward.inputs[0]) if forward.inputs else _("the input")
            return _("entries where {name} was 0 or less get 0 ({n} of {total})").format(
                name=name, n=zero, total=int(out.size)
            )
    if op is None or not op.narrate_backward:
        return ""
    template = _(op.narrate_backward)
    reached = {trace.tensors[t].of for t in event.outputs if t >= 0}
    named = [i for arg, i in zip(op.args, forward.inputs) if arg in _placeholders(template)]
    if event.op in _BACKWARD_RULES and not set(named) <= reached:
        return _part_of_backward(trace, event, forward)
    values = _values_for(trace, forward, op, template)
    return template.format_map(values).rstrip(".。") if values is not None else ""


_BACKWARD_RULES = {
    "mul": (N_("{a} gets the incoming gradient times {b}"), N_("{b} gets the incoming gradient times {a}")),
    "div": (N_("{a} gets the incoming gradient divided by {b}"), N_("{b} gets minus the incoming gradient times "
    "{a} / {b}²")),
    "add": (N_("{a} gets the incoming gradient as it is"), N_("{b} gets the incoming gradient as it is")),
    "sub": (N_("{a} gets the incoming gradient as it is"), N_("{b} gets the incoming gradient with its sign turned")),
    "rsub": (N_("{a} gets the incoming gradient with its sign turned"), N_("{b} gets the incoming gradient as it is")),
    "matmul": (N_("{a} gets the incoming gradient times {b} turned over"), N_("{b} gets {a} turned over times "
    "the incoming gradient")),
    "linear": (
        N_("{a} gets the incoming gradient times {b}"),
        N_("{b} gets the incoming gradient, turned over, times {a}"),
        N_("{c} gets its sum over the batch"),
    ),
}  # fmt: skip


def _part_of_backward(trace: TraceReader, event: Event, forward: Event) -> str:
    """The rule for those inputs alone that get a gradient, where the others (data, numbers) need none."""
    names = [_said(trace, t, forward, at) for at, t in enumerate(forward.inputs)]
    values = {key: _Word(name) for key, name in zip("abc", names)}
    parts = [
        _(rule).format_map(values)
        for rule, out in zip(_BACKWARD_RULES.get(event.op, ()), event.outputs)
        if out >= 0 and len(names) >= 2
    ]
    return words.clauses(parts)


_NOT_STRETCHED = {
    "linear", "stack", "cat", "embedding", "gather", "setitem", "scatter", "scatter_reduce", "cross_entropy",
    "nll_loss",
    "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "convolution",
}  # fmt: skip
"""Operators whose operands have smaller shapes for other reasons than broadcasting; each tells its own in its block."""


def _summed_back(trace: TraceReader, event: Event, forward: Event | None) -> str:
    """How a gradient is added up over the axes that broadcasting had stretched."""
    if forward is None or event.op not in OPS or not OPS[event.op].broadcasts or event.op in _NOT_STRETCHED:
        return ""
    if not event.inputs or event.inputs[0] < 0:
        return ""
    whole = trace.tensors[event.inputs[0]].shape
    for target in event.outputs:
        if target < 0:
            continue
        record = trace.tensors[target]
        part = record.shape
        if len(part) > len(whole) or int(np.prod(part)) >= int(np.prod(whole)):
            continue
        offset = len(whole) - len(part)
        # An axis of size 1 that was put in front adds up nothing.
        axes = [a for a in range(len(whole)) if whole[a] != 1 and (a < offset or part[a - offset] == 1)]
        if axes:
            said = words.listing(str(a) for a in axes)
            name = _said(trace, record.of)
            if not part:
                return _("for {name} it is added up, because the one number was used for all of {whole}").format(
                    name=name, whole=words.shape(whole)
                )
            template = ngettext(
                "for {name} it is added up over axis {axes}, because {name} with shape {part} was used for all "
                "of {whole}",
                "for {name} it is added up over axes {axes}, because {name} with shape {part} was used for all "
                "of {whole}",
                len(axes),
            )
            return template.format(name=name, axes=said, part=words.shape(part), whole=words.shape(whole))
    return ""


def _accumulate(trace: TraceReader, event: Event) -> str:
    out = event.outputs[0] if event.outputs else -1
    if out < 0:
        return ""
    record = trace.tensors[out]
    of = _said(trace, record.of)
    value = _value_words(trace, out, event.id)
    said = (
        _("= {value}").format(value=value) if value else _("of shape {shape}").format(shape=words.shape(record.shape))
    )
    if not event.inputs:
        if value and not record.shape:
            return _("Backward starts at {name}: the gradient of {name} with respect to itself is {value}.").format(
                name=of, value=value
            )
        return _("Backward starts at {name} with a gradient {said}.").format(name=of, said=said)
    name = _said(trace, out)
    if record.kind == TensorKind.LEAF_GRAD:
        return _leaf_grad(trace, event, record, name, of, value)
    nth, total = _contribution(trace, event, record.of)
    if total >= 2:
        return _("{nth} of {total} contributions to the gradient of {of} is added: the sum so far {said}.").format(
            nth=words.sentence(words.ordinal(nth)), total=total, of=of, said=said
        )
    return _("Contributions to the gradient of {of} are added up: the sum {said}.").format(of=of, said=said)


def _leaf_grad(trace: TraceReader, event: Event, record: Tensor, name: str, of: str, value: str) -> str:
    bounds = range_at(trace, record.id, event.id)
    bad = not_finite_at(trace, record.id, event.id) if not value else None
    if value:
        becomes = _("{name} becomes {value}").format(name=name, value=value)
    elif bad is not None:
        becomes = _("{name} of shape {shape} is set: {bad}").format(
            name=name, shape=words.shape(record.shape), bad=_bad_words(bad)
        )
    elif bounds is not None:
        becomes = _("{name} of shape {shape} is set, with values from {low} to {high}").format(
            name=name, shape=words.shape(record.shape), low=words.number(bounds[0]), high=words.number(bounds[1])
        )
    else:
        becomes = _("{name} of shape {shape} is set").format(name=name, shape=words.shape(record.shape))
    if len(event.inputs) < 2:
        return _("{becomes}.").format(becomes=becomes)
    before = array_at(trace, event.inputs[0], event.id - 1)
    added = array_at(trace, event.inputs[1], event.id)
    if before is not None and added is not None and before.size == 1 and added.size == 1:
        return _("{becomes}: {added} is added to the {before} that was there.").format(
            becomes=becomes, added=words.number(added.item()), before=words.number(before.item())
        )
    return _("{becomes}: the new gradient is added to what was there.").format(becomes=becomes)


def _contribution(trace: TraceReader, event: Event, of: int) -> tuple[int, int]:
    """Which of how many contributions an ACCUMULATE event adds, in its backward pass."""
    total = len(index_of(trace).n_contributions.get((event.root, of), []))
    n = 1
    tensor = event.inputs[0] if event.inputs else -1
    for _turn in range(10000):  # sums so far are chained: each one's first input is the sum before it
        made = index_of(trace).producer.get(tensor, -1)
        n += 1
        if made < 0 or trace.events[made].kind != EventKind.ACCUMULATE or not trace.events[made].inputs:
            break
        tensor = trace.events[made].inputs[0]
    return min(n, total), total


# the others


def _update(trace: TraceReader, event: Event) -> str:
    if not event.outputs or event.outputs[0] < 0:
        return ""
    param = event.outputs[0]
    name = _said(trace, param)
    before = array_at(trace, param, event.id - 1)
    after = array_at(trace, param, event.id)
    grad = event.inputs[1] if len(event.inputs) > 1 else -1
    slope = array_at(trace, grad, event.id) if grad >= 0 else None
    rate = event.params.get("lr")
    if before is not None and after is not None and before.size == after.size and (before == after).all():
        return _("{optimizer} leaves {name} as it is.").format(optimizer=event.op, name=name)
    if before is not None and after is not None and before.size == 1 and after.size == 1:
        if words.number(before.item()) == words.number(after.item()):
            step = words.number(float(f"{after.item() - before.item():.4g}"))
            return _("{optimizer} moves {name} by {step}, from {before}.").format(
                optimizer=event.op, name=name, step=step, before=words.number(before.item())
            )
        text = _("{optimizer} moves {name} from {before} to {after}").format(
            optimizer=event.op, name=name, before=words.number(before.item()), after=words.number(after.item())
        )
        plain = not any(event.params.get(k) for k in ("momentum", "weight_decay", "dampening", "nesterov"))
        if event.op == "SGD" and plain and slope is not None and isinstance(rate, int | float):
            g = words.number(slope.item())
            g = f"({g})" if g.startswith("−") else g
            sign = "+" if event.params.get("maximize") else "−"
            return _("{text}: {name} {sign} {rate} × {grad}.").format(
                text=text, name=name, sign=sign, rate=words.number(rate), grad=g
            )
        return _("{text}.").format(text=text)
    bad = not_finite_at(trace, param, event.id)
    if bad is not None:
        text = _("{optimizer} changes {name}: {bad}").format(optimizer=event.op, name=name, bad=_bad_words(bad))
    elif before is not None and after is not None and before.shape == after.shape and after.size:
        step = np.abs(np.asarray(after, np.float64) - before)
        largest = float(step.max())
        text = _("{optimizer} moves the {n} entries of {name} by at most {step}").format(
            optimizer=event.op, n=words.number(int(after.size)), name=name, step=words.number(largest)
        )
    else:
        text = _("{optimizer} moves {name}, shape {shape}").format(
            optimizer=event.op, name=name, shape=words.shape(trace.tensors[param].shape)
        )
    if isinstance(rate, int | float):
        return _("{text}, with learning rate {rate}.").format(text=text, rate=words.number(rate))
    return _("{text}.").format(text=text)


def _create(trace: TraceReader, event: Event) -> str:
    if not event.outputs or event.outputs[0] < 0:
        return ""
    record = trace.tensors[event.outputs[0]]
    value = _value_words(trace, record.id, event.id)
    name = _MARK + record.name if record.name else _("a tensor")
    grad = _(", and its gradient will be computed") if record.requires_grad else ""
    if value and not record.shape:
        return _("{name} is made: the number {value} ({dtype}){grad}.").format(
            name=name, value=value, dtype=record.dtype, grad=grad
        )
    if value:
        return _("{name} is made with {op}: {value} ({dtype}){grad}.").format(
            name=name, op=event.op, value=value, dtype=record.dtype, grad=grad
        )
    return _("{name} is made with {op}: shape {shape}, {dtype}{grad}.").format(
        name=name, op=event.op, shape=words.shape(record.shape), dtype=record.dtype, grad=grad
    )


def _inplace(trace: TraceReader, event: Event) -> str:
    if event.op == "zero_grad":
        n = len(event.outputs)
        if not n:
            return _("There was no gradient yet to clear.")
        if n == 1:
            return _("{name} is cleared, so that the next backward starts afresh.").format(
                name=_said(trace, event.outputs[0])
            )
        return ngettext("{n} gradient is cleared: {names}.", "{n} gradients are cleared: {names}.", n).format(
            n=n, names=_several(trace, event.outputs)
        )
    if not event.outputs or event.outputs[0] < 0:
        return _("{op} writes in place.").format(op=_MARK + event.op)
    name = _said(trace, event.outputs[0])
    return _("{op} writes into {name} itself; {result}.").format(
        op=_MARK + event.op, name=name, result=_result(trace, event.outputs[0], event.id)
    )


def _several(trace: TraceReader, tensors: list[int]) -> str:
    """The names of some tensors, at most three of them."""
    names = [_said(trace, t) for t in tensors[:3]]
    return _(", ").join([*names, "…"]) if len(tensors) > 3 else words.listing(names)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_TEXT else line[: MAX_TEXT - 1] + "…"


def _print(trace: TraceReader, event: Event) -> str:
    before, dump, _rest = event.text.partition("tensor(")
    if dump:  # the console shows it whole; a sentence can't
        before = _short(before)
        if before:
            return _("The program prints “{text}” and a tensor.").format(text=before)
        return _("The program prints a tensor.")
    text = _short(event.text)
    return _("The program prints: {text}").format(text=text) if text else _("The program prints an empty line.")


def _warning(trace: TraceReader, event: Event) -> str:
    return _("A warning: {text}").format(text=_short(event.text))


def _error(trace: TraceReader, event: Event) -> str:
    names = [_said(trace, t) for t in event.inputs if t >= 0]
    shapes = [words.shape(trace.tensors[t].shape) for t in event.inputs if t >= 0]
    if event.op and names:
        pairs = words.listing(_("{name} {shape}").format(name=n, shape=s) for n, s in list(zip(names, shapes))[:3])
        return _("{op} fails with {operands}: {text}").format(
            op=_MARK + event.op, operands=pairs, text=_short(event.text)
        )
    return _("The program fails: {text}").format(text=_short(event.text) or _("no message"))


_TELLERS = {
    int(EventKind.CREATE): _create,
    int(EventKind.FORWARD): _forward,
    int(EventKind.BACKWARD): _backward,
    int(EventKind.ACCUMULATE): _accumulate,
    int(EventKind.UPDATE): _update,
    int(EventKind.INPLACE): _inplace,
    int(EventKind.PRINT): _print,
    int(EventKind.WARNING): _warning,
    int(EventKind.ERROR): _error,
}


# formulas


def formula(trace: TraceReader, event: int) -> str:
    """The operator's formula with the program's own names in it; "" where there is none."""
    if not 0 <= event < len(trace.events):
        return ""
    record = trace.events[event]
    op = OPS.get(record.op)
    if op is None:
        return _update_formula(trace, record)
    if record.kind == EventKind.BACKWARD:
        forward = trace.events[record.forward] if 0 <= record.forward < len(trace.events) else None
        text = _formulas(op)[1]
        return _substituted(trace, forward, op, text) if forward is not None else text
    if record.kind in (EventKind.FORWARD, EventKind.INPLACE, EventKind.ERROR):
        return _substituted(trace, record, op, _formulas(op)[0])
    return ""


def _formulas(op: Op) -> tuple[str, str]:
    """Forward and backward, in the language of the window; most are only signs and the same in all."""
    return _(op.formula) if op.formula else "", _(op.backward_formula) if op.backward_formula else ""


def _substituted(trace: TraceReader, event: Event, op: Op, text: str) -> str:
    names: dict[str, str] = {}
    for position, arg in enumerate(op.args):
        if position < len(event.inputs):
            tensor = event.inputs[position]
            if 0 <= tensor < len(trace.tensors):
                name = trace.tensors[tensor].name or _inner(trace, tensor)
            else:
                name = _number_operand(event, position) or ""
            if name:
                names[arg] = name
    if event.outputs and event.outputs[0] >= 0 and trace.tensors[event.outputs[0]].name:
        names["out"] = trace.tensors[event.outputs[0]].name
    if not names:
        return text
    pattern = re.compile(
        r"(?<![\w.])(" + "|".join(re.escape(n) for n in sorted(names, key=len, reverse=True)) + r")(?![A-Za-z0-9_(])"
    )
    return pattern.sub(lambda found: names[found.group(1)], text)


def _inner(trace: TraceReader, tensor: int) -> str:
    """The bracketed expression that made a tensor without a name, "" where it is long."""
    made = index_of(trace).producer.get(tensor, -1)
    text = _expression(trace, trace.events[made]) if made >= 0 else ""
    return f"({text})" if text else ""


def _update_formula(trace: TraceReader, event: Event) -> str:
    if event.kind != EventKind.UPDATE or not event.outputs:
        return ""
    name = name_of(trace, event.outputs[0])
    if event.op == "SGD" and not event.params.get("momentum") and not event.params.get("weight_decay"):
        rate = event.params.get("lr")
        said = words.number(rate) if isinstance(rate, int | float) else "lr"
        return f"{name} ← {name} − {said} · {name}.grad"
    return {
        "SGD": f"v ← momentum · v + {name}.grad;  {name} ← {name} − lr · v",
        "Adam": f"m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  {name} ← {name} − lr · m̂ / (√v̂ + ε)",
        "AdamW": f"{name} ← (1 − lr·λ){name};  m, v as in Adam;  {name} ← {name} − lr · m̂ / (√v̂ + ε)",
    }.get(event.op, "")


def describe_op(op: str) -> dict[str, str]:
    """What a tooltip says of an operator: name, category (a text marked with `N_`), formula, backward formula. Only the
    name where it isn't known."""
    entry = OPS.get(op)
    if entry is None:
        return {"name": op, "category": "", "formula": "", "backward": ""}
    forward, backward = _formulas(entry)
    return {
        "name": entry.name,
        "category": entry.category.label,
        "formula": forward,
        "backward": backward,
    }
