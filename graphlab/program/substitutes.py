"""Library modules that programs of courses import, rebuilt so that nothing leads out of the program.

`enum`, `argparse` and `inspect` of Python open classes, files and frames; `tqdm` is only a progress bar, which the
window has already.
"""

import argparse
import enum
import inspect
import types
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from graphlab.engine.nn import Module
from graphlab.engine.tensor import Tensor

# enum ---------------------------------------------------------------------------------------------------------


class _EnumKind(enum.EnumType):
    """Makes an enumeration by a class statement only: the other way picks its bases past the guards."""

    def __call__(cls, value: Any, *more: Any, **options: Any) -> Any:
        if more or options or not cls._member_map_:
            raise TypeError("An enumeration is made by a class statement in GraphLab")
        return super().__call__(value)


class Enum(enum.Enum, metaclass=_EnumKind):
    """`enum.Enum`."""


class IntEnum(enum.IntEnum, metaclass=_EnumKind):
    """`enum.IntEnum`."""


class StrEnum(enum.StrEnum, metaclass=_EnumKind):
    """`enum.StrEnum`."""


class Flag(enum.Flag, metaclass=_EnumKind):
    """`enum.Flag`."""


class IntFlag(enum.IntFlag, metaclass=_EnumKind):
    """`enum.IntFlag`."""


# inspect ------------------------------------------------------------------------------------------------------


class Parameter:
    """One parameter of a function. Its default is shown as far as it is a plain value."""

    empty = type("empty", (), {})

    def __init__(self, name: str, kind: Any, default: Any) -> None:
        self.name = name
        self.kind = kind
        self.default = default

    def __repr__(self) -> str:
        return f'<Parameter "{self.name}">'


class Signature:
    """The parameters of a function: `signature(f).parameters` by name."""

    def __init__(self, parameters: dict[str, Parameter]) -> None:
        self.parameters = parameters


_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def _shown(value: Any) -> Any:
    if value is inspect.Parameter.empty:
        return Parameter.empty
    is_plain = type(value) in _PLAIN or (type(value) is tuple and all(type(each) in _PLAIN for each in value))
    return value if is_plain else ...


def signature(function: Any) -> Signature:
    """`inspect.signature`, without the annotations and the objects that defaults may hold."""
    found = inspect.signature(function, follow_wrapped=False).parameters
    return Signature({name: Parameter(name, each.kind.name, _shown(each.default)) for name, each in found.items()})


# argparse -----------------------------------------------------------------------------------------------------


class ArgumentParser(argparse.ArgumentParser):
    """`argparse.ArgumentParser` of a program that was started without arguments."""

    _print: Callable[..., Any] = staticmethod(print)
    _leave: Callable[..., Any] = staticmethod(exit)

    def __init__(self, prog: str | None = None, usage: str | None = None, description: str | None = None, **kw: Any):
        options = {name: kw[name] for name in ("epilog", "add_help", "argument_default", "allow_abbrev") if name in kw}
        super().__init__(prog=prog or "program.py", usage=usage, description=description, **options)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What the arguments say: the defaults, where none are given."""
        return super().parse_known_args([] if args is None else [str(each) for each in args], namespace)

    def _read_args_from_files(self, arg_strings: list[str]) -> list[str]:
        return arg_strings  # "@file" opens no file

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            self._print(message, end="")

    def exit(self, status: int = 0, message: str | None = None) -> Any:
        """End the program."""
        self._print_message(message or "")
        self._leave(status)


def argument_parser(show: Callable[..., Any], leave: Callable[..., Any]) -> type[ArgumentParser]:
    """The class for one run, with its `print` and its `exit`."""
    return type("ArgumentParser", (ArgumentParser,), {"_print": staticmethod(show), "_leave": staticmethod(leave)})


# operator -----------------------------------------------------------------------------------------------------


def attribute_getters(read: Callable[..., Any]) -> dict[str, Any]:
    """`operator.attrgetter` and `operator.methodcaller` that ask the guards."""

    def find(target: Any, path: str) -> Any:
        for name in path.split("."):
            target = read(target, name)
        return target

    def attrgetter(attr: str, /, *attrs: str) -> Callable[[Any], Any]:
        for each in (attr, *attrs):
            if type(each) is not str:
                raise TypeError("attribute name must be a string")
        if attrs:
            return lambda target: tuple(find(target, each) for each in (attr, *attrs))
        return lambda target: find(target, attr)

    def methodcaller(name: str, /, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        return lambda target: read(target, name)(*args, **kwargs)

    return {"attrgetter": attrgetter, "methodcaller": methodcaller}


# tqdm ---------------------------------------------------------------------------------------------------------


class tqdm:  # noqa: N801 - the name that programs use
    """A progress bar that is not drawn: it hands on the items, and answers what programs ask of one."""

    _print: Callable[..., Any] = staticmethod(print)

    def __init__(self, iterable: Iterable[Any] | None = None, desc: str | None = None, total: Any = None, **_: Any):
        self.iterable = iterable
        self.desc = desc or ""
        self.n: Any = 0
        self.total = len(iterable) if total is None and hasattr(iterable, "__len__") else total  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[Any]:
        if self.iterable is None:
            raise TypeError("'NoneType' object is not iterable")
        for each in self.iterable:
            yield each
            self.n += 1

    def __len__(self) -> int:
        return int(self.total)

    def __enter__(self) -> "tqdm":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def update(self, n: Any = 1) -> None:
        """Count `n` items more."""
        self.n += n

    def set_description(self, desc: str | None = None, refresh: bool = True) -> None:
        """Say what goes on."""
        self.desc = desc or ""

    set_description_str = set_description

    def set_postfix(self, ordered_dict: Any = None, refresh: bool = True, **kwargs: Any) -> None:
        """Show figures behind the bar."""

    def set_postfix_str(self, s: str = "", refresh: bool = True) -> None:
        """Show a text behind the bar."""

    def refresh(self) -> None:
        """Draw the bar again."""

    def reset(self, total: Any = None) -> None:
        """Begin at 0."""
        self.n = 0
        self.total = self.total if total is None else total

    def close(self) -> None:
        """Take the bar away."""

    @classmethod
    def write(cls, s: str, end: str = "\n") -> None:
        """Print a line."""
        cls._print(s, end=end)


def progress(show: Callable[..., Any]) -> dict[str, Any]:
    """The names of the module `tqdm` for one run."""
    bar = type("tqdm", (tqdm,), {"_print": staticmethod(show)})
    return {"tqdm": bar, "trange": lambda *args, **kwargs: bar(range(*args), **kwargs)}


# Tables of a module -------------------------------------------------------------------------------------------


class ModuleTable(dict[str, Any]):
    """A copy of a module's `_modules`, `_parameters` or `_buffers`; what is set in it goes the way of `setattr`."""

    def __init__(self, owner: Module, table: str) -> None:
        super().__init__(owner.__dict__[table])
        self._owner = owner
        self._table = table

    def __setitem__(self, name: str, value: Any) -> None:
        if type(name) is not str or name not in self:
            raise KeyError(f"{name!r} is not among {self._table}; set it as an attribute of the module")
        if value is not None and not isinstance(value, _KINDS[self._table]):
            raise TypeError(f"{type(value).__name__} does not belong into {self._table}")
        setattr(self._owner, name, value)
        super().__setitem__(name, value)

    def __delitem__(self, name: str) -> None:
        super().__delitem__(name)
        delattr(self._owner, name)

    def pop(self, name: str, *default: Any) -> Any:
        """Take an entry out of the module."""
        found = super().pop(name, *default)
        if name in self._owner.__dict__[self._table]:
            delattr(self._owner, name)
        return found

    def _closed(self, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError(f"{self._table} is changed one name at a time in GraphLab")

    update = setdefault = clear = popitem = __ior__ = _closed


_KINDS: dict[str, type] = {"_modules": Module, "_parameters": Tensor, "_buffers": Tensor}

MODULES: dict[str, dict[str, Any]] = {
    "enum": {
        "Enum": Enum, "IntEnum": IntEnum, "StrEnum": StrEnum, "Flag": Flag, "IntFlag": IntFlag, "auto": enum.auto,
        "unique": enum.unique,
    },
    "inspect": {
        "signature": signature, "Parameter": Parameter, "Signature": Signature,
        "isclass": lambda value: isinstance(value, type),
        "isfunction": lambda value: isinstance(value, types.FunctionType),
    },
    "argparse": {"ArgumentParser": ArgumentParser, "Namespace": argparse.Namespace},
    "types": {"SimpleNamespace": types.SimpleNamespace},
    "tqdm": {}, "tqdm.auto": {}, "tqdm.notebook": {},
}  # fmt: skip
"""The modules that stand here, with their names; those of `argparse` and `tqdm` print, and are made for each run."""
