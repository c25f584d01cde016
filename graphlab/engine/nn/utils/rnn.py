"""Sequences of different lengths: padded into one tensor, or packed so that no step is wasted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from graphlab.engine.errors import broadcast, make
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor, wrap

__all__ = [
    "PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence", "pad_packed_sequence",
    "pad_sequence", "unpack_sequence", "unpad_sequence",
]  # fmt: skip


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences laid out step by step: all first entries, all second ones, …, longest sequence first.

    `batch_sizes`: how many sequences have a step. `sorted_indices`: which sequence stands where.
    """

    def __new__(
        cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None, unsorted_indices: Any = None
    ) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        elif batch_sizes.device.type != "cpu":
            raise ValueError(
                f"batch_sizes should always be on CPU. Instances of PackedSequence should never be created manually. "
                "They should be instantiated by functions like pack_sequence and pack_padded_sequences in "
                f"nn.utils.rnn. https://pytorch.org/docs/stable/nn.html#torch.nn.utils.rnn.pack_sequence. Got "
                f"batch_sizes on device {batch_sizes.device}"
            )
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __repr__(self) -> str:
        return f"PackedSequence({', '.join(f'{name}={value!r}' for name, value in zip(self._fields, self))})"

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The data on another device or of another dtype."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        indices = [None if t is None else t.to(data.device) for t in self[2:]]
        return type(self)(data, self.batch_sizes, *indices)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The data on the simulated GPU."""
        return self.to("cuda")

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The data on the CPU."""
        return self.to("cpu")

    def double(self) -> PackedSequence:
        """The data as float64."""
        return type(self)(self.data.double(), *self[1:])

    def float(self) -> PackedSequence:
        """The data as float32."""
        return type(self)(self.data.float(), *self[1:])

    def half(self) -> PackedSequence:
        """The data as float16."""
        return type(self)(self.data.half(), *self[1:])

    def long(self) -> PackedSequence:
        """The data as int64."""
        return type(self)(self.data.long(), *self[1:])

    def int(self) -> PackedSequence:
        """The data as int32."""
        return type(self)(self.data.int(), *self[1:])

    @property
    def is_cuda(self) -> bool:
        """Whether the data lie on the simulated GPU."""
        return self.data.is_cuda


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Where each place of a permutation goes."""
    return None if permutation is None else wrap(np.argsort(permutation._array), permutation._device)


def _lengths(lengths: Any) -> Any:
    if isinstance(lengths, Tensor):
        if lengths._device.type != "cpu":
            raise make(
                RuntimeError,
                f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.dim()}D {lengths.device} "
                f"{lengths.dtype.title} tensor",
                kind="lengths",
            )
        array = lengths._array.astype(np.int64)
    else:
        array = np.asarray([int(n) for n in lengths], np.int64)
    if array.ndim != 1:
        raise make(
            RuntimeError,
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {array.ndim}D cpu Long tensor",
            kind="lengths",
        )
    return array


def _steps(lengths: Any, longest: int) -> Any:
    """How many of the sequences have each step."""
    return (lengths[:, None] > np.arange(longest)).sum(0)


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """Pack a padded batch (time, batch, …), or (batch, time, …) with `batch_first`, given each sequence's length."""
    sizes = _lengths(lengths)
    order = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
        input = input.index_select(0 if batch_first else 1, wrap(order, input._device))
    if batch_first:
        input = input.transpose(0, 1)
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    n_steps, n = input.shape[:2]
    if len(sizes) != n:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(sizes)} (batch_size={n})")
    if sizes[-1] <= 0 or sizes.min() <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass "
            "`enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you "
            "do not need ONNX exportability."
        )
    if sizes[0] > n_steps:  # PyTorch reads on past the end
        raise RuntimeError(f"start (0) + length ({sizes[0]}) exceeds dimension size ({n_steps}).")
    counts = _steps(sizes, int(sizes[0]))
    rows = np.concatenate([t * n + np.arange(count) for t, count in enumerate(counts)])
    data = input.reshape(n_steps * n, *input.shape[2:]).index_select(0, wrap(rows, input._device))
    return PackedSequence(data, wrap(counts), None if order is None else wrap(order, input._device))


def pad_packed_sequence(
    sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0, total_length: int | None = None
) -> tuple[Tensor, Tensor]:
    """The padded batch of a packed one, and the sequences' lengths."""
    counts = sequence.batch_sizes._array
    longest = len(counts)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    n = int(counts[0])
    data = sequence.data
    # One more row for the padding, from which all that is missing is taken.
    empty = FUNCTIONS["full"]((1, *data.shape[1:]), padding_value, dtype=data.dtype, device=data.device)
    rows = np.full((longest, n), len(data), np.int64)
    start = 0
    for t, count in enumerate(counts):
        rows[t, :count] = np.arange(start, start + count)
        start += count
    lengths = (counts[:, None] > np.arange(n)).sum(0)
    order = sequence.unsorted_indices
    if order is not None:
        rows, lengths = rows[:, order._array], lengths[order._array]
    if batch_first:
        rows = rows.T
    flat = FUNCTIONS["cat"]([data, empty]).index_select(0, wrap(np.ascontiguousarray(rows).reshape(-1), data._device))
    return flat.reshape(*rows.shape, *data.shape[1:]), wrap(lengths)


def pad_sequence(
    sequences: Any, batch_first: bool = False, padding_value: float = 0.0, padding_side: str = "right"
) -> Tensor:
    """Sequences (time, …) of different lengths, filled up with `padding_value` and stacked."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}"
        )
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    given = list(sequences.unbind(0)) if isinstance(sequences, Tensor) else list(sequences)
    if not given:
        raise RuntimeError("received an empty list of sequences")
    longest = max(len(each) for each in given)
    rest = given[0].shape[1:]
    for each in given:
        if each.dim() > given[0].dim():
            raise RuntimeError(
                f"output with shape {[len(each), *rest]} doesn't match the broadcast shape {list(each.shape)}"
            )
        if each.shape[1:] != rest:
            raise broadcast("pad_sequence", (len(each), *rest), tuple(each.shape))
    made = []
    for each in given:
        missing = longest - len(each)
        if missing:
            filler = FUNCTIONS["full"]((missing, *rest), padding_value, dtype=each.dtype, device=each.device)
            each = FUNCTIONS["cat"]([filler, each] if padding_side == "left" else [each, filler])
        made.append(each)
    return FUNCTIONS["stack"](made, 0 if batch_first else 1)  # type: ignore[no-any-return]


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False) -> list[Tensor]:
    """The sequences of a padded batch, each with its own length."""
    batch = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [batch[i][: int(n)] for i, n in enumerate(_lengths(lengths))]


def pack_sequence(sequences: Any, enforce_sorted: bool = True) -> PackedSequence:
    """Pack a list of sequences (time, …)."""
    lengths = wrap(np.asarray([each.size(0) for each in sequences], np.int64))
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The list of sequences that were packed."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
