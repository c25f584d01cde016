"""Further samplers and datasets of `torch.utils.data`."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.generator import Generator, default_generator
from graphlab.engine.ops.create import leaf
from graphlab.engine.tensor import Tensor, wrap
from graphlab.engine.utils.data import Dataset, IterableDataset, Sampler


class SubsetRandomSampler(Sampler):
    """Some indices, in random order."""

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in (self.generator or default_generator).permutation(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler):
    """Indices drawn with probabilities proportional to `weights`."""

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={num_samples}")
        if not isinstance(replacement, bool):
            raise ValueError(f"replacement should be a boolean value, but got replacement={replacement}")
        given = weights._array if isinstance(weights, Tensor) else np.asarray([float(w) for w in weights])
        if given.ndim != 1:
            raise ValueError(f"weights should be a 1d sequence but given weights have shape {given.shape}")
        self.weights = wrap(given.astype(dtypes.F64))
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        from graphlab.engine import observe
        from graphlab.engine.random import multinomial

        watcher = observe.set_observer(None)
        try:
            drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        finally:
            observe.set_observer(watcher)
        yield from drawn.tolist()

    def __len__(self) -> int:
        return self.num_samples


class StackDataset(Dataset):
    """Samples are tuples, or dicts, of one sample of each dataset."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like input/output, but both "
                "types are given."
            )
        if not args and not kwargs:
            raise ValueError("At least one dataset should be passed")
        self.datasets: Any = args or kwargs
        lengths = [len(each) for each in (args or kwargs.values())]
        if any(length != lengths[0] for length in lengths):
            raise ValueError("Size mismatch between datasets")
        self._length = lengths[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __len__(self) -> int:
        return self._length


class ChainDataset(IterableDataset):
    """The samples of several iterable datasets, one dataset after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for each in self.datasets:
            if not isinstance(each, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
        return itertools.chain.from_iterable(self.datasets)

    def __len__(self) -> int:
        return sum(len(each) for each in self.datasets)


def default_convert(data: Any) -> Any:
    """NumPy arrays as tensors, in lists, tuples and dicts too; all else as it is."""
    if isinstance(data, Tensor):
        return data
    if isinstance(data, np.ndarray) and data.dtype.kind not in "SaUO":
        return leaf("as_tensor", data, False)
    if isinstance(data, Mapping):
        return {key: default_convert(value) for key, value in data.items()}
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(each) for each in data))
    if isinstance(data, tuple | list) and not isinstance(data, str):
        return [default_convert(each) for each in data]
    return data


def get_worker_info() -> None:
    """None: batches are made in the program itself, not by workers."""
    return None
