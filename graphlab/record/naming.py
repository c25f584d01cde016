"""What the recorder knows of tensors and modules by name: variables, parameters, the modules that run."""

from __future__ import annotations

import sys
import weakref
from types import FrameType
from typing import TYPE_CHECKING, Any

from graphlab.record import failures
from graphlab.record.pages import Pages
from graphlab.record.places import Places
from graphlab.trace.records import TensorKind

if TYPE_CHECKING:
    from graphlab.engine.tensor import Tensor
    from graphlab.trace.store import TraceWriter

_LEAF = int(TensorKind.LEAF)
_PARAMETER = int(TensorKind.PARAMETER)
_BUFFER = int(TensorKind.BUFFER)
_INTERMEDIATE = int(TensorKind.INTERMEDIATE)


class Naming(Pages):
    """Introduces tensors that nobody told of, and names them and the modules."""

    def __init__(self, writer: TraceWriter, filename: str, source: str | None, *options: Any) -> None:
        super().__init__(writer, *options)
        self._filename = filename
        self._places = Places(writer, filename, source)
        self._module: tuple[str, int] = ("", 0)
        self._modules: list[tuple[str, int]] = []
        self._running: list[Any] = []  # the modules whose calls are not over
        self._paths: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._written_modules: set[str] = set()

    def _meet(self, tensor: Tensor, event: int) -> int:
        """Number of a tensor that the recorder may not know yet: its value is kept as of `event`."""
        mark = tensor._mark
        if mark is not None and (mark < self._tensor_ids.floor or not self._tensor_ids.is_lost(mark)):
            return mark  # type: ignore[no-any-return]
        is_parameter = tensor._rg and tensor._fn is None
        kind = _PARAMETER if is_parameter else _INTERMEDIATE if tensor._fn is not None else _LEAF
        return self._introduce(tensor, kind, self._variable_of(tensor), event)

    def _introduce(self, tensor: Tensor, kind: int, name: str, event: int) -> int:
        array = tensor._array
        number = self._add_tensor(kind, array, name, tensor._rg, -1, str(tensor._device))
        tensor._mark = number
        if kind != _INTERMEDIATE:
            self._names[number] = name
        self._add_value(number, event, array)
        return number

    def _variable_of(self, value: object) -> str:
        """The variable of the program that holds `value`, searched from the innermost frame outwards."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self._filename:
                for scope in (frame.f_locals, frame.f_globals):
                    for name, held in scope.items():
                        if held is value and name != "self" and not name.startswith("_"):
                            return name
            frame = frame.f_back
        return ""

    def _loss_name(self, number: int) -> str:
        name = self._name_of(number)
        if name:
            return name
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and frame.f_code.co_filename != self._filename:
            frame = frame.f_back
        text = ""
        if frame is not None:
            text = failures.receiver_text(self._places.source_map(), frame.f_code, frame.f_lasti)
        return text if text and len(text) <= 40 and "\n" not in text else "loss"

    def _learn_module(self, root: Any) -> None:
        """Give a module, all below it and their parameters the names that the program knows them by."""
        above = self._module[0]
        name = self._variable_of(root) if not above else ""
        kind = type(root).__name__
        base = name or (f"{above}.{kind}" if above else kind)
        for number in [number for number, given in self._named.items() if given == base]:
            self._amend(number, name="")  # `net = Net().to(device)`: it is the module that has the name
        for path, module in root.named_modules():
            known = self._paths.get(id(module))
            if known is not None and known[0]() is module and module is not root:
                continue
            full = f"{base}.{path}" if path else base
            self._paths[id(module)] = (weakref.ref(module), full)
            if full not in self._written_modules:
                self._written_modules.add(full)
                self._writer.add("module", (full, type(module).__name__, _one_line(module)))
        for path, parameter in root.named_parameters():
            self._name_member(parameter, _PARAMETER, f"{base}.{path}")
        for path, buffer in root.named_buffers():
            self._name_member(buffer, _BUFFER, f"{base}.{path}")

    def _name_member(self, tensor: Tensor, kind: int, name: str) -> None:
        mark = tensor._mark
        if mark is None or self._tensor_ids.is_lost(mark):
            self._introduce(tensor, kind, name, self._n_events)
        elif self._name_of(mark) != name and "." not in self._name_of(mark):
            self._names[mark] = name
            self._amend(mark, kind=kind, name=name, requires_grad=tensor._rg)


def _one_line(module: Any) -> str:
    text = " ".join(repr(module).split())
    return text if len(text) <= 200 else f"{text[:199]}…"
