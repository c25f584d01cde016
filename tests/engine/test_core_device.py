"""The simulated GPU: bytes are counted, refused before they are taken, and never really used for giants."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import graphlab.engine as torch
from graphlab.engine.device import CPU, count_cpu, memory, set_capacity, set_cpu_limit, set_cuda


@pytest.fixture(autouse=True)
def eight_gib() -> Iterator[None]:
    set_capacity(8 * 2**30)
    yield
    set_capacity(8 * 2**30)
    set_cpu_limit(None)
    set_cuda(True)
    count_cpu(False)
    gc.collect()  # a test that looks at its error is held by it, and with it tensors on the device


def test_bytes_are_counted_in_blocks_and_freed_with_the_last_view() -> None:
    before = torch.cuda.memory_allocated()
    x = torch.zeros(3, device="cuda")
    assert torch.cuda.memory_allocated() == before + 512
    view = x[1:]
    y = x + 1
    assert torch.cuda.memory_allocated() == before + 1024
    del x
    assert torch.cuda.memory_allocated() == before + 1024
    del view, y
    assert torch.cuda.memory_allocated() == before


def test_allocation_that_does_not_fit_is_refused_in_pytorchs_words() -> None:
    set_capacity(2**20)
    kept = torch.zeros(2**17, device="cuda")  # 512 KiB
    with pytest.raises(torch.OutOfMemoryError) as caught:
        kept.repeat(2)
    assert str(caught.value).startswith(
        "CUDA out of memory. Tried to allocate 1024.00 KiB. GPU 0 has a total capacity of 1024.00 "
        "KiB of which 512.00 KiB "
        "is free."
    )
    facts = caught.value.facts
    assert (facts["requested"], facts["capacity"], facts["free"]) == (2**20, 2**20, 2**19)
    assert isinstance(caught.value, RuntimeError) and torch.cuda.OutOfMemoryError is torch.OutOfMemoryError


def test_giants_hold_no_numbers_but_count() -> None:
    before = torch.cuda.memory_allocated()
    x = torch.zeros(65536, 8192, device="cuda")  # 2 GiB
    w = torch.zeros(8192, 8192, device="cuda", requires_grad=True)
    h = torch.relu(torch.linear(x, w))
    assert h.shape == (65536, 8192)
    assert torch.cuda.memory_allocated() - before == 4 * 2**30 + 2**28  # linear's own output is gone
    h = torch.linear(h, w)
    with pytest.raises(torch.OutOfMemoryError, match=r"Tried to allocate 2\.00 GiB"):
        torch.relu(h)


def test_backward_through_giants_gives_giant_gradients() -> None:
    x = torch.zeros(2**14, 8192, device="cuda")  # 512 MiB
    w = torch.zeros(8192, 8192, device="cuda", requires_grad=True)
    loss = torch.relu(torch.linear(x, w)).sum()
    with pytest.raises(RuntimeError, match="only its shape is known"):
        loss.item()
    loss.backward()
    assert w.grad.shape == (8192, 8192)


def test_huge_cuda_creation_fails_before_it_allocates() -> None:
    with pytest.raises(torch.OutOfMemoryError, match=r"Tried to allocate 37\.25 GiB"):
        torch.ones(100_000, 100_000, device="cuda")


def test_gradients_are_counted_too() -> None:
    before = torch.cuda.memory_allocated()
    w = torch.ones(1000, device="cuda", requires_grad=True)
    (w * w).sum().backward()
    assert w.grad.device.type == "cuda"
    assert torch.cuda.memory_allocated() - before == 2 * 4096


def test_cpu_limit_refuses_in_pytorchs_words() -> None:
    set_cpu_limit(2**20)
    with pytest.raises(
        RuntimeError, match=r"DefaultCPUAllocator: can't allocate memory: you tried to allocate 4000000000"
    ):
        torch.zeros(1000, 1000, 1000)
    assert torch.zeros(1000).sum().item() == 0


def test_mixed_devices_are_refused() -> None:
    words = "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu!"
    with pytest.raises(RuntimeError, match=words) as caught:
        torch.ones(2, device="cuda") + torch.ones(2)
    assert caught.value.facts == {"op": "add", "devices": ["cuda:0", "cpu"]}
    assert (torch.ones(2, device="cuda") * torch.tensor(2.0)).tolist() == [2.0, 2.0]


def test_cuda_can_be_switched_off() -> None:
    set_cuda(False)
    assert not torch.cuda.is_available()
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        torch.ones(2, device="cuda")


def test_moving_between_devices_keeps_gradients() -> None:
    w = torch.ones(2, requires_grad=True)
    (w.to("cuda") * 2).cpu().sum().backward()
    assert w.grad.tolist() == [2.0, 2.0] and w.grad.device.type == "cpu"


def test_cpu_bytes_are_counted_when_asked_for() -> None:
    count_cpu(True)
    before = memory(CPU)[0]
    x = torch.zeros(1000)
    y = torch.relu(x)
    assert memory(CPU)[0] - before == 2 * 4096
    del x, y
    assert memory(CPU)[0] == before


def test_a_tensor_without_numbers_prints_none() -> None:
    giant = torch.zeros(200_000, 4096, device="cuda")
    assert repr(giant) == "tensor(..., device='cuda:0', size=(200000, 4096))"


def test_out_of_memory_is_told_under_pytorchs_name() -> None:
    assert torch.OutOfMemoryError.__module__ == "torch"


@pytest.mark.parametrize(
    "fails",
    [
        lambda x: x @ torch.zeros(3, 3, device="cuda"),
        lambda x: x + torch.zeros(3, 7, device="cuda"),
        lambda x: x.sum(5),
        lambda x: torch.add(x, "a"),
        lambda x: torch.zeros(10**5, 10**5, device="cuda") + x,
    ],
)
def test_a_caught_error_lets_go_of_its_tensors(fails: Callable[[Any], Any]) -> None:
    before = torch.cuda.memory_allocated()

    def attempt() -> None:
        x = torch.zeros(1000, 1000, device="cuda")
        try:
            fails(x)
        except (RuntimeError, IndexError, TypeError):
            return
        raise AssertionError("it did not fail")

    gc.disable()  # counting references is enough
    try:
        attempt()
        assert torch.cuda.memory_allocated() == before
    finally:
        gc.enable()
