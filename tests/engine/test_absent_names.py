"""Names that are not there: misspelled, or PyTorch's and not ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import graphlab.engine as torch
from graphlab.engine import absent, nn

ROOT = Path(__file__).parents[2]


def test_misspelled_names_get_pythons_words_and_carry_the_nearest() -> None:
    with pytest.raises(AttributeError) as caught:
        torch.radn  # noqa: B018
    assert str(caught.value) == "module 'torch' has no attribute 'radn'"
    assert caught.value.facts["nearest"][0] == "randn"
    assert caught.value.kind == "attribute_unknown"


def test_names_that_only_pytorch_has_say_so() -> None:
    with pytest.raises(AttributeError, match=r"^GraphLab has no 'torch\.cond', though PyTorch 2\.13 has it") as caught:
        torch.cond  # noqa: B018
    assert "docs/OUT_OF_SCOPE.md" in str(caught.value)
    assert caught.value.facts["absent"] == absent.REASONS["compile"]
    with pytest.raises(AttributeError, match=r"^GraphLab has no 'torch\.Tensor\.to_sparse'"):
        torch.ones(2).to_sparse()
    with pytest.raises(AttributeError, match="has no attribute 'summ'"):
        torch.ones(2).summ()


def test_absent_attributes_do_not_stand_in_the_way_of_a_subclass() -> None:
    class Net(nn.Module):
        def share_memory(self) -> int:
            return 7

    assert not hasattr(nn.Module(), "share_memory")
    assert Net().share_memory() == 7
    net = nn.Module()
    net.share_memory = 3
    assert net.share_memory == 3


def test_types_have_pytorchs_full_name_in_messages() -> None:
    with pytest.raises(TypeError, match=r"^'torch\.Size' object is not callable$"):
        torch.ones(2).shape(0)
    with pytest.raises(AttributeError, match=r"^'torch\.return_types\.max' object has no attribute 'item'$"):
        torch.ones(2, 2).max(1).item()
    with pytest.raises(TypeError, match=r"^torch\.nn\.functional\.relu is not a Module subclass$"):
        nn.Sequential(nn.functional.relu)
    assert (type(torch.ones(2).shape).__name__, str(type(torch.ones(2).shape))) == ("Size", "<class 'torch.Size'>")


def test_every_reason_is_used_and_known() -> None:
    used = {absent.reason(owner, name) for owner, names in absent.torch_names().items() for name in names}
    assert used == set(absent.REASONS)


def test_page_is_current() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "out_of_scope.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parity
def test_names_of_torch_are_current() -> None:
    pytest.importorskip("torch")
    command = [sys.executable, str(ROOT / "scripts" / "torch_names.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_classes_print_as_pytorchs() -> None:
    kinds = [
        torch.Tensor,
        nn.Linear,
        nn.Sequential,
        nn.Parameter,
        nn.Embedding,
        torch.optim.SGD,
        torch.dtype,
        torch.Generator,
    ]
    assert [str(kind) for kind in kinds] == [
        "<class 'torch.Tensor'>",
        "<class 'torch.nn.modules.linear.Linear'>",
        "<class 'torch.nn.modules.container.Sequential'>",
        "<class 'torch.nn.parameter.Parameter'>",
        "<class 'torch.nn.modules.sparse.Embedding'>",
        "<class 'torch.optim.sgd.SGD'>",
        "<class 'torch.dtype'>",
        "<class 'torch._C.Generator'>",
    ]
    assert str(type((torch.ones(1, requires_grad=True) * 2).grad_fn)) == "<class 'MulBackward0'>"


@pytest.mark.parity
def test_every_class_prints_as_pytorchs() -> None:
    real = pytest.importorskip("torch")
    for ours, theirs in ((torch, real), (nn, real.nn), (torch.optim, real.optim), (torch.utils.data, real.utils.data)):
        for name in dir(theirs):
            value = getattr(theirs, name, None)
            mine = getattr(ours, name, None) if not name.startswith("_") else None
            if isinstance(value, type) and isinstance(mine, type) and value.__module__.startswith("torch"):
                assert str(mine) == str(value), name
