"""Datasets and batches: `torch.utils.data`, without worker processes, shuffled as PyTorch shuffles under a seed."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.absent import take_names
from graphlab.engine.generator import Generator, default_generator
from graphlab.engine.tensor import Tensor, wrap


class Dataset:
    """Samples by index. Subclasses define `__getitem__` and `__len__`."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset):
    """Samples one after the other. Subclasses define `__iter__`."""

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError("Subclasses of IterableDataset should implement __iter__.")


class TensorDataset(Dataset):
    """Samples are tuples of the tensors' rows."""

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensors[0].size(0) != tensor.size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors: tuple[Any, ...] = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return int(self.tensors[0].size(0))


class Subset(Dataset):
    """Some samples of a dataset."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Several datasets one behind the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        self.cumulative_sizes = list(itertools.accumulate(len(each) for each in self.datasets))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> Any:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        number = next(i for i, end in enumerate(self.cumulative_sizes) if index < end)
        return self.datasets[number][index - (self.cumulative_sizes[number - 1] if number else 0)]


def random_split(dataset: Any, lengths: Sequence[float], generator: Generator | None = None) -> list[Subset]:
    """Parts of a dataset of these lengths (or fractions that sum to 1), drawn at random."""
    n = len(dataset)
    sizes = [int(length) for length in lengths]
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        for i, fraction in enumerate(lengths):
            if fraction < 0 or fraction > 1:
                raise ValueError(f"Fraction at index {i} is not between 0 and 1")
        sizes = [math.floor(n * fraction) for fraction in lengths]
        for i in range(n - sum(sizes)):
            sizes[i % len(sizes)] += 1
        for i, size in enumerate(sizes):
            if size == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    if sum(sizes) != n:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    order = (generator or default_generator).permutation(n).tolist()
    return [Subset(dataset, order[end - size : end]) for end, size in zip(itertools.accumulate(sizes), sizes)]


class Sampler:
    """Indices in some order. Subclasses define `__iter__`."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __iter__(self) -> Iterator[Any]:
        raise NotImplementedError


class SequentialSampler(Sampler):
    """0, 1, 2, …"""

    def __init__(self, data_source: Any) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


def _draw_seed(generator: Generator | None = None) -> int:
    """What `torch.empty((), dtype=torch.int64).random_()` draws."""
    return int((generator or default_generator).random64(1)[0]) & 0x7FFF_FFFF_FFFF_FFFF


class RandomSampler(Sampler):
    """The indices in random order, or drawn with replacement."""

    def __init__(
        self,
        data_source: Any,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(f"num_samples should be a positive integer value, but got num_samples={self.num_samples}")

    @property
    def num_samples(self) -> int:
        """How many indices are drawn."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        n = len(self.data_source)
        source = self.generator
        if source is None:
            source = Generator().manual_seed(_draw_seed())
        if self.replacement:
            for _ in range(self.num_samples // 32):
                yield from source.integers(0, n, (32,)).tolist()
            yield from source.integers(0, n, (self.num_samples % 32,)).tolist()
        else:
            for _ in range(self.num_samples // n):
                yield from source.permutation(n).tolist()
            yield from source.permutation(n).tolist()[: self.num_samples % n]

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler):
    """Lists of `batch_size` indices of another sampler."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size <= 0:
            raise ValueError(f"batch_size should be a positive integer value, but got batch_size={batch_size}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        n = len(self.sampler)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def default_collate(batch: Sequence[Any]) -> Any:
    """One batch from samples: tensors are stacked, numbers become tensors, tuples and mappings go by entry."""
    first = batch[0]
    if isinstance(first, Tensor):
        shapes = {tuple(each.shape) for each in batch}
        if len(shapes) > 1:
            other = next(i for i, each in enumerate(batch) if each.shape != first.shape)
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first.shape)} at entry 0 and "
                f"{list(batch[other].shape)} at entry {other}"
            )
        return wrap(np.stack([each._array for each in batch]), first._device)
    if isinstance(first, np.ndarray):
        return wrap(np.stack(batch))
    if isinstance(first, np.generic):
        return wrap(np.array(batch))
    if isinstance(first, bool):
        return wrap(np.array(batch, dtypes.BOOL))
    if isinstance(first, int):
        return wrap(np.array(batch, dtypes.I64))
    if isinstance(first, float):
        return wrap(np.array(batch, dtypes.F64))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return {key: default_collate([each[key] for each in batch]) for key in first}
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(default_collate(entries) for entries in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(each) != len(first) for each in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        return [default_collate(entries) for entries in zip(*batch, strict=True)]
    raise TypeError(
        f"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {type(first)}"
    )


class DataLoader:
    """Batches of a dataset. `num_workers` is accepted and ignored: everything runs in this process."""

    def __class_getitem__(cls, item: Any) -> Any:
        return cls

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Any = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        **_: Any,
    ) -> None:
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None and (batch_size != 1 or shuffle or sampler is not None or drop_last):
            raise ValueError(
                "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last"
            )
        self.dataset = dataset
        self.num_workers = num_workers
        self.drop_last = drop_last
        self.generator = generator
        self.batch_size = None if batch_sampler is not None else batch_size
        self.collate_fn = collate_fn or (default_collate if batch_size is not None else default_convert)
        self._is_iterable = isinstance(dataset, IterableDataset)
        if sampler is None and not self._is_iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler = sampler
        if batch_sampler is None and batch_size is not None and not self._is_iterable:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler = batch_sampler

    def __iter__(self) -> Iterator[Any]:
        # PyTorch draws a seed for its workers here, also when there are none.
        _draw_seed(self.generator)
        return self._batches()

    def _batches(self) -> Iterator[Any]:
        if self._is_iterable:
            samples = iter(self.dataset)
            if self.batch_size is None:
                for sample in samples:
                    yield self._told(self.collate_fn(sample))
                return
            while part := list(itertools.islice(samples, self.batch_size)):
                if len(part) == self.batch_size or not self.drop_last:
                    yield self._made(part)
        elif self.batch_sampler is None:
            for index in self.sampler:
                yield self._made(index, is_one=True)
        else:
            for indices in self.batch_sampler:
                yield self._made(indices, is_index=True)

    def _made(self, what: Any, is_index: bool = False, is_one: bool = False) -> Any:
        # How the batch is put together is none of the program's steps; the finished batch is.
        watcher = observe.set_observer(None)
        try:
            if type(self.dataset) is TensorDataset and is_index and self.collate_fn is default_collate:
                batch: Any = self._rows(what)
            else:
                with modes.no_grad():
                    samples = [self.dataset[i] for i in what] if is_index else self.dataset[what] if is_one else what
                    batch = self.collate_fn(samples)
        finally:
            observe.set_observer(watcher)
        return self._told(batch)

    def _rows(self, indices: list[int]) -> list[Tensor]:
        return [wrap(tensor._array[indices], tensor._device) for tensor in self.dataset.tensors]

    def _told(self, batch: Any) -> Any:
        if observe.observer is not None:
            entries: Any = batch.items() if isinstance(batch, dict) else ()
            if isinstance(batch, list | tuple):
                entries = enumerate(batch)
            for entry, each in entries:
                if isinstance(each, Tensor) and each.is_leaf:
                    observe.observer.created("batch", each, {"entry": entry})
            if isinstance(batch, Tensor) and batch.is_leaf:
                observe.observer.created("batch", batch, {})
        return batch

    def __len__(self) -> int:
        if self._is_iterable:
            n = len(self.dataset)
            if self.batch_size is None:
                return n
            return n // self.batch_size if self.drop_last else -(-n // self.batch_size)
        return len(self.batch_sampler if self.batch_sampler is not None else self.sampler)


from graphlab.engine.utils.samplers import (  # noqa: E402 - they stand on the classes above
    ChainDataset,
    StackDataset,
    SubsetRandomSampler,
    WeightedRandomSampler,
    default_convert,
    get_worker_info,
)

__all__ = [
    "BatchSampler",
    "ChainDataset",
    "ConcatDataset",
    "DataLoader",
    "Dataset",
    "IterableDataset",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "StackDataset",
    "Subset",
    "SubsetRandomSampler",
    "TensorDataset",
    "WeightedRandomSampler",
    "default_collate",
    "default_convert",
    "get_worker_info",
    "random_split",
]

take_names(globals())
