"""The modules as a program sees them: closed boxes of allowed public names, never the modules themselves."""

# ruff: noqa: SIM905

import contextlib
import dataclasses
import functools
import importlib
import types
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

from graphlab.engine import absent, amp
from graphlab.program.buffers import BytesIO
from graphlab.program.names import INNER_MODULES, LIBRARY_NAMES, TORCH_MODULES
from graphlab.program.substitutes import MODULES

_ENGINE = "graphlab.engine"
_ENGINE_INNER = frozenset(
    "set_observer observing observe declare Op OPS fail N_ Category TYPE_CHECKING annotations from_file hub "
    "library ops errors dtypes printing tensor_module memory overrides storage registry".split()
)
"""Public names of the engine that are not PyTorch's, or that would reach files."""


class Library:
    """A module as a program sees it: public names, no way to the module behind them, nothing to change."""

    def __init__(self, name: str, names: dict[str, Any], find: "Callable[[str], Any] | None" = None) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_find", find)  # for names that the module makes when they are first asked for
        # NumPy looks for descriptions of raw memory under special names: a box can't be made to hold one.
        self.__dict__.update({key: value for key, value in names.items() if key[:1] != "_" or key == "__version__"})

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__.get("_name", "")
        find = self.__dict__.get("_find")
        if find is not None and not name.startswith("_"):
            found = find(name)
            if found is not None:
                self.__dict__[name] = found
                return found
        error = absent.missing(own, name, self.__dict__)
        error.name, error.obj = name, self  # Python's traceback adds "Did you mean" by these
        raise error

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"`{self.__dict__['_name']}.{name}` cannot be changed in GraphLab")

    def __delattr__(self, name: str) -> None:
        self.__setattr__(name, None)

    def __dir__(self) -> list[str]:
        return sorted(name for name in self.__dict__ if not name.startswith("_"))

    def __repr__(self) -> str:
        return f"<module '{self.__dict__['_name']}'>"

    def _set(self, **names: Any) -> None:
        """Put names in place (for the guards only: a program cannot read underscore names)."""
        self.__dict__.update(names)


class _Switches(Library):
    """`torch.backends.cudnn`: programs set its switches, and nothing comes of it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            self.__dict__[name] = value


@cache
def library(name: str) -> Library:
    """The box for an allowed module (see names.py). One a process: a worker runs one program."""
    if name in TORCH_MODULES:
        return _torch(name)
    names = LIBRARY_NAMES[name]
    if name == "io":
        return Library(name, {"BytesIO": BytesIO})
    if name in MODULES:
        inner = {child.rpartition(".")[2]: library(child) for child in MODULES if child.startswith(f"{name}.")}
        return Library(name, MODULES[name] | inner)
    module = importlib.import_module("typing" if name == "typing_extensions" else name)
    wanted = [key for key in dir(module) if not key.startswith("_")] if names == "*" else names.split()
    found = {key: getattr(module, key) for key in wanted if hasattr(module, key)}
    found = {key: value for key, value in found.items() if not isinstance(value, types.ModuleType)}
    if name == "functools":
        found["wraps"] = _wraps
        found["total_ordering"] = _for_own_classes(functools.total_ordering)
    if name == "dataclasses":
        found["dataclass"] = _dataclass
    if name == "warnings":
        found["catch_warnings"] = _catch_warnings
    if name == "json":
        found["dumps"], found["loads"] = _json_dumps, _json_loads
    for child in LIBRARY_NAMES:
        if child.startswith(f"{name}.") and "." not in child[len(name) + 1 :]:
            found[child.rpartition(".")[2]] = library(child)
    return Library(name, found)


def _torch(name: str) -> Library:
    module = _engine_module(name) or _engine_module(INNER_MODULES.get(name, name))
    found = {} if module is None else _public(module)
    for child in sorted(TORCH_MODULES):
        if name == "torch.optim" and child in INNER_MODULES:
            continue  # PyTorch deletes these names: `torch.optim.adam` can be imported, but is no attribute
        if child.startswith(f"{name}.") and "." not in child[len(name) + 1 :]:
            found[child.rpartition(".")[2]] = library(child)
    if name == "torch.backends.cudnn":
        found.setdefault("benchmark", False)
        found.setdefault("deterministic", False)
        found.setdefault("enabled", False)
        return _Switches(name, found)
    if name == "torch.backends.mps":
        found["is_available"] = found["is_built"] = lambda: False
    if name == "torch.backends.cuda.matmul":
        return _Switches(name, {"allow_tf32": False})
    if name == "torch.cuda" and module is None:
        found["is_available"] = lambda: False
    made = Library(name, found, None if module is None else functools.partial(_find, module))
    amp.PLACES.append(made.__dict__)  # autocast swaps the functions through which programs call
    return made


def _engine_module(name: str) -> types.ModuleType | None:
    try:
        return importlib.import_module(_ENGINE + name[len("torch") :])
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith(_ENGINE):
            raise
        return None


def _find(module: types.ModuleType, name: str) -> Any:
    value = None if name in _ENGINE_INNER else getattr(module, name, None)
    return value if value is not None and _is_own(value) else None


def _public(module: types.ModuleType) -> dict[str, Any]:
    """The public names of an engine module that are its own: no modules, no tools that it imported for itself."""
    listed = getattr(module, "__all__", None)
    names = dir(module) if listed is None else listed
    found = {}
    for name in names:
        if (name.startswith("_") and name != "__version__") or name in _ENGINE_INNER:
            continue
        try:
            value = getattr(module, name)
        except AttributeError:
            continue
        if _is_own(value):
            found[name] = value
    return found


def _is_own(value: Any) -> bool:
    """Whether a value belongs to the engine, as far as can be told: no module, and not imported from elsewhere."""
    if isinstance(value, types.ModuleType):
        return False
    if not isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
        return True
    home = getattr(value, "__module__", None)
    if isinstance(home, str) and (home == "torch" or home.startswith((_ENGINE, "torch."))):
        return True
    # torch.Size may be a tuple, torch.bool a class of its own: classes of the language are plain data.
    return isinstance(value, type) and home == "builtins"


def _wraps(wrapped: Any) -> Any:
    """`functools.wraps` that copies the name and the docstring, and cannot be told to copy more."""

    def decorate(wrapper: Any) -> Any:
        for name in ("__name__", "__qualname__", "__doc__"):
            if isinstance(wrapper, types.FunctionType) and isinstance(getattr(wrapped, name, None), str):
                setattr(wrapper, name, getattr(wrapped, name))
        return wrapper

    return decorate


def _for_own_classes(decorator: Callable[[type], type]) -> Callable[[type], type]:
    """A class decorator that changes the program's own classes only."""

    def decorate(cls: type) -> type:
        if not isinstance(cls, type) or cls.__module__ != "__main__":
            raise TypeError("Only a class of the program itself can be decorated")
        return decorator(cls)

    return decorate


def _dataclass(cls: type | None = None, /, **options: Any) -> Any:
    """`dataclasses.dataclass`."""
    decorate = _for_own_classes(dataclasses.dataclass(**options))
    return decorate if cls is None else decorate(cls)


@contextlib.contextmanager
def _catch_warnings(*, record: bool = False, action: Any = None, category: type[Warning] = Warning) -> Any:
    """`warnings.catch_warnings`, which cannot be told to change another module."""
    with warnings.catch_warnings(record=record) as log:
        if action is not None:
            warnings.simplefilter(action, category)
        yield log


def _json_dumps(value: Any, *, indent: int | None = None, sort_keys: bool = False, ensure_ascii: bool = True) -> str:
    import json

    return json.dumps(value, indent=indent, sort_keys=sort_keys, ensure_ascii=ensure_ascii)


def _json_loads(text: str) -> Any:
    import json

    return json.loads(text)
