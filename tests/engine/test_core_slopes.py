"""`gradcheck` and `gradgradcheck` pass right derivatives and tell wrong ones."""

import pytest

import graphlab.engine as torch
from graphlab.engine.autograd import gradcheck, gradgradcheck
from graphlab.engine.autograd.slopes import GradcheckError


def _point():
    return (torch.tensor([0.3, 2.0], dtype=torch.float64, requires_grad=True),)


def test_right_derivatives_pass():
    assert gradcheck(lambda x: x.sin() * x, _point())
    assert gradgradcheck(lambda x: x.sin() * x, _point())


def test_a_lost_derivative_is_told_as_pytorch_does():
    point = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    with pytest.raises(GradcheckError) as told:
        gradcheck(lambda x: x.detach() * x, point)
    assert str(told.value) == (
        "Jacobian mismatch for output 0 with respect to input 0,\n"
        "numerical:tensor([[2.0000, 0.0000],\n        [0.0000, 4.0000]], dtype=torch.float64)\n"
        "analytical:tensor([[1., 0.],\n        [0., 2.]], dtype=torch.float64)\n"
    )
    assert not gradcheck(lambda x: x.detach() * x, point, raise_exception=False)
    assert point.tolist() == [1.0, 2.0]


def test_a_wrong_second_derivative_is_told():
    with pytest.raises(GradcheckError):
        gradgradcheck(lambda x: x.detach() * x * x, _point())


def test_inputs_without_gradient_are_refused():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, (torch.zeros(2),))


def test_single_precision_is_warned_about():
    with pytest.warns(UserWarning, match="not a double precision"):
        gradcheck(lambda x: 2 * x, torch.ones(2, requires_grad=True), raise_exception=False)
