"""Every operator that PyTorch's own database knows: its samples and its inputs that must fail, run in both."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import known  # noqa: E402 - beside this file; needs torch to be there
import op_samples  # noqa: E402

import graphlab.engine as engine  # noqa: E402

pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore"),  # the samples provoke PyTorch's warnings in both
]

ENTRIES = {op_samples.label(op): op for op in op_samples.entries()}


def _run_samples(op: Any) -> int:
    dtype = op_samples.dtype_of(op)
    if dtype is None:
        pytest.skip("no type that is here")
    with_grad = op.supports_autograd and dtype is torch.float32
    torch.manual_seed(0)
    samples = list(op.sample_inputs("cpu", dtype, requires_grad=with_grad))
    return sum(op_samples.check_sample(op, sample, with_grad) for sample in samples)


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_values_shapes_types_and_gradients_are_those_of_pytorch(name: str) -> None:
    if name not in known.SAMPLES:
        _run_samples(ENTRIES[name])
        return
    try:
        _run_samples(ENTRIES[name])
    except Exception:
        pytest.xfail(known.SAMPLES[name])
    if name not in known.UNSTEADY:
        pytest.fail(f"{name} is right now: take it out of known.SAMPLES")


@pytest.mark.parametrize("name", sorted(n for n, op in ENTRIES.items() if op.error_inputs_func is not None))
def test_what_pytorch_refuses_is_refused_in_its_words(name: str) -> None:
    op = ENTRIES[name]
    failed = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for error_input in op.error_inputs("cpu"):
            try:
                op_samples.check_error(op, error_input)
            except AssertionError as error:
                failed.append(str(error).splitlines()[0])
    if name not in known.ERRORS:
        assert not failed, "\n".join(failed)
    elif failed:
        pytest.xfail(known.ERRORS[name])
    else:
        pytest.fail(f"{name} is right now: take it out of known.ERRORS")


def test_known_failures_name_entries_that_exist() -> None:
    from torch.testing._internal.common_methods_invocations import op_db

    names = {op_samples.label(op) for op in op_db}
    assert not (set(known.SAMPLES) | set(known.ERRORS)) - names


TYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


@pytest.mark.parametrize("a", TYPES)
@pytest.mark.parametrize("b", TYPES)
def test_mixed_types_promote_as_in_pytorch(a: str, b: str) -> None:
    for shape_a, shape_b in (((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())):
        results = []
        for lib in (torch, engine):
            x = lib.ones(shape_a, dtype=getattr(lib, a))
            y = lib.ones(shape_b, dtype=getattr(lib, b))
            results.append([str((x * y).dtype), str((x / y).dtype), str((x == y).dtype), str(lib.maximum(x, y).dtype)])
        assert results[0] == results[1], (a, b, shape_a, shape_b)
    assert str(engine.promote_types(getattr(engine, a), getattr(engine, b))) == str(
        torch.promote_types(getattr(torch, a), getattr(torch, b))
    )


@pytest.mark.parametrize("a", TYPES)
@pytest.mark.parametrize("number", [True, 2, 2.5])
def test_numbers_promote_as_in_pytorch(a: str, number: Any) -> None:
    results = []
    for lib in (torch, engine):
        row = []
        for shape in ((2,), ()):
            x = lib.ones(shape, dtype=getattr(lib, a))
            row.append([str((x * number).dtype), str((x / number).dtype), str((number + x).dtype), str((x**2).dtype)])
        results.append(row)
    assert results[0] == results[1]
