"""Loss modules against the real torch: values and gradients under each reduction."""

import warnings

import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

LOSSES = [
    lambda t, **k: (t.nn.MSELoss(**k), t.randn(4, 3), t.randn(4, 3)),
    lambda t, **k: (t.nn.L1Loss(**k), t.randn(4, 3), t.randn(4, 3)),
    lambda t, **k: (t.nn.SmoothL1Loss(beta=0.5, **k), t.randn(4, 3), t.randn(4, 3)),
    lambda t, **k: (t.nn.HuberLoss(delta=0.7, **k), t.randn(4, 3), t.randn(4, 3)),
    lambda t, **k: (t.nn.CrossEntropyLoss(**k), t.randn(4, 3), t.randint(0, 3, (4,))),
    lambda t, **k: (
        t.nn.CrossEntropyLoss(weight=t.rand(3), label_smoothing=0.1, **k),
        t.randn(4, 3),
        t.tensor([0, 2, 1, 1]),
    ),
    lambda t, **k: (t.nn.CrossEntropyLoss(ignore_index=1, **k), t.randn(4, 3), t.tensor([0, 2, 1, 1])),
    lambda t, **k: (t.nn.NLLLoss(weight=t.rand(3), **k), t.randn(4, 3).log_softmax(1), t.tensor([0, 2, 1, 1])),
    lambda t, **k: (t.nn.BCELoss(**k), t.rand(4, 3), t.rand(4, 3)),
    lambda t, **k: (t.nn.BCEWithLogitsLoss(**k), t.randn(4, 3), t.rand(4, 3)),
    lambda t, **k: (t.nn.BCEWithLogitsLoss(pos_weight=t.rand(3), **k), t.randn(4, 3), t.rand(4, 3)),
    lambda t, **k: (t.nn.KLDivLoss(**k), t.randn(4, 3).log_softmax(1), t.rand(4, 3)),
]


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("make", LOSSES)
def test_losses(make, reduction):
    def run(t):
        t.manual_seed(6)
        loss_fn, x, y = make(t, reduction=reduction)
        x = x.detach().requires_grad_()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loss = loss_fn(x, y)
        loss.sum().backward()
        return loss.flatten().tolist() + x.grad.flatten().tolist(), [str(w.message) for w in caught]

    mine, theirs = run(engine), run(torch)
    assert mine[0] == pytest.approx(theirs[0], rel=2e-5, abs=1e-6)
    assert mine[1:] == theirs[1:]


def test_a_target_of_another_shape_warns_the_same():
    def run(t):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loss = t.nn.MSELoss()(t.arange(5.0).reshape(5, 1), t.arange(5.0))
        return loss.item(), [(w.category, str(w.message), w.filename) for w in caught]

    mine, theirs = run(engine), run(torch)
    assert mine[0] == theirs[0]
    assert [w[:2] for w in mine[1]] == [w[:2] for w in theirs[1]]
