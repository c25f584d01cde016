"""docs/DIFFERENCES.md tells the truth about what differs on purpose. (What is not there yet may come tomorrow.)"""

from pathlib import Path

import pytest

import graphlab.engine as torch
from graphlab.engine.device import BLOCK, VIRTUAL_FROM
from graphlab.session.messages import Limits

PAGE = (Path(__file__).parents[2] / "docs" / "DIFFERENCES.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["jit", "fx", "distributed", "hub"])
def test_what_is_said_to_be_missing_is_not_there(name: str) -> None:
    assert f"`torch.{name}`" in PAGE
    assert not hasattr(torch, name)


def test_numbers_of_the_simulated_gpu_are_those_of_the_engine() -> None:
    assert f"CUDA tensors over {VIRTUAL_FROM // 2**20} MiB" in PAGE
    assert f"in blocks of {BLOCK}" in PAGE
    assert f"{Limits().cuda // 2**30} GiB by default" in PAGE
    assert f'"{torch.cuda.get_device_name()}"' in PAGE


def test_giant_simulated_tensor_refuses_to_tell_a_number() -> None:
    giant = torch.zeros(20_000, 20_000, device="cuda")
    with pytest.raises(RuntimeError, match="this value was not computed"):
        giant.sum().item()


def test_runs_without_a_seed_are_repeatable_as_the_page_says() -> None:
    assert torch.Generator().initial_seed() == torch.Generator().initial_seed()
