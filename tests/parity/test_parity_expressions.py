"""Layers, optimizers, samplers and whatever else is no plain function end as in PyTorch when called wrong or right.

GRAPHLAB_FUZZ=20000 draws so many expressions of each family, and `scripts/fuzz.py --expressions` prints what differs.
"""

from __future__ import annotations

import os
import random
import re

import expressions
import pytest
import torch

import graphlab.engine as engine
from graphlab.engine.ops.refusals import is_foreign

N_CALLS = int(os.environ.get("GRAPHLAB_FUZZ", "120"))
LEAST = {
    "layers": 0.86,
    "optimizers": 0.92,
    "schedulers": 0.95,
    "einsum": 0.95,
    "samplers": 0.85,
    "devices": 0.62,
    "data": 0.95,
    "utils": 0.80,
    "init": 0.95,
    "autograd": 0.75,
    "func": 0.75,
    "saving": 0.40,
    "distributions": 0.94,
}
"""What share of a family's random expressions must end alike, value or exception and first line of its message."""
FOUND = [
    "nn.ConstantPad3d('valid', 0.5)(i)",
    "nn.ZeroPad3d('valid')",
    "nn.ReflectionPad1d('a')",
    "nn.ConstantPad1d([1.5], 0.5)(z)",
    "nn.ZeroPad1d()(x)",
    "nn.MaxUnpool1d((0, 0), -1)(t)",
    "nn.Conv1d(out_channels=4, kernel_size=(2, 2, 2), bias=False)(x)",
    "nn.Conv3d(2, 4, 3, 2, 3, groups=2, bias=False, foo=1)",
    "nn.AvgPool2d(padding=1, count_include_pad=x)",
    "nn.AdaptiveAvgPool2d()",
    "nn.AdaptiveMaxPool2d(None)(ni)",
    "nn.AdaptiveMaxPool2d((2, None))(ni)",
    "nn.AvgPool2d(3, None, count_include_pad=2)(ni)",
    "nn.MaxPool1d(1, ceil_mode=2)(h)",
    "nn.MaxPool3d(2, ceil_mode=x)(w)",
    "nn.Fold(None, (2, 2))(v4)",
    "nn.Unfold((2, 2, 2))(i)",
    "nn.Unfold(2, 1, stride=None)('mean')",
    "nn.Bilinear(4, 4, 2)(t, t)",
    "nn.BatchNorm1d(4, 0.1, device=object())(v4)",
    "nn.BatchNorm2d(4, affine=False, track_running_stats=False)(ni)",
    "nn.Sequential(lambda x: x, (2, 2))",
    "nn.Hardswish()(b)",
    "nn.GLU(-1)(l)",
    "nn.Sequential(net).append()",
    "nn.ModuleList([net]).insert(0)",
    "F.softshrink(l)",
    "F.hardshrink(l)",
    "F.hardsigmoid(l)",
    "F.batch_norm(x, None, None)",
    "F.batch_norm(x, None, None, training=True)",
    "F.batch_norm(v4, None, None, training=True)",
    "F.batch_norm(s, v4, v4)",
    "F.batch_norm(x, v4, None, training=True)",
    "F.group_norm(x, 2, None, None)",
    "F.binary_cross_entropy(x / 9, b.float(), weight=None)",
    "torch.einsum('kl,kj,ji>kj,', [t, d, l])",
    "torch.einsum('lkj', m)",
    "torch.einsum('.ii->', x44)",
    "torch.einsum(',jj,il', s, d, x44)",
    "torch.einsum({}, x44, m, t3)",
    "torch.einsum('jikk,jkjl,', i, i, 2)",
    "torch.einsum('...kkk', i)",
    "torch.linalg.eigvals(x)",
    "torch.linalg.tensorinv(x)",
    "torch.linalg.tensorinv(x44, 5)",
    "x.sum(0, keepdim=0.5)",
    "torch.hstack(x)",
    "torch.vstack(x)",
    "torch.nonzero(x, as_tuple=1)",
    "torch.nonzero(x, foo=1)",
    "torch.normal(x, 1.0, requires_grad=True)",
    "torch.normal(v4, -x)",
    "x.uniform_(requires_grad=True)",
    "r.requires_grad_(object())",
    "x.__setattr__('requires_grad', x)",
    "optim.Adam([p]).load_state_dict((1,))",
    "optim.SGD([p]).load_state_dict(None)",
    "optim.SGD([])",
    "optim.SGD([p], lr=-1.0)",
    "optim.Adam([p], betas=(1.0, 0.9))",
    "dist.Normal(v3, -1.0)",
    "dist.Normal(v3, 1.0).rsample('a')",
    "torch.func.jacfwd(lambda x: x * 2)(l)",
    "torch.func.jacrev(lambda x: x * 2)(l)",
    "torch.func.jacrev(lambda x: 1)(v3)",
    "init.xavier_uniform_(v4)",
    "data.DataLoader(x, batch_size=0)",
    "torch.autograd.grad(r.sum(), p)",
]
"""Expressions that ended otherwise than in PyTorch."""

HUGE = [
    "torch.zeros(1).expand(10**13).relu()",
    "torch.zeros(10**7, 1) @ torch.zeros(1, 10**7)",
    "F.linear(torch.zeros(10**7, 1), torch.zeros(10**7, 1))",
    "F.interpolate(torch.zeros(1, 1, 4, 4), size=(10**7, 10**7), mode='bicubic')",
    "F.unfold(torch.zeros(1, 1, 4000, 4000), 1000)",
    "F.unfold(torch.zeros(1, 1, 4, 4), 1, padding=10**7)",
    "F.fold(torch.zeros(1, 1, 1), (10**7, 10**7), 1)",
    "torch.pdist(torch.zeros(10**7, 1))",
    "torch.tril_indices(10**7, 10**7)",
    "torch.triu_indices(10**7, 10**7, 3)",
    "torch.tril_indices(10**7, 10**6, -5)",
    "torch.combinations(torch.zeros(10**6), 3)",
    "torch.combinations(torch.zeros(10**4), 5)",
    "torch.zeros(1).expand(10**13).contiguous()",
    "torch.zeros(3).repeat(10**13)",
    "torch.outer(torch.zeros(10**7), torch.zeros(10**7))",
    "F.one_hot(torch.tensor([10**13]))",
    "F.pad(torch.zeros(3), (10**13, 0))",
    "torch.cdist(torch.zeros(10**7, 1), torch.zeros(10**7, 1))",
    "torch.kron(torch.zeros(10**7), torch.zeros(10**7))",
    "torch.arange(10**13)",
    "torch.randperm(10**13)",
    "torch.stack([torch.zeros(1).expand(10**13)] * 2)",
    "torch.cartesian_prod(torch.zeros(10**7), torch.zeros(10**7))",
    "torch.vander(torch.zeros(10**7), 10**7)",
    "nn.Linear(10**7, 10**7)",
    "nn.Embedding(10**7, 10**7)",
    "nn.Conv2d(10**4, 10**4, 10**4)",
    "nn.LSTM(10**7, 10**7)",
    "nn.BatchNorm1d(10**13)",
    "nn.MultiheadAttention(10**7, 1)",
    "dist.Normal(0.0, 1.0).sample((10**13,))",
    "torch.fft.fft(torch.zeros(4), n=10**13)",
]
"""Results that no machine has room for: refused at once, in PyTorch's words, before any work."""


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))  # some expressions save


@pytest.mark.parametrize("found", FOUND)
def test_a_found_expression_ends_as_in_pytorch(found: str) -> None:
    theirs, ours = expressions.outcome(torch, found), expressions.outcome(engine, found)
    assert expressions.same(theirs, ours), expressions.tell(found, theirs, ours)


@pytest.mark.parametrize("huge", HUGE)
def test_what_has_no_room_is_refused_as_in_pytorch(huge: str) -> None:
    theirs, ours = expressions.outcome(torch, huge), expressions.outcome(engine, huge)
    assert expressions.same(_without_place(theirs), _without_place(ours)), expressions.tell(huge, theirs, ours)


def _without_place(outcome: tuple[str, object]) -> tuple[str, object]:
    # Which line of its own source PyTorch names changes from build to build.
    return outcome[0], re.sub(r"alloc_cpu\.cpp:\d+", "alloc_cpu.cpp", str(outcome[1]))


@pytest.mark.parametrize("family", sorted(expressions.FAMILIES))
def test_most_random_expressions_end_as_in_pytorch(family: str) -> None:
    rng = random.Random(1)
    apart = []
    for _ in range(N_CALLS):
        text = expressions.FAMILIES[family](rng)
        theirs, ours = expressions.outcome(torch, text), expressions.outcome(engine, text)
        if not expressions.same(theirs, ours):
            apart.append(expressions.tell(text, theirs, ours))
    assert len(apart) <= (1 - LEAST[family]) * N_CALLS, "\n".join(apart)


@pytest.mark.parametrize("family", sorted(expressions.FAMILIES))
def test_nothing_of_numpy_shows_in_expressions(family: str) -> None:
    rng = random.Random(2)
    for _ in range(N_CALLS):
        text = expressions.FAMILIES[family](rng)
        said = None
        try:
            expressions.run(engine, text)
        except Exception as error:
            if is_foreign(error):
                said = error
        assert "numpy" not in type(said).__module__ and not isinstance(said, MemoryError), f"{text}: {said!r}"
