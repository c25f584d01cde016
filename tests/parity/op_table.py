"""PyTorch's operator database, entry by entry: which operators are here, and which agree on all samples and errors.

`scripts/parity_table.py` makes docs/PARITY.md of it; the tests take single entries.
"""

from __future__ import annotations

import random
import re
import signal
import types
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from op_samples import (
    NotConverted,
    compare,
    convert,
    cotangents,
    described,
    dtype_of,
    first_line,
    flat,
    judged,
    label,
    numbers,
    raised,
)

import graphlab.engine as engine

LEFT_OUT = re.compile(
    r"^_|^torch\.ops\.|sparse|jiterator|windows?\.|fake_quantize|quantized|scaled_(mm|grouped)"
    r"|_polynomial_|flash|efficient|chalf"
)
"""Private, sparse, jiterator, window, quantized, scaled and special-polynomial entries, and complex32."""
SECONDS = 40


class TooSlowError(Exception):
    """An entry took too much time here."""


@dataclass
class Row:
    """What came out for one entry."""

    name: str
    present: bool = False
    n_samples: int = 0
    n_forward: int = 0
    n_with_grad: int = 0
    n_grad: int = 0
    n_skipped: int = 0
    n_errors: int = 0
    n_type: int = 0
    n_message: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def forward_is_right(self) -> bool:
        """Whether all samples that could be converted gave PyTorch's values."""
        return self.present and self.n_samples > 0 and self.n_forward == self.n_samples

    @property
    def grad_is_right(self) -> bool:
        """Whether all gradients are PyTorch's too."""
        return self.forward_is_right and self.n_grad == self.n_with_grad


def rows_wanted() -> list[Any]:
    """The entries that the table is about."""
    from torch.testing._internal.common_methods_invocations import op_db

    return [op for op in op_db if not LEFT_OUT.search(op.name)]


def _seeded(function: Any, *args: Any, **kwargs: Any) -> Any:
    engine.manual_seed(42)
    return function(*args, **kwargs)


def ours(op: Any) -> Any:
    """Our function for an entry, or None: the database's own lambdas with our module in the place of torch."""
    function = op.op
    if isinstance(function, types.FunctionType) and function.__module__.startswith("torch.testing."):
        names = _dotted(function.__code__)
        if any(_look_up(name) is None for name in names):
            return None
        own = {**function.__globals__, "torch": engine, "wrapper_set_seed": _seeded, "np": np}
        made = types.FunctionType(
            function.__code__, own, function.__name__, function.__defaults__, function.__closure__
        )
        made.__kwdefaults__ = function.__kwdefaults__
        return made
    if op.name.startswith("__") and op.name.endswith("__"):
        return getattr(engine.Tensor, op.name, None)
    found = _look_up(op.name)
    return found if callable(found) else getattr(engine.Tensor, op.name, None)


def _dotted(code: Any) -> list[str]:
    """The names that a lambda takes from torch ("nn.functional.dropout"), or the one that it calls on its argument."""
    names = list(code.co_names)
    if "torch" not in names:
        own = [n for n in names if n not in ("wrapper_set_seed", "clone")]
        return [f"Tensor.{n}" for n in own if not n.startswith("_")]
    own = names[names.index("torch") + 1 :]
    own = [n for n in own if n not in ("wrapper_set_seed", "clone")]
    while own and own[0] in ("Tensor", "nn", "functional", "linalg", "special") and len(own) > 1:
        head = own.pop(0)
        own[0] = f"{head}.{own[0]}" if own[0] != "functional" else own[0]
        if own[0] == "functional" and len(own) > 1:
            own.pop(0)
            own[0] = f"{head}.functional.{own[0]}"
            break
        break
    return own[:1]


def _look_up(name: str) -> Any:
    where: Any = engine
    for part in name.split("."):
        try:
            where = getattr(where, part)
        except (AttributeError, ImportError):
            return None
    return where


def check(op: Any, kind: Any = None) -> Row:
    """Run all samples and error inputs of an entry in both; of another type, its samples only."""
    import torch

    row = Row(label(op))
    function = ours(op)
    with_errors = kind is None
    kind = kind or dtype_of(op)
    row.present = function is not None
    if function is None or kind is None:
        return row

    def too_slow(*_: Any) -> None:
        raise TooSlowError

    # Processor time, so that a busy machine makes no difference.
    before = signal.signal(signal.SIGPROF, too_slow)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0), np.random.seed(0), random.seed(0)
            with_grad = op.supports_autograd and (kind is torch.float32 or kind in op.supported_backward_dtypes("cpu"))
            for sample in op.sample_inputs("cpu", kind, requires_grad=with_grad):
                _sample(op, function, sample, with_grad, row)
            if with_errors and op.error_inputs_func is not None:
                for each in op.error_inputs("cpu"):
                    _error(op, function, each, row)
    except TooSlowError:
        row.n_samples += 1
        row.notes.append("too slow")
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return row


def _sample(op: Any, function: Any, sample: Any, with_grad: bool, row: Row) -> None:
    import torch

    leaves: list[tuple[Any, Any]] = []
    try:
        args = convert((sample.input, *sample.args), leaves)
        kwargs = convert(dict(sample.kwargs), leaves)
    except NotConverted:
        row.n_skipped += 1
        return
    what = described(op, sample)
    for name, value in sample.kwargs.items():
        if isinstance(value, torch.nn.Module):
            kwargs[name] = getattr(engine.nn, type(value).__name__)()
    torch.manual_seed(42)
    theirs = judged(op, sample, op(sample.input, *sample.args, **sample.kwargs))
    if any(
        isinstance(t, torch.Tensor) and (t.dtype is torch.complex32 or t.layout is not torch.strided)
        for t in flat(theirs)
    ):
        row.n_skipped += 1
        return
    row.n_samples += 1
    engine.manual_seed(42)
    try:
        mine = judged(op, sample, function(*args, **kwargs))
        if op.name.startswith(("empty", "new_empty")):
            assert [t.shape for t in flat(mine)] == [tuple(t.shape) for t in flat(theirs)], what
        else:
            compare(theirs, mine, what)
    except TooSlowError:
        raise
    except Exception as error:  # the edge between two engines: whatever goes wrong is the result
        row.notes.append(_note(what, error))
        return
    row.n_forward += 1
    if not with_grad or not leaves:
        return
    pairs = [
        (x, y)
        for x, y in zip(flat(theirs), flat(mine))
        if isinstance(x, torch.Tensor) and x.requires_grad and (x.dtype.is_floating_point or x.dtype.is_complex)
    ]
    if not pairs:
        return
    row.n_with_grad += 1
    gs = cotangents([x for x, _ in pairs])
    try:
        expected = torch.autograd.grad([x for x, _ in pairs], [a for a, _ in leaves], gs, allow_unused=True)
    except RuntimeError:
        row.n_with_grad -= 1
        return
    try:
        for _, y in pairs:
            assert y.requires_grad, "the result does not require grad"
        got = engine.autograd.grad(
            [y for _, y in pairs], [b for _, b in leaves], [convert(g) for g in gs], allow_unused=True
        )
        for e, g in zip(expected, got):
            if e is None or g is None:
                other = e if g is None else g
                assert other is None or not np.any(_array(other)), "a gradient is None in one only"
                continue
            # A zero tensor of PyTorch's own kind has no memory: adding makes it one that has.
            compare(e + 0 if e._is_zerotensor() else e, g, what, rtol=1e-4, atol=1e-4)
    except TooSlowError:
        raise
    except Exception as error:  # as above
        row.notes.append("gradient of " + _note(what, error))
        return
    row.n_grad += 1


def _array(t: Any) -> Any:
    return t.detach().numpy() if isinstance(t, engine.Tensor) else numbers(t)


def _note(what: str, error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{what}: {type(error).__name__}: {' '.join(lines)[:300]}"


def _error(op: Any, function: Any, error_input: Any, row: Row) -> None:
    sample = error_input.sample_input
    try:
        args = convert((sample.input, *sample.args))
        kwargs = convert(dict(sample.kwargs))
    except NotConverted:
        return
    theirs = raised(op, sample.input, *sample.args, **sample.kwargs)
    if theirs is None:
        return
    row.n_errors += 1
    mine = raised(function, *args, **kwargs)
    if isinstance(mine, TooSlowError):
        raise mine
    what = described(op, sample)
    if mine is None:
        row.notes.append(f"error of {what}: none INSTEAD OF {type(theirs).__name__}: {first_line(theirs)}")
        return
    right_type = type(mine).__name__ == type(theirs).__name__
    row.n_type += right_type
    # PyTorch's own tests ask for a regular expression; the first line of the message itself is asked for here.
    right_words = first_line(mine) == first_line(theirs)
    row.n_message += right_words
    if not (right_type and right_words):
        row.notes.append(
            f"error of {what}: {type(mine).__name__}: {first_line(mine)} INSTEAD OF "
            f"{type(theirs).__name__}: {first_line(theirs)}"
        )
