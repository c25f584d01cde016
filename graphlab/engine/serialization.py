"""`torch.save` and `torch.load`: a JSON header that tells the structure, then the numbers as they lie in memory.

Never a pickle: what is read can only become tensors, numbers, text and containers of these. Files are reached through
the `door` that the session sets; without one there are only buffers.

Layout: MAGIC, the header's length in 8 bytes (little endian), the header (UTF-8 JSON), the arrays one after the other.
Header: {"version": 1, "root": value, "arrays": [[dtype, shape, start, end], …]}. A value is null, a bool, a text, or an
object with one key that names its kind, see `_Writer` and `_Reader`.
"""

from __future__ import annotations

import base64
import collections
import json
import math
import re
from typing import Any, Protocol

import numpy as np

from graphlab.engine import dtypes, observe
from graphlab.engine.device import CPU, Virtual, device, is_cuda_available, resolve
from graphlab.engine.errors import make
from graphlab.engine.tensor import Size, Tensor, adopt, wrap

MAGIC = b"GRAPHLAB-TENSORS\n"
MAX_DEPTH = 100
MAX_BYTES = 2**30
MAX_HEADER = 64 * 2**20
MAX_AXES = 64


class Door(Protocol):
    """The one way to a file. `name` is what the program wrote."""

    def read(self, name: str) -> bytes:
        """The content of a saved file. Raises FileNotFoundError, or RuntimeError with a sentence."""

    def write(self, name: str, data: bytes) -> None:
        """Replace the content of a saved file. Raises RuntimeError with a sentence."""


door: Door | None = None
"""Set by the session where the program belongs to a project."""


def set_door(new: Door | None) -> None:
    """Put a way to files in place, None for none."""
    global door
    door = new


def save(
    obj: Any,
    f: Any,
    pickle_module: Any = None,
    pickle_protocol: Any = None,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Write tensors, numbers, text and containers of these into a file of the project, or into a buffer."""
    data = dumps(obj)
    if isinstance(f, str):
        _door("torch.save").write(f, data)
    elif hasattr(f, "write"):
        f.write(data)
    else:
        raise _no_place(f, "write")


def load(
    f: Any, map_location: Any = None, pickle_module: Any = None, *, weights_only: Any = None, mmap: Any = None, **_: Any
) -> Any:
    """Read what `save` wrote. `weights_only` changes nothing: nothing else is ever read."""
    if isinstance(f, str):
        data, name = _door("torch.load").read(f), f
    elif hasattr(f, "read"):
        data, name = f.read(), "the buffer"
    else:
        raise _no_place(f, "read")
    if not isinstance(data, bytes | bytearray):
        raise TypeError(f"expected bytes from read(), got {type(data).__name__}")
    return loads(bytes(data), map_location, name)


def _door(function: str) -> Door:
    if door is None:
        raise make(
            RuntimeError,
            f"{function} needs a project: this program has no folder of its own. Save it as a project and run it "
            "again, or use a buffer, io.BytesIO().",
            kind="no_folder",
        )
    return door


def _no_place(f: Any, deed: str) -> BaseException:
    return AttributeError(
        f"'{type(f).__name__}' object has no attribute '{deed}': give a file name, as 'model.pt', or an io.BytesIO()"
    )


# Writing


def dumps(obj: Any) -> bytes:
    """The bytes of a file that holds `obj`."""
    writer = _Writer()
    root = writer.value(obj, 0)
    header = json.dumps({"version": 1, "root": root, "arrays": writer.table}, separators=(",", ":")).encode()
    return b"".join((MAGIC, len(header).to_bytes(8, "little"), header, *writer.parts))


class _Writer:
    def __init__(self) -> None:
        self.table: list[Any] = []
        self.parts: list[bytes] = []
        self._n_bytes = 0
        self._known: dict[tuple[Any, ...], int] = {}
        self._held: list[Any] = []  # so that no address is used twice while we write

    def value(self, value: Any, depth: int) -> Any:
        """`value` as JSON."""
        if depth > MAX_DEPTH:
            raise RuntimeError(f"torch.save: the object is nested more than {MAX_DEPTH} deep, or contains itself")
        if value is None or isinstance(value, bool):
            return value
        kind = type(value)
        if kind is str:
            return value
        if kind is int:
            return {"int": str(value) if abs(value) < 10**1000 else _refuse(value)}
        if kind is float:
            return {"float": value.hex()}
        if kind is complex:
            return {"complex": [value.real.hex(), value.imag.hex()]}
        if kind is bytes:
            return {"bytes": base64.b64encode(value).decode()}
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, Size):
            return {"size": list(value)}
        if isinstance(value, dtypes.dtype):
            return {"dtype": value.name}
        if isinstance(value, device):
            return {"device": str(value)}
        if isinstance(value, np.generic):
            return self.value(value.item(), depth)
        if kind in (dict, collections.OrderedDict, collections.Counter, collections.defaultdict):
            return self._mapping(value, depth)
        if kind in (list, tuple, set, frozenset):
            return {kind.__name__: [self.value(each, depth + 1) for each in value]}
        return _refuse(value)

    def _mapping(self, value: Any, depth: int) -> Any:
        items = [[self.value(key, depth + 1), self.value(each, depth + 1)] for key, each in value.items()]
        made: dict[str, Any] = {type(value).__name__: items}
        metadata = getattr(value, "_metadata", None)
        if metadata is not None:
            made["metadata"] = self.value(metadata, depth + 1)
        return made

    def _tensor(self, t: Tensor) -> Any:
        array = t._array
        if type(array) is Virtual:
            raise RuntimeError("torch.save: a tensor on the meta device, or too large to be held, has no numbers")
        key = (array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.num)
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self.table)
            data = np.ascontiguousarray(array).tobytes()
            end = self._n_bytes + len(data)
            if end > MAX_BYTES:
                raise RuntimeError(f"torch.save: more than {MAX_BYTES // 2**20} MiB are not saved into one file")
            self.table.append([t.dtype.name, list(array.shape), self._n_bytes, end])
            self.parts.append(data)
            self._n_bytes = end
            self._held.append(array)
        kind = type(t).__name__ if type(t).__name__ in ("Parameter", "Buffer") else "Tensor"
        return {"tensor": [number, kind, t._rg and t._fn is None, str(t._device)]}


def _refuse(value: Any) -> Any:
    from graphlab.engine.nn.module import Module
    from graphlab.engine.optim.optimizer import Optimizer

    name = type(value).__name__
    if isinstance(value, Module | Optimizer):
        what = "model" if isinstance(value, Module) else "optimizer"
        raise make(
            TypeError,
            f"torch.save: a whole {what} ({name}) is not saved in GraphLab, since that would save code. Save its "
            f"numbers, {what}.state_dict(), and give them back with {what}.load_state_dict(torch.load(…)).",
            kind="save_object",
            type=name,
        )
    raise make(
        TypeError,
        f"torch.save: a value of type {name} is not saved in GraphLab; tensors, numbers, text, and lists, tuples, sets "
        "and dicts of these are.",
        kind="save_object",
        type=name,
    )


# Reading


def loads(data: bytes, map_location: Any = None, name: str = "the file") -> Any:
    """The object in a file's bytes. Raises RuntimeError with what is wrong with them."""
    if data[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise make(
            RuntimeError,
            f"torch.load: {name} was saved by PyTorch itself. Such a file is a pickle, which can run any code when it "
            "is opened, so GraphLab does not read it. Save the state_dict with torch.save in GraphLab instead.",
            kind="load_pickle",
        )
    start = len(MAGIC) + 8
    if data[: len(MAGIC)] != MAGIC or len(data) < start:
        raise _damaged(name, "it does not begin as a file of torch.save")
    length = int.from_bytes(data[len(MAGIC) : start], "little")
    if length > min(MAX_HEADER, len(data) - start):
        raise _damaged(name, "it ends too early")
    try:
        header = json.loads(data[start : start + length].decode())
        if not isinstance(header, dict) or header.get("version") != 1:
            raise ValueError("its header is of another version")
        reader = _Reader(header["arrays"], memoryview(data)[start + length :], map_location)
        found = reader.value(header["root"], 0)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError, RecursionError, AttributeError) as error:
        if getattr(error, "kind", ""):
            raise
        raise _damaged(name, str(error) or type(error).__name__) from None
    if observe.observer is not None:
        _tell(found, "")
    return found


def _tell(value: Any, place: str) -> None:
    """Tell the observer of all tensors, with their places: "['model']['weight']"."""
    if isinstance(value, Tensor):
        if observe.observer is not None and value._mark is None:
            observe.observer.created("load", value, {"entry": place} if place else {})
    elif isinstance(value, dict):
        for key, each in value.items():
            _tell(each, f"{place}[{key!r}]")
    elif isinstance(value, list | tuple):
        for at, each in enumerate(value):
            _tell(each, f"{place}[{at}]")


def _damaged(name: str, why: str) -> BaseException:
    return make(RuntimeError, f"torch.load: {name} is damaged or no file of torch.save: {why}.", kind="load_damaged")


_DEVICE = re.compile(r"cpu|(cpu|cuda|meta):\d{1,3}|cuda|meta")
_NAMES = {kind.name: kind for kind in dtypes.ALL}
_CONTAINERS: dict[str, Any] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
_MAPPINGS: dict[str, Any] = {
    "dict": dict,
    "OrderedDict": collections.OrderedDict,
    "Counter": collections.Counter,
    "defaultdict": dict,
}


class _Reader:
    def __init__(self, table: Any, data: memoryview, map_location: Any) -> None:
        self._arrays = [_array(entry, data) for entry in table]
        self._place = map_location
        self._placed: dict[tuple[int, str], Tensor] = {}

    def value(self, item: Any, depth: int) -> Any:
        """The object that a value of the header stands for."""
        if depth > MAX_DEPTH + 1:
            raise ValueError("it is nested too deeply")
        if item is None or isinstance(item, bool | str):
            return item
        kind: str = ""
        content: Any = None
        for kind, content in item.items():  # noqa: B007 - the first one
            break
        if kind in _MAPPINGS:
            made: Any = _MAPPINGS[kind](
                {self.value(key, depth + 1): self.value(each, depth + 1) for key, each in content}
            )
            if kind == "OrderedDict" and "metadata" in item:
                made._metadata = self.value(item["metadata"], depth + 1)
            return made
        if kind in _CONTAINERS:
            return _CONTAINERS[kind]([self.value(each, depth + 1) for each in content])
        return self._simple(kind, content)

    def _simple(self, kind: str, content: Any) -> Any:
        match kind:
            case "int" if isinstance(content, str) and len(content) <= 1002:
                return int(content)
            case "float":
                return float.fromhex(content)
            case "complex":
                return complex(float.fromhex(content[0]), float.fromhex(content[1]))
            case "bytes":
                return base64.b64decode(content, validate=True)
            case "size":
                return Size(_sizes(content))
            case "dtype":
                return _NAMES[content]
            case "device" if isinstance(content, str) and _DEVICE.fullmatch(content):
                return device(content)
            case "tensor":
                return self._tensor(*content)
        raise ValueError(f"it holds a value of unknown kind {str(kind)[:20]!r}")

    def _tensor(self, number: int, kind: str, requires_grad: bool, place: str) -> Tensor:
        from graphlab.engine.nn.parameter import Buffer, Parameter

        if not isinstance(number, int) or number < 0:
            raise ValueError("it names an array that is not there")
        if not isinstance(place, str) or not _DEVICE.fullmatch(place):
            raise ValueError("it names a device that there is none of")
        plain = self._placed.get((number, place))
        if plain is None:
            plain = self._placed[number, place] = _put(self._arrays[number], str(place), self._place)
        types: dict[str, Any] = {"Parameter": Parameter, "Buffer": Buffer}
        is_special = kind in types or requires_grad
        if is_special and not (plain._array.dtype.kind in dtypes.INEXACT or not requires_grad):
            raise ValueError("it wants gradients of whole numbers")
        made: Tensor = (
            adopt(types.get(kind, Tensor), plain._array, plain._device, bool(requires_grad)) if is_special else plain
        )
        if kind == "Buffer":
            made.persistent = True  # type: ignore[attr-defined]
        return made


def _sizes(shape: Any) -> tuple[int, ...]:
    if not isinstance(shape, list) or len(shape) > MAX_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("a shape in it is none")
    return tuple(shape)


def _array(entry: Any, data: memoryview) -> dtypes.Array:
    name, shape, start, end = entry
    kind, sizes = _NAMES[name], _sizes(shape)
    if not (type(start) is int and type(end) is int and 0 <= start <= end <= len(data)):
        raise ValueError("it ends too early")
    if math.prod(sizes) * kind.itemsize != end - start:
        raise ValueError("an array in it has another size than its shape says")
    array = np.frombuffer(data[start:end], np.uint8).view(kind.np) if end > start else np.zeros(0, kind.np)
    if kind is dtypes.bool_ and end > start and np.frombuffer(data[start:end], np.uint8).max() > 1:
        raise ValueError("a truth value in it is neither true nor false")
    return array.reshape(sizes).copy()


def _put(array: dtypes.Array, place: str, wanted: Any) -> Tensor:
    """A tensor on the device where it was saved from, or where `wanted` (map_location) says."""
    t = wrap(array)
    if callable(wanted) and not isinstance(wanted, device):
        found = wanted(t, place)
        return found if isinstance(found, Tensor) else t
    if isinstance(wanted, dict):
        wanted = wanted.get(place, place)
    target = device(str(wanted if wanted is not None else place))
    if target.type == "cuda" and not is_cuda_available():
        raise make(
            RuntimeError,
            "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False. If you are "
            "running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
            "storages to the CPU.",
            kind="no_cuda",
        )
    where = resolve(target)
    if where is CPU:
        return t
    watcher = observe.set_observer(None)
    try:
        moved: Tensor = t.to(where)
    finally:
        observe.set_observer(watcher)
    return moved
