"""Which frame each node stands in: one for every call of a module, so that a module used again is drawn again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTAINERS = frozenset({"ModuleList", "ModuleDict", "ParameterList", "ParameterDict"})
"""Modules that are never called: their members stand directly in the module around them."""

Chain = tuple[str, ...]
"""Frames around a node, outermost first."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One call of a module."""

    path: str  # "net.cell", "net.cell#2": unique
    module: str  # "net.cell"
    parent: str  # path of the frame around it, "" for none
    name: str  # what the module is called in the module around it: "cell", "layers.0"
    call: int  # from 1


@dataclass(slots=True)
class Calls:
    """Frames in the order of the run. `types` maps the paths of modules to their types."""

    types: Mapping[str, str]
    frames: dict[str, Frame] = field(default_factory=dict)
    _open: list[Frame] = field(default_factory=list)
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _steps: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def enter(self, module: str) -> Chain:
        """The frames of the next step, which runs in `module`: those of the step before as far as both are in them."""
        steps = self._path(module)
        k = 0
        while k < len(steps) and k < len(self._open) and self._open[k].module == steps[k][0]:
            k += 1
        del self._open[k:]
        for path, name in steps[k:]:
            parent = self._open[-1].path if self._open else ""
            base = f"{parent}.{name}" if parent else name
            self._counts[base] += 1
            self._open.append(self._frame(base, path, parent, name, self._counts[base]))
        return tuple(frame.path for frame in self._open)

    def first(self, module: str) -> Chain:
        """The frames of a module's first call, for what stands in a module without a step there."""
        chain: list[str] = []
        for path, name in self._path(module):
            parent = chain[-1] if chain else ""
            chain.append(self._frame(f"{parent}.{name}" if parent else name, path, parent, name, 1).path)
        return tuple(chain)

    def within(self, chain: Chain, module: str) -> Chain:
        """The part of a chain that lies around or is `module`."""
        k = 0
        while k < len(chain) and f"{module}.".startswith(f"{self.frames[chain[k]].module}."):
            k += 1
        return chain[:k]

    def module(self, frame: str) -> str:
        """The module whose call a frame is, "" for none."""
        return self.frames[frame].module if frame else ""

    def ordered(self, used: Iterable[str]) -> list[Frame]:
        """The frames named and those around them, outer ones before inner ones."""
        found: dict[str, Frame] = {}
        for path in used:
            while path and path not in found:
                found[path] = self.frames[path]
                path = found[path].parent
        return sorted(found.values(), key=lambda frame: frame.path)

    def _frame(self, base: str, module: str, parent: str, name: str, call: int) -> Frame:
        path = base if call == 1 else f"{base}#{call}"
        if path not in self.frames:
            self.frames[path] = Frame(path, module, parent, name, call)
        return self.frames[path]

    def _path(self, module: str) -> list[tuple[str, str]]:
        """(path, name) of the modules around and including `module`, without containers."""
        if module not in self._steps:
            steps: list[tuple[str, str]] = []
            parts = module.split(".") if module else []
            name = ""
            for n, part in enumerate(parts, 1):
                path = ".".join(parts[:n])
                name = f"{name}.{part}" if name else part
                if n == len(parts) or self.types.get(path) not in CONTAINERS:
                    steps.append((path, name))
                    name = ""
            self._steps[module] = steps
        return self._steps[module]
