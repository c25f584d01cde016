"""Writing into tensors: views, version counters, and what PyTorch refuses."""

from __future__ import annotations

import pytest

import graphlab.engine as torch


def test_views_share_memory_and_gradients() -> None:
    w = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    z = w * 2
    row = z[0]
    row.add_(1)
    assert z.tolist() == [[3.0, 5.0], [6.0, 8.0]]
    z[1] = row * 10
    z.sum().backward()
    # d/dw of row + 10 · row with row = 2w + 1, nothing through the overwritten second row
    assert w.grad.tolist() == [[22.0, 22.0], [0.0, 0.0]]


def test_a_view_and_its_base_count_their_versions_together() -> None:
    z = torch.ones(2, 2, requires_grad=True) * 1
    row = z[0]
    product = row * row
    z[1] = 0
    with pytest.raises(RuntimeError, match=r"output 0 of AsStrided, is at version 1; expected version 0"):
        product.sum().backward()


def test_views_follow_their_base_into_the_graph() -> None:
    base = torch.zeros(3)
    view = base[1:]
    w = torch.tensor(2.0, requires_grad=True)
    base += w
    assert view.requires_grad
    view.sum().backward()
    assert w.grad.item() == 2.0


def test_writing_where_an_output_was_saved_is_found_out() -> None:
    x = torch.ones(3, requires_grad=True)
    y = torch.relu(x)
    y += 1
    with pytest.raises(RuntimeError) as caught:
        y.sum().backward()
    assert str(caught.value).startswith(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        "[torch.FloatTensor [3]], which is output 0 of Relu, is at version 1; expected "
        "version 0 instead. Hint:"
    )
    assert caught.value.kind == "inplace_modified"
    assert caught.value.facts == {"version": 1, "expected": 0, "shape": [3], "op": "relu"}


def test_writing_where_an_input_was_saved_is_found_out() -> None:
    x = torch.ones(3)
    w = torch.ones(3, requires_grad=True)
    y = (x * w).sum()
    x.add_(1)
    with pytest.raises(RuntimeError, match="is at version 1; expected version 0 instead"):
        y.backward()


def test_leaf_that_requires_grad_is_not_written_to() -> None:
    w = torch.ones(3, requires_grad=True)
    with pytest.raises(
        RuntimeError, match=r"^a leaf Variable that requires grad is being used in an in-place operation\.$"
    ):
        w += 1
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad is being used"):
        w[0] = 5
    with torch.no_grad():
        w += 1
    assert w.tolist() == [2.0, 2.0, 2.0]
    w.data -= 1
    assert w.tolist() == [1.0, 1.0, 1.0]


def test_result_of_another_kind_is_refused() -> None:
    n = torch.tensor([1, 2])
    with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired output type Long"):
        n += 0.5
    with pytest.raises(RuntimeError, match=r"output with shape \[2\] doesn't match the broadcast shape \[3, 2\]"):
        n.add_(torch.zeros(3, 2, dtype=torch.int64))


def test_in_place_functions_return_the_tensor_itself() -> None:
    x = torch.tensor([-1.0, 4.0])
    assert x.abs_() is x and x.sqrt_() is x and x.mul_(2) is x and x.clamp_(0, 3) is x
    assert x.tolist() == [2.0, 3.0]
    assert x.copy_(torch.tensor([7, 8])).tolist() == [7.0, 8.0]
    assert x.fill_(1).zero_().tolist() == [0.0, 0.0]


def test_out_argument_is_written_to() -> None:
    out = torch.zeros(2)
    assert torch.add(torch.ones(2), 2, out=out) is out
    assert torch.exp(torch.zeros(2), out=out) is out
    assert out.tolist() == [1.0, 1.0]


def test_masks_and_index_lists_write() -> None:
    x = torch.arange(6).reshape(2, 3)
    x[x > 3] = 0
    x[[0], [1]] = 9
    x[:, 0] += 1
    assert x.tolist() == [[1, 9, 2], [4, 0, 0]]


def test_from_numpy_and_numpy_share_memory() -> None:
    import numpy as np

    array = np.zeros(2, np.float32)
    t = torch.from_numpy(array)
    t[0] = 5
    assert array[0] == 5 and t.numpy() is array
