"""A sentence for each operator of the registry, forward and backward, recorded with its own samples."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import graphlab.engine as torch
from graphlab.engine import observe
from graphlab.engine.ops import OPS
from graphlab.engine.ops.run import run as compute
from graphlab.explain import formula, narrate
from graphlab.program.language import FILENAME
from graphlab.record.recorder import Recorder
from graphlab.trace.records import Event, EventKind
from graphlab.trace.store import TraceReader, TraceWriter

SOURCE = "for name, inputs, params in cases:\n    y = call(name, inputs, params)\n"


def _cases() -> list[tuple[str, list[np.ndarray], tuple[Any, ...]]]:
    rng = np.random.default_rng(7)
    cases = []
    for name, op in sorted(OPS.items()):
        for sample in op.samples() if op.samples is not None else []:
            named = sample[-1] if sample and isinstance(sample[-1], dict) else {}
            shapes = sample[:-1] if sample and isinstance(sample[-1], dict) else sample
            if all(isinstance(s, tuple) for s in shapes):
                low, high = named.get("_domain", (-1.7, 1.9))
                arrays = [rng.uniform(low, high, s) for s in shapes]
                cases.append((name, arrays, tuple(named[p] for p in op.params if p in named)))
    return cases


def _call(name: str, inputs: list[np.ndarray], params: tuple[Any, ...]) -> Any:
    leaves = [torch.tensor(a.astype(np.float32), requires_grad=True) for a in inputs]
    try:
        out = compute(OPS[name], tuple(leaves), params)
    except NotImplementedError:  # of whole numbers only
        out = compute(OPS[name], tuple(torch.tensor(np.abs(a).astype(np.int64)) for a in inputs), params)
    first = out[0] if isinstance(out, tuple) else out
    if first.requires_grad and first.grad_fn is not None:
        with contextlib.suppress(RuntimeError):  # some have no derivative, in PyTorch neither
            first.backward(torch.ones_like(first))
    return out


@pytest.fixture(scope="module")
def trace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TraceReader]:
    """One trace of every operator with each of its samples."""
    path: Path = tmp_path_factory.mktemp("operators") / "all.trace"
    writer = TraceWriter(path)
    writer.set_meta("source", SOURCE)
    recorder = Recorder(writer, FILENAME, source=SOURCE)
    observe.set_observer(recorder)
    try:
        exec(compile(SOURCE, FILENAME, "exec"), {"cases": _cases(), "call": _call})
    finally:
        observe.set_observer(None)
    recorder.finish()
    writer.flush()
    writer.close()
    reader = TraceReader(path)
    yield reader
    reader.close()


def _told(trace: TraceReader, *kinds: EventKind) -> list[tuple[Event, str]]:
    return [(e, narrate(trace, e.id)) for e in trace.events if e.kind in kinds]


def test_all_operators_with_samples_are_recorded(trace: TraceReader) -> None:
    seen = {e.op for e in trace.events if e.kind == EventKind.FORWARD}
    assert len(seen) >= 150


def test_every_sentence_is_whole(trace: TraceReader) -> None:
    for event, told in _told(trace, *EventKind):
        assert told.strip(), event
        assert not re.search(r"[{}\x01]|\bNone\b|tensor\(|array\(|dtype=|<\w+ |object at|  |\n", told), told
        assert len(told) < 500, told
        assert told[-1] in ".…", told
        assert "\x01" not in formula(trace, event.id)


def test_no_operator_is_told_by_its_name_alone(trace: TraceReader) -> None:
    bare = {e.op for e, told in _told(trace, EventKind.FORWARD) if re.search(rf"{e.op} is computed( from|;|\.)", told)}
    assert not bare


def test_backward_says_what_the_operator_does_to_the_gradient(trace: TraceReader) -> None:
    bare = {
        e.op
        for e, told in _told(trace, EventKind.BACKWARD)
        if re.fullmatch(r"The gradient of [^:;]+ flows back through \w+ to [^:;]+\.", told)
    }
    assert not bare


REST = """import torch
import torch.nn as nn
import torch.nn.functional as F
torch.manual_seed(0)
def use(*tensors):
    total = 0.0
    for t in tensors:
        if t.dtype.is_complex:
            t = torch.view_as_real(t)
        if t.dtype.is_floating_point and t.requires_grad:
            total = total + t.sum()
    if torch.is_tensor(total):
        total.backward()
x = torch.randn(3, 3, requires_grad=True)
v = torch.randn(3, requires_grad=True)
s = torch.tensor(2.0, requires_grad=True)
spd = (x @ x.T + 3 * torch.eye(3))
idx = torch.tensor([0, 2, 1])
mask = torch.tensor([True, False, True])
use(torch.cat([x, x]), torch.stack([v, v]), torch.where(mask, x, v), x.masked_fill(mask, 0.0))
use(x.gather(1, idx.unsqueeze(1)), x.index_select(0, idx), x.scatter(1, idx.unsqueeze(1), 1.0))
use(*x.unbind(0), *x.split(2))
use(x.max(), x.min(), x.median(), x.max(dim=1).values, x.sort(dim=1).values, x.topk(2).values, x.mode(dim=1).values)
use(x.cummax(0).values, x.cummin(0).values, x.to(torch.float64), torch.einsum("ij,j->i", x, v), x ** x.detach().abs())
print(x.argmax(), x.argmin(dim=1), x.detach().nanmedian())
use(torch.linalg.cholesky(spd), torch.linalg.inv(spd), torch.linalg.det(x), torch.linalg.solve(spd, v))
spd = (x @ x.T + 3 * torch.eye(3))
use(torch.linalg.eigh(spd)[0], torch.linalg.svd(spd)[1], torch.linalg.qr(spd)[1], torch.linalg.slogdet(spd)[1])
use(torch.fft.fft(v), torch.fft.rfft(v), torch.complex(v, v), torch.complex(v, v).conj() * 2)
use(F.cross_entropy(x, idx), F.nll_loss(F.log_softmax(x, 1), idx), F.multi_margin_loss(x, idx), F.embedding(idx, x))
use(F.scaled_dot_product_attention(x[None], x[None], x[None]), F.rrelu(x, training=True), F.dropout(x, 0.5))
image = torch.randn(1, 1, 4, 4, requires_grad=True)
pooled, where = F.max_pool2d(image, 2, return_indices=True)
use(F.max_unpool2d(pooled, where, 2), F.alpha_dropout(x, 0.5, True))
y = x.clone()
y[0] = 1.0
y.mul_(2.0).zero_()
z = torch.zeros(3)
z.fill_(1.0).copy_(v.detach())
use(s * x + v, s * v, x.unsqueeze(0) * v, (s * s + s))
lstm, gru = nn.LSTM(3, 4, batch_first=True), nn.GRU(3, 4, batch_first=True)
packed = nn.utils.rnn.pack_padded_sequence(torch.randn(2, 5, 3), [5, 3], batch_first=True)
use(lstm(packed)[0].data, gru(torch.randn(2, 5, 3))[0])
use(torch.distributions.Normal(v, v.exp()).rsample(), torch.distributions.Categorical(logits=x).log_prob(idx))
"""

OPTIMIZERS = """import torch
w = torch.tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
b = torch.tensor(0.5, requires_grad=True)
o = torch.optim
makers = [o.SGD, o.Adam, o.AdamW, o.RMSprop, o.Adagrad, o.Adadelta, o.Adamax, o.NAdam, o.RAdam, o.Rprop, o.ASGD]
for make in makers:
    optimizer = make([w, b], lr=0.01)
    for step in range(2):
        optimizer.zero_grad()
        loss = ((w * 3.0).sum() + b - 1.0) ** 2
        loss.backward()
        optimizer.step()
optimizer = o.SGD([w, b], lr=0.01, momentum=0.9, weight_decay=0.1, nesterov=True)
loss = ((w * 3.0).sum() + b - 1.0) ** 2
loss.backward()
optimizer.step()
lbfgs = o.LBFGS([w, b], lr=0.1, max_iter=2)
def closure():
    lbfgs.zero_grad()
    loss = (w ** 2).sum() + b ** 2
    loss.backward()
    return loss
lbfgs.step(closure)
"""


@pytest.mark.parametrize("source", [REST, OPTIMIZERS], ids=["rest", "optimizers"])
def test_programs_of_what_has_no_samples_are_told_whole(source: str, run: Callable[[str], Any]) -> None:
    trace = run(source).trace
    assert trace is not None
    assert trace.failure is None, trace.failure
    for event, told in _told(trace, *EventKind):
        assert told.strip(), event
        assert not re.search(r"[{}\x01]|\bNone\b|tensor\(|array\(|dtype=|<\w+ |object at|  |\n", told), told
        assert len(told) < 500, told
        assert not re.search(rf"{event.op} is computed( from|;|\.)", told), told


def test_a_number_that_was_stretched_is_added_up(run: Callable[[str], Any]) -> None:
    source = "import torch\ns = torch.tensor(2.0, requires_grad=True)\nv = torch.ones(3, requires_grad=True)\n"
    source += "y = (s * torch.ones(2, 3) * v).sum()\ny.backward()\n"
    told = [narrate(t, e.id) for t in [run(source).trace] for e in t.events if e.kind == EventKind.BACKWARD]
    assert any("for v it is added up over axis 0" in text for text in told), told
    assert any("for s it is added up, because the one number was used for all of (2, 3)" in text for text in told), told


def test_a_new_axis_adds_up_nothing(run: Callable[[str], Any]) -> None:
    source = "import torch\nv = torch.ones(3, requires_grad=True)\nv.unsqueeze(1).unsqueeze(0).sum().backward()\n"
    trace = run(source).trace
    told = [narrate(trace, e.id) for e in trace.events if e.kind == EventKind.BACKWARD]
    assert told
    assert not any("added up" in text for text in told), told


def test_complex_numbers_and_small_steps_are_told_in_few_digits(run: Callable[[str], Any]) -> None:
    source = "import torch\nz = torch.complex(torch.tensor([0.1, 1.0]), torch.tensor([1.0, -0.3]))\n"
    source += (
        "w = torch.tensor(1.0, requires_grad=True)\no = torch.optim.SGD([w], lr=1e-6)\n(2 * w).backward()\no.step()\n"
    )
    trace = run(source).trace
    told = " ".join(narrate(trace, e.id) for e in trace.events)
    assert "[0.1 + 1j, 1 − 0.3j]" in told
    assert "SGD moves w by −2.027e−06, from 1." in told, told
