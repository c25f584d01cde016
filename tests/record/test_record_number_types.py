"""A run with float16, bfloat16 and complex tensors: recorded, read back and told."""

import numpy as np
import pytest

from graphlab.analysis.chain import chain_rule
from graphlab.analysis.statistics import statistics
from graphlab.explain.narrate import narrate
from graphlab.trace.records import EventKind, ValueForm

PROGRAM = """
import torch
z = torch.tensor([3 + 4j, 1 - 1j], requires_grad=True)
w = torch.tensor([[1.5, 2.25], [3.0, 4.0]], dtype=torch.bfloat16, requires_grad=True)
h = torch.tensor([1.5, 2.5], dtype=torch.float16)
c = torch.ones(2, dtype=torch.complex128)
big = torch.linspace(-1, 1, 90000).reshape(300, 300).bfloat16()
wide = torch.fft.fft(big.float())
y = (z * z.conj()).real.sum()
y.backward()
loss = torch.softmax(w @ w, dim=1).float().sum()
loss.backward()
print(z.grad, w.grad, h, c)
"""


@pytest.fixture
def trace(lab):
    return lab.record(PROGRAM)


def _value_of(trace, name):
    number = next(t.id for t in trace.tensors if t.name == name)
    return next(v for v in trace.values if v.tensor == number)


def test_values_come_back_as_they_were(trace):
    assert trace.array(_value_of(trace, "z").id).tolist() == [3 + 4j, 1 - 1j]
    assert trace.array(_value_of(trace, "c").id).dtype == np.complex128
    assert trace.array(_value_of(trace, "h").id).dtype == np.float16
    w = _value_of(trace, "w")
    assert (w.dtype, w.size) == ("bfloat16", 8)
    assert trace.array(w.id).dtype == np.float32
    assert trace.array(w.id).tolist() == [[1.5, 2.25], [3.0, 4.0]]


def test_large_values_have_statistics_and_a_sample(trace):
    big = _value_of(trace, "big")
    assert big.form == ValueForm.SUMMARY
    assert (big.stats["min"], big.stats["max"]) == (-1.0, 1.0)
    assert trace.array(big.id).shape == tuple(big.sample_shape)
    wide = _value_of(trace, "wide")
    assert wide.stats["min"] >= 0  # of absolute values
    assert trace.array(wide.id).dtype == np.complex64


def test_statistics_of_complex_numbers_are_those_of_their_absolute_values():
    found = statistics(np.array([3 + 4j, 0, complex("nan")]))
    assert (found["min"], found["max"], found["n_zero"], found["n_nan"]) == (0.0, 5.0, 1.0, 1.0)


def test_every_step_is_told(trace):
    for event in trace.events:
        assert narrate(trace, event.id)
        if event.kind == EventKind.BACKWARD:
            chain_rule(trace, event.id)
