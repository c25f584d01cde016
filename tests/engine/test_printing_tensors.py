"""How tensors are printed: hand-written expectations."""

import graphlab.engine as torch


def test_columns_align_over_rows():
    assert repr(torch.tensor([[1, -2], [30, 4]])) == "tensor([[ 1, -2],\n        [30,  4]])"


def test_whole_floats_end_in_a_point_and_others_have_four_digits():
    assert repr(torch.tensor([1.0, 2.0])) == "tensor([1., 2.])"
    assert repr(torch.tensor([1.0, 2.5])) == "tensor([1.0000, 2.5000])"
    assert repr(torch.tensor([float("nan"), float("inf"), 1.0])) == "tensor([nan, inf, 1.])"


def test_a_wide_range_is_written_with_exponents():
    assert repr(torch.tensor([1e-5, 1.0])) == "tensor([1.0000e-05, 1.0000e+00])"


def test_suffixes():
    assert repr(torch.tensor([1, 2], dtype=torch.int32)) == "tensor([1, 2], dtype=torch.int32)"
    assert repr(torch.tensor([[]])) == "tensor([], size=(1, 0))"
    assert repr(torch.tensor(1.5, requires_grad=True)) == "tensor(1.5000, requires_grad=True)"
    assert repr(torch.tensor(1.5, requires_grad=True) + 1) == "tensor(2.5000, grad_fn=<AddBackward0>)"
    assert repr(torch.tensor([1.0], device="cuda")) == "tensor([1.], device='cuda:0')"


def test_a_thousand_and_one_numbers_are_summarised():
    assert repr(torch.arange(1001)) == "tensor([   0,    1,    2,  ...,  998,  999, 1000])"


def test_options_last_only_inside_their_block():
    x = torch.tensor([1.23456])
    with torch.printoptions(precision=2):
        assert repr(x) == "tensor([1.23])"
    assert repr(x) == "tensor([1.2346])"


def test_a_parameter_says_so():
    assert repr(torch.nn.Parameter(torch.tensor([1.0]))) == "Parameter containing:\ntensor([1.], requires_grad=True)"
