"""`out=`: a result written into a tensor that the program gave, refused where PyTorch refuses it.

PyTorch has no one rule for the type of such a tensor: most functions convert to it, others want exactly the type of
their result, and each family says so in its own words. They are listed here; what is not listed converts.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from graphlab.engine import dtypes, modes
from graphlab.engine.errors import fail
from graphlab.engine.ops.overlap import refuse_overlap, refuse_repeats
from graphlab.engine.ops.run import bad_argument, bump
from graphlab.engine.tensor import Tensor
from graphlab.engine.virtual import Virtual

_EXACT = "Expected out tensor to have dtype {c_wanted}, but got {c_got} instead"
_EXACTLY = {
    _EXACT: (
        "addmm addmv baddbmm bmm matmul cross max min softmax aminmax avg_pool2d avg_pool3d linear topk mm qr svd "
        "gather triangular_solve index_copy index_add index_reduce sort scatter scatter_add msort renorm "
        "take_along_dim tril triu log_softmax norm scatter_reduce det cholesky_ex eigh eigvalsh slogdet vector_norm "
        "lu_factor lu inv inv_ex solve svdvals argmax argmin isin linalg.cross linalg.cholesky linalg.qr linalg.svd "
        "linalg.lu lu_solve lu_unpack"
    ),
    "Found dtype {got} but expected {wanted}": (
        "abs absolute ceil conj_physical frac floor softshrink hardshrink gelu neg negative round sign sgn trunc fix "
        "softplus bitwise_not"
    ),
    "expected scalar_type {wanted} but found {got}": "cummax cummin diff logcumsumexp",
    "expected scalar type {wanted} but found {got}": "logsigmoid solve_triangular",
    "result dtype {got} does not match input dtype {wanted}": "dot vdot",
    "{op} does not support non-boolean outputs.": "signbit isposinf isneginf",
    "{op}(): self and result must have the same scalar type": "masked_select index_select",
    "{op} only supports bool tensor for result, got: {got}": "all any",
    "Expected the dtype for input and out to match, but got {wanted} for input's dtype and {got} for out's dtype.": (
        "amax amin"
    ),
    "linalg.{op} expected out tensor dtype {wanted} but got: {got}": "linalg.norm linalg.matrix_norm",
    "output values must be of same type as input": "kthvalue",
    "{op}() out tensor must be same dtype as the input tensor": "quantile",
    "quantile() out tensor must be same dtype as the input tensor": "nanquantile",
    "{op} is not yet implemented for tensors with different dtypes.": "heaviside",
    "expected scalar type '{wanted}' but got '{got}' for values output": "mode",
    "Expected self.dtype() == output.dtype() to be true, but got false.  (Could this error message be improved?  If "
    "so, please report an enhancement request to PyTorch.)": "narrow_copy",
    "the output given to {op} has dtype {got} but the operation's result requires dtype {wanted}": "float_power",
    "{op}: dtype of out: {got} should be same as input: {wanted}": "nan_to_num",
    "{op}(): self and out expected to have the same dtype, but got self.dtype = {wanted} and out.dtype = {got}": "take",
    "{op} expects Long tensor out, got: {got}": "multinomial",
    "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {c_wanted} and hist "
    "{c_got}": "histc",
    "tensordot: Expected the output tensor to have dtype {wanted}, but got an output tensor with dtype {got}": (
        "inner tensordot"
    ),
    "Expected out type to be {wanted} but got {got}": "where",
    "{op}: Expected out tensor to have scalar type Long but got scalar type{got}": "nonzero",
    "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on "
    "whether out_int32 flag is True, but we got output tensor's dtype {got} and out_int32 flag is False": (
        "searchsorted bucketize"
    ),
    "Expected object of scalar type {wanted} but got scalar type {got} for argument 'out'": "complex polar",
}
"""Words for functions that want exactly the type of their result."""
_CAST = "result type {wanted} can't be cast to the desired output type {got}"
_SAFELY = {
    "torch.cat(): input types can't be cast to the desired output type {got}": (
        "cat concat concatenate column_stack stack hstack vstack row_stack dstack"
    ),
    "{op}: Expected result to be safely castable from {wanted} dtype, but got result with dtype {got}": (
        "cholesky_inverse cholesky_solve matrix_power tensorinv tensorsolve"
    ),
    "linalg.{op}: Expected result to be safely castable from {wanted} dtype, but got result with dtype {got}": (
        "linalg.cond linalg.pinv"
    ),
    "{op}: result type {wanted} can't be cast to the desired output type {got}": "mvlgamma",
    "ldexp can't be cast to the desired output type {got}": "ldexp",
    "{op}(): Expected floating point type for result tensor, but got: {got}": "logsumexp",
    "{op}.dtype_out(): input types can't be cast to the desired output type {got}": "mean",
    "fft expects a complex output tensor, but got {got}": "",
}
"""Words for functions that convert, other than the usual ones."""
_MADE = {"zeros", "ones", "empty", "full", "eye", "rand", "randn"}
"""Functions that make a tensor: of the type of `out` unless another is asked for."""
_SHAPED = {"arange", "range", "linspace", "logspace"}
"""Functions that leave the shape of `out` alone where it has the right number of elements."""
_FREELY = {
    "sum", "prod", "cumsum", "cumprod", "nansum", "linspace", "logspace", "arange", "bernoulli", "randint", "randperm",
    "eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal", "greater", "greater_equal", "logical_not",
    "logical_and", "logical_or", "logical_xor",
}  # fmt: skip
"""Functions that compute in any type that they are given."""
_APART = {"cat", "concat", "concatenate", "gather", "index_select", "masked_select", "take"}
"""Functions whose `out` must not even be one of their arguments."""
_UNCHECKED = {"sum", "nansum", "prod", "mean", "amax", "amin", "all", "any", "std", "var", "norm", "mm"}
"""Reductions and a product, whose `out` may share memory with their argument."""
_WORDS = {name: (words, True) for words, names in _EXACTLY.items() for name in names.split()}
_WORDS |= {name: (words, False) for words, names in _SAFELY.items() for name in names.split()}


def write(out: Any, result: Any, called: str, args: tuple[Any, ...], dtype: Any = None) -> Any:
    """The result of `called` ("torch.add") written into `out`, a tensor or several."""
    if isinstance(result, tuple):
        if not isinstance(out, (tuple, list)):
            raise bad_argument(called, "out", 1, "tuple of Tensors", out)
        made = tuple(_write(o, r, called, args, dtype) for o, r in zip(out, result, strict=True))
        if type(result) is tuple:
            return made
        return type(result)._make(made) if hasattr(result, "_make") else type(result)(made)
    return _write(out, result, called, args, dtype)


def _write(target: Any, result: Tensor, called: str, args: tuple[Any, ...], dtype: Any) -> Tensor:
    if not isinstance(target, Tensor):
        raise bad_argument(called, "out", 1, "Tensor", target)
    name = called.rpartition(".")[2]
    wanted, got = result.dtype, target.dtype
    if modes.grad and (result._rg or (target._rg and wanted.rank > 1)):
        raise RuntimeError(
            f"{'aten::' if name in _MADE or name in _SHAPED else ''}{name}(): functions with out=... arguments don't "
            "support automatic differentiation, but one of the arguments requires grad."
        )
    if name in _MADE:
        _check_made(name, wanted, got, dtype)
    elif wanted is not got:
        _check_type(called, name, wanted, got)
    if target._device is not result._device:
        fail(
            RuntimeError,
            f"Attempting to copy from device {result._device} to device {target._device}, but cross-device copies are "
            "not allowed!"
            if target._device.type == "meta"
            else f"Expected all tensors to be on the same device, but found at least two devices, {result._device} and "
            f"{target._device}!",
            kind="device_mix",
            op=name,
            devices=[str(result._device), str(target._device)],
        )
    if type(target._array) is not Virtual:
        _check_overlap(name, target, args)
    if name in _SHAPED and target._array.size == result._array.size:
        target._array[...] = result._array.reshape(target._array.shape)
        bump(target)
        return target
    if target._array.shape != result._array.shape:
        _resize(target, result)
    target._array[...] = result._array
    bump(target)
    return target


def _check_made(name: str, wanted: dtypes.dtype, got: dtypes.dtype, dtype: Any) -> None:
    if dtype is not None and wanted is not got:
        fail(
            RuntimeError,
            f"dtype {wanted.title} does not match dtype of out parameter ({got.title})",
            kind="dtype_mix",
            op=name,
            dtypes=[wanted.name, got.name],
        )
    if name in ("rand", "randn") and got.rank < 2:
        kernel = "check_uniform_bounds" if name == "rand" else "normal_kernel_cpu"
        fail(
            NotImplementedError,
            f"\"{kernel}\" not implemented for '{got.title}'",
            kind="dtype_unsupported",
            op=name,
            dtype=got.name,
        )


def _check_type(called: str, name: str, wanted: dtypes.dtype, got: dtypes.dtype) -> None:
    if name in _FREELY:
        return
    words, is_exact = _WORDS.get(called) or _WORDS.get(name) or (_CAST, False)
    if not is_exact and dtypes.can_cast(wanted, got):
        return
    text = words.format(
        op=name,
        wanted=wanted.title,
        got=got.title,
        c_wanted=wanted.c_name(),
        c_got=got.c_name(),
    )
    fail(
        TypeError if text.startswith("torch.cat") else RuntimeError,
        text,
        kind="dtype_mix",
        op=name,
        dtypes=[wanted.name, got.name],
    )


def _check_overlap(name: str, target: Tensor, args: tuple[Any, ...]) -> None:
    array = target._array
    if name in _UNCHECKED:
        return
    refuse_repeats(name, array)
    for n, each in enumerate(args):
        for one in each if isinstance(each, (tuple, list)) else (each,):
            if isinstance(one, Tensor):
                refuse_overlap(name, array, one._array, name in _APART and not (name == "gather" and n))


def _resize(target: Tensor, result: Tensor) -> None:
    if target._array.size:
        from graphlab.engine.ops.activation import warn

        warn(
            f"An output with one or more elements was resized since it had shape {list(target._array.shape)}, which "
            f"does not match the required output shape {list(result._array.shape)}. This behavior is deprecated, and "
            "in a future PyTorch release outputs will not be resized unless they have zero elements. You can "
            "explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
            "out_resized",
            stacklevel=8,
        )
    target._array = np.empty_like(result._array, target.dtype.np, order="C")
