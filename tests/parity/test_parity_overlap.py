"""Steps that write into memory that they read: refused or allowed as in PyTorch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

STEPS = """
t.add(x[:3], 1, out=x[1:4])
t.add(x, 1, out=x)
t.add(x[:3], 1, out=one.expand(3))
t.masked_select(x, x > -9, out=x)
t.gather(x, 0, i, out=x)
t.gather(x.long(), 0, i, out=i)
t.index_select(x, 0, i, out=x)
t.take(x, i, out=x)
t.cat([x[:2], x[2:4]], out=x[:4])
t.cumsum(x, 0, out=x)
one.expand(3).add_(1)
one.expand(3).__iadd__(t.ones(3))
one.expand(3).relu_()
one.expand(3).__setitem__(slice(None), x[:3])
x.div_(x[0])
x.sub_(x[0:1])
x.__imul__(x)
x[1:].add_(x[:-1])
x[1:].copy_(x[:-1])
x.__setitem__(slice(1, None), x[:-1])
x.__setitem__(slice(1, None), x[:-1].clone())
x.__setitem__(slice(None), x)
x.__setitem__(i.flip(0), x)
x.__setitem__(x > -9, x)
x.masked_fill_(x > 0, x[0])
x.scatter_(0, i, x)
x.index_copy_(0, i, x)
x.index_add_(0, i, x)
x[1:].addcmul_(x[:-1], x[:-1])
x[1:].lerp_(x[:-1], 0.5)
a.mul_(a[0])
a.sub_(a[0, 0])
a.sub_(a.mean(0))
a.add_(a.t())
a.copy_(a.t())
a.__setitem__(0, a[:, 0])
a.__setitem__(slice(0, 2), a[1:3])
a.__setitem__([0, 1], a[[1, 0]])
""".strip().splitlines()


def outcome(t: ModuleType, step: str) -> Any:
    x, a = t.arange(6.0) - 2, t.arange(16.0).reshape(4, 4) + 1
    names = {"t": t, "x": x, "a": a, "i": t.arange(6), "one": t.ones(1)}
    try:
        eval(step, names)
    except Exception as error:  # whatever it is, it must be the same in both
        return type(error).__name__, str(error)
    return x.tolist(), a.tolist()


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_reads_what_it_writes(step: str) -> None:
    assert outcome(engine, step) == outcome(torch, step)
