"""`autograd.functional` against the real torch."""

import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def plain(value):
    return [plain(each) for each in value] if isinstance(value, tuple) else value.tolist()


CALLS = [
    lambda t, f: f.jacobian(lambda x: x**2, t.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])),
    lambda t, f: f.jacobian(lambda x: x.sum(), t.tensor([1.0, 2.0])),
    lambda t, f: f.jacobian(lambda x, y: x * y, (t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0]))),
    lambda t, f: f.jacobian(lambda x: (x * 2, x.sum()), t.tensor([1.0, 2.0])),
    lambda t, f: f.jacobian(lambda x, y: (x * 2, y * 3), (t.tensor([1.0, 2.0]), t.tensor(3.0))),
    lambda t, f: f.jacobian(lambda x: t.ones(2), t.tensor([1.0, 2.0])),
    lambda t, f: f.jacobian(lambda x: x**3, t.tensor([1.0, 2.0]), create_graph=True),
    lambda t, f: f.hessian(lambda x: (x**3).sum(), t.tensor([1.0, 2.0])),
    lambda t, f: f.hessian(lambda x, y: (x * y).sum() + (x**2).sum(), (t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0]))),
    lambda t, f: f.hessian(lambda x: x.sum(), t.tensor([1.0, 2.0])),
    lambda t, f: f.vjp(lambda x: x**2, t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])),
    lambda t, f: f.vjp(lambda x: (x**2).sum(), t.tensor([1.0, 2.0])),
    lambda t, f: f.jvp(lambda x: x**2, t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])),
    lambda t, f: f.jvp(lambda x, y: x * y, (t.tensor(2.0), t.tensor(3.0)), (t.tensor(1.0), t.tensor(0.5))),
    lambda t, f: f.hvp(lambda x: (x**3).sum(), t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])),
    lambda t, f: f.vhp(lambda x: (x**3).sum(), t.tensor([1.0, 2.0]), t.tensor([3.0, 4.0])),
]

WRONG = [
    lambda t, f, x: f.jacobian(x**2, x),
    lambda t, f, x: f.hessian(x**2, x),
    lambda t, f, x: f.vjp(x**2, x, x),
    lambda t, f, x: f.jacobian(lambda a: a, [x]),
    lambda t, f, x: f.jacobian(lambda a: a, 3.0),
    lambda t, f, x: f.jacobian(lambda a: a, (x, 3)),
    lambda t, f, x: f.jacobian(lambda a: 3, x),
    lambda t, f, x: f.jacobian(lambda a: (a, 3), x),
    lambda t, f, x: f.jacobian(lambda a: t.ones(2), x, strict=True),
    lambda t, f, x: f.jacobian(lambda a, b: a * 2, (x, x), strict=True),
    lambda t, f, x: f.hessian(lambda a: a, x),
    lambda t, f, x: f.hessian(lambda a: a.sum(), x, strict=True),
    lambda t, f, x: f.vjp(lambda a: a, x),
    lambda t, f, x: f.vjp(lambda a: a, x, t.ones(3)),
    lambda t, f, x: f.jvp(lambda a: a, x),
    lambda t, f, x: f.jvp(lambda a: a, x, t.ones(3)),
    lambda t, f, x: f.hvp(lambda a: a, x, x),
]


@pytest.mark.parametrize("call", CALLS)
def test_values(call):
    mine = plain(call(engine, engine.autograd.functional))
    theirs = plain(call(torch, torch.autograd.functional))
    assert mine == theirs


@pytest.mark.parametrize("wrong", WRONG)
def test_refusals_in_the_same_words(wrong):
    with pytest.raises((TypeError, RuntimeError)) as there:
        wrong(torch, torch.autograd.functional, torch.ones(2))
    with pytest.raises(type(there.value)) as here:
        wrong(engine, engine.autograd.functional, engine.ones(2))
    mine = str(here.value).replace("graphlab.engine.tensor.", "torch.")
    assert mine == str(there.value)


def test_a_tensor_in_place_of_the_function_carries_its_facts():
    x = engine.ones(2)
    with pytest.raises(TypeError) as refused:
        engine.autograd.functional.jacobian(x**2, x)
    assert refused.value.kind == "jacobian_call"
    assert refused.value.facts == {"function": "jacobian", "got": "Tensor"}


def test_create_graph_lets_gradients_flow_on():
    def run(t):
        x = t.tensor([1.0, 2.0], requires_grad=True)
        t.autograd.functional.jacobian(lambda a: a**3, x, create_graph=True).sum().backward()
        return x.grad.tolist()

    assert run(engine) == run(torch)
