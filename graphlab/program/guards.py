"""What stands behind the guards of a running program: its built-ins, imports, and attributes to be asked for.

`namespace` makes the fresh globals of one run. A program reaches nothing here but through the guards themselves.
Their errors are English as Python's own are: what a program prints must not depend on the language of who reads it.
"""

import builtins
import functools
import string
import sys
import types
from _string import formatter_field_name_split, formatter_parser  # type: ignore[import-not-found]
from collections.abc import Callable, Iterable
from typing import Any, Self, TextIO

import numpy as np

from graphlab.engine import absent, amp
from graphlab.engine.nn import Module
from graphlab.program.library import Library, library
from graphlab.program.names import (
    BUILTIN_HINTS,
    FUTURE,
    GUARDED,
    INNER,
    INNER_WRITES,
    LIBRARY_NAMES,
    MODULE_NAMES,
    MODULE_TABLES,
    NAMED_TUPLE,
    READ_TABLES,
    READABLE,
    SAFE_BUILTINS,
    TORCH_MODULES,
)
from graphlab.program.substitutes import ModuleTable, argument_parser, attribute_getters, progress


class ProgramExit(SystemExit):
    """The program called exit(): it ends as if its last line had run."""


def _closed(name: str) -> AttributeError:
    return AttributeError(f"`.{name}` is closed in GraphLab: it leads into Python's inner workings")


_MRO = type.__dict__["__mro__"].__get__  # the real ones: no class can lie about them
_DICT = type.__dict__["__dict__"].__get__
_ARRAYS = (np.ndarray, np.generic)
_BUILTIN_EXCEPTIONS = {
    name: value
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and "Group" not in name
}


def _is_or_inherits(target: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(target, kinds) or (isinstance(target, type) and issubclass(target, kinds))


class _SafeFormatter(string.Formatter):
    """`str.format` whose field names go through the guarded `getattr`."""

    def __init__(self, read: Callable[..., Any]) -> None:
        self._read = read

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, Any]:
        first, rest = formatter_field_name_split(field_name)
        target = self.get_value(first, args, kwargs)
        for is_attribute, key in rest:
            target = self._read(target, key) if is_attribute else target[key]
        return target, first


@functools.lru_cache(1024)
def _reads_attributes(text: str) -> bool:
    """Whether a format string looks into its arguments ("{0.name}", "{0[key]}"), nested specifications included."""
    for _literal, field, spec, _conversion in formatter_parser(text):
        if field is not None and ("." in field or "[" in field):
            return True
        if spec and "{" in spec and _reads_attributes(spec):
            return True
    return False


class _FormatProxy:
    """Stands for a str (or the class str) where its `format` or `format_map` is read."""

    __slots__ = ("format", "format_map")

    def __init__(self, text: "str | type[str]", read: Callable[..., Any]) -> None:
        formatter = _SafeFormatter(read)

        def format_text(text: str, /, *args: Any, **kwargs: Any) -> str:
            if type(text) is not str:
                text = str.__str__(text)
            if not _reads_attributes(text):
                return str.format(text, *args, **kwargs)
            return formatter.vformat(text, args, kwargs)

        def format_map(text: str, mapping: Any, /) -> str:
            if type(text) is not str:
                text = str.__str__(text)
            if not _reads_attributes(text):
                return str.format_map(text, mapping)
            return formatter.vformat(text, (), mapping)

        self.format: Callable[..., str] = format_text
        self.format_map: Callable[..., str] = format_map
        if not isinstance(text, type):
            self.format = functools.partial(format_text, text)
            self.format_map = functools.partial(format_map, text)


class _TableProxy:
    """Stands for a module where a table of it is read."""

    def __init__(self, name: str, table: ModuleTable) -> None:
        self.__dict__[name] = table


class _TypeMeta(type):
    """Makes `type(x)` and `isinstance(x, type)` work, and nothing else of `type`."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) != 1 or kwargs:
            raise TypeError("type() takes one argument in GraphLab. Write a class statement to make a class")
        kind = type(args[0])
        return cls if issubclass(kind, type) else kind

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, type)

    def __repr__(cls) -> str:
        return "<class 'type'>"


class _Type(metaclass=_TypeMeta):
    """What a program sees as `type`."""


class Guards:
    """The guards of one run. `classes` are the classes that the program defined."""

    def __init__(self, stdout: TextIO) -> None:
        self.classes: set[type] = set()
        self._owned: set[tuple[type, str]] = set()
        self._stdout = stdout

    # Attributes -----------------------------------------------------------------------------------------------

    def own(self, target: Any, name: str) -> Any:
        """`target`, if its attribute `name` (one leading underscore) belongs to the program."""
        kind = type(target)
        if kind is super:
            kind = target.__self_class__
        elif isinstance(target, type):
            kind = target
        if (kind, name) in self._owned:
            return target
        known = self.classes
        if kind not in known or name in MODULE_TABLES:
            raise _closed(name)
        for base in _MRO(kind):
            if base not in known and name in _DICT(base):
                raise _closed(name)
        self._owned.add((kind, name))  # what foreign classes hold never changes
        return target

    def table(self, target: Any, name: str) -> Any:
        """What stands for `target` where one of the tables of a module is read."""
        if isinstance(target, Module) and isinstance(target.__dict__.get(name), dict):
            return _TableProxy(name, ModuleTable(target, name))
        return self.own(target, name)

    def guarded(self, target: Any, name: str) -> Any:
        """`target` or a safe stand-in, for the names in `GUARDED`."""
        if type(target) is super:
            raise _closed(name)
        if name == "format" or name == "format_map":
            if _is_or_inherits(target, (str,)):
                return _FormatProxy(target, self.read)
            if _is_or_inherits(target, (string.Formatter,)):
                raise _closed(name)
        elif name in MODULE_NAMES:
            if isinstance(getattr(target, name, None), types.ModuleType):
                raise _closed(name)
        elif name == "obj":
            if _is_or_inherits(target, (BaseException,)):
                raise _closed(name)
        elif name == "bit_generator":
            if not isinstance(target, type) and type(target) not in self.classes:
                raise _closed(name)
        elif _is_or_inherits(target, _ARRAYS):
            raise _closed(name)
        return target

    def write(self, target: Any, name: str) -> Any:
        """`target`, if a program may set or delete its attribute `name`."""
        if isinstance(target, type):
            if target not in self.classes:
                raise AttributeError(
                    f"`{target.__name__}.{name}` cannot be changed in GraphLab: the class is not the program's own"
                )
        elif isinstance(target, _ARRAYS) and name in INNER_WRITES:
            raise _closed(name)
        return target

    def read(self, target: Any, name: str, *default: Any) -> Any:
        """The built-in `getattr`, as far as a program may use it."""
        if type(name) is not str:
            raise TypeError("attribute name must be string")
        try:
            checked = self._check_read(target, name)
        except AttributeError:
            if default:
                return default[0]
            raise
        if checked is _CLASS:
            return self.kind(target)
        return getattr(checked, name, *default)

    def _check_read(self, target: Any, name: str) -> Any:
        if name in INNER:
            raise _closed(name)
        if name.startswith("__"):
            if name == "__class__":
                return _CLASS
            if name not in READABLE:
                raise _closed(name)
        elif name.startswith("_"):
            if name in READ_TABLES:
                return self.table(target, name)
            return target if name in NAMED_TUPLE else self.own(target, name)
        elif name in GUARDED:
            return self.guarded(target, name)
        return target

    def has(self, target: Any, name: str) -> bool:
        """The built-in `hasattr`."""
        try:
            self.read(target, name)
        except AttributeError:
            return False
        return True

    def set(self, target: Any, name: str, value: Any) -> None:
        """The built-in `setattr`."""
        setattr(self._check_write(target, name), name, value)

    def delete(self, target: Any, name: str) -> None:
        """The built-in `delattr`."""
        delattr(self._check_write(target, name), name)

    def _check_write(self, target: Any, name: str) -> Any:
        if type(name) is not str:
            raise TypeError("attribute name must be string")
        if name in INNER or name.startswith("__"):
            raise _closed(name)
        if name.startswith("_"):
            target = self.own(target, name)
        return self.write(target, name)

    def kind(self, target: Any) -> Any:
        """`target.__class__`."""
        return _TypeMeta.__call__(_Type, target)

    def names(self, target: Any) -> list[str]:
        """The built-in `dir`, without the names that cannot be read."""
        return [name for name in dir(target) if not name.startswith("_") and name not in INNER]

    # Classes --------------------------------------------------------------------------------------------------

    def build_class(self, body: Any, name: str, *bases: Any, **keywords: Any) -> Any:
        """What a class statement calls."""
        if "metaclass" in keywords:
            raise TypeError("A class cannot choose its metaclass in GraphLab")
        foreign = [base for base in bases if isinstance(base, type) and base not in self.classes]
        for base in foreign:
            if issubclass(base, (type, Library)):
                raise TypeError(f"A class cannot derive from {base.__name__} in GraphLab")
        if len(bases) > 1 and any(issubclass(base, dict) for base in bases if isinstance(base, type)):
            # A module that is also a dict could pass for a description of raw memory.
            raise TypeError("A class that derives from dict cannot have another base in GraphLab")
        made = builtins.__build_class__(body, name, *bases, **keywords)
        if isinstance(made, type):
            self.classes.add(made)
        return made

    # Built-ins ------------------------------------------------------------------------------------------------

    def print(
        self, *values: Any, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
    ) -> None:
        """The built-in `print`, into the run's own stream."""
        target = self._stdout if file is None or not isinstance(file, _Stream) else file
        builtins.print(*values, sep=sep, end=end, file=target)

    def import_module(
        self, name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0
    ) -> Any:
        """What an import statement calls. Modules come from `library` only."""
        if type(fromlist) is list:
            # No import statement passes a list: this is PyImport_Import, called by C code that a program's line runs
            # (NumPy loads parts of itself late). It takes the module from sys.modules and drops what is returned.
            builtins.__import__(name, None, None, [], 0)
            return None
        if name == FUTURE:
            return builtins.__import__(FUTURE, None, None, tuple(fromlist or ()), 0)
        if level or (name not in TORCH_MODULES and name not in LIBRARY_NAMES):
            raise ModuleNotFoundError(f"`import {name}` is not available in GraphLab", name=name)
        module = library(name)
        if not fromlist:
            return library(name.partition(".")[0])
        for wanted in fromlist:
            if wanted != "*" and not hasattr(module, wanted):
                raise _not_importable(name, wanted, module)
        return module


def _not_importable(name: str, wanted: str, module: Library) -> ImportError:
    missing: Any = absent.missing(name, wanted, module.__dict__)
    error: Any = ImportError(
        str(missing) if "absent" in missing.facts else f"cannot import name {wanted!r} from {name!r}", name=name
    )
    error.kind, error.facts = missing.kind, missing.facts
    return error  # type: ignore[no-any-return]


_CLASS = object()


class _Stream:
    """`sys.stdout` of a program: it can be written to, and nothing else."""

    __slots__ = ("_write",)

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write

    def write(self, text: str) -> int:
        """Print `text` without a line end."""
        self._write(str(text))
        return len(text)

    def flush(self) -> None:
        """Nothing to do: prints are shown as they come."""


class _Turns:
    """The items of an iterable. A turn of the loop begins when its item is asked for."""

    __slots__ = ("_emptied", "_loop", "_next", "_started")

    def __init__(
        self, started: Callable[[int], Any], emptied: Callable[[int], Any], loop: int, iterable: Iterable[Any]
    ) -> None:
        self._started = started
        self._emptied = emptied
        self._loop = loop
        self._next = iter(iterable).__next__

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        self._started(self._loop)
        try:
            return self._next()
        except StopIteration:
            self._emptied(self._loop)
            raise


def _end_program(code: object = None) -> None:
    raise ProgramExit(code)


def _refused_builtin(name: str, why: str) -> Callable[..., Any]:
    def refused(*_args: Any, **_kwargs: Any) -> Any:
        raise NameError(f"`{name}` is not available in GraphLab: {why}.", name=name)

    return refused


def _public_only(method: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Guards a program's own `__getattr__`: Python and NumPy ask it for special names too."""

    @functools.wraps(method)
    def guarded(self: Any, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return method(self, name)

    return guarded


def _ignore(_loop: int) -> None:
    """A loop that nobody watches."""


def namespace(
    stdout: TextIO,
    stderr: TextIO | None = None,
    loop_started: Callable[[int], Any] | None = None,
    loop_ended: Callable[[int], Any] | None = None,
    loop_emptied: Callable[[int], Any] | None = None,
) -> dict[str, Any]:
    """Fresh globals for one run; its prints go to `stdout`. The loop functions are called with a `Loop.id`: as each
    turn begins, when the loop is over, and, before that, when the turn that had begun got no item.

    The dict belongs to a module object put into `sys.modules["__main__"]` by the caller, if it wants one.
    """
    guards = Guards(stdout)
    table: dict[str, Any] = {name: getattr(builtins, name) for name in SAFE_BUILTINS if hasattr(builtins, name)}
    table.update(_BUILTIN_EXCEPTIONS)
    table.update({name: _refused_builtin(name, why) for name, why in BUILTIN_HINTS.items()})
    table.update(
        {
            "True": True,
            "False": False,
            "None": None,
            "__build_class__": guards.build_class,
            "__import__": guards.import_module,
            "__debug__": True,
            "print": guards.print,
            "getattr": guards.read,
            "hasattr": guards.has,
            "setattr": guards.set,
            "delattr": guards.delete,
            "dir": guards.names,
            "type": _Type,
            "exit": _end_program,
            "quit": _end_program,
            "_own_": guards.own,
            "_table_": guards.table,
            "_guarded_": guards.guarded,
            "_write_": guards.write,
            "_type_": guards.kind,
            "_public_only_": _public_only,
            "_loop_started_": loop_started or _ignore,
            "_turns_": functools.partial(_Turns, loop_started or _ignore, loop_emptied or _ignore),
            "_loop_ended_": loop_ended or _ignore,
        }
    )
    errors = stdout if stderr is None else stderr
    library("sys")._set(
        stdout=_Stream(stdout.write), stderr=_Stream(errors.write), exit=_end_program, argv=["program.py"]
    )
    library("operator")._set(**attribute_getters(guards.read))
    library("argparse")._set(ArgumentParser=argument_parser(guards.print, _end_program))
    for name in ("tqdm", "tqdm.auto", "tqdm.notebook"):
        library(name)._set(**progress(guards.print))
    return {"__name__": "__main__", "__builtins__": table, "__doc__": None}


def main_module(names: dict[str, Any]) -> types.ModuleType:
    """Put a module `__main__` in place whose globals are a copy of `names`; dataclasses look there."""
    module = types.ModuleType("__main__")
    module.__dict__.clear()
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    amp.program[:] = [module.__dict__]
    return module
