"""Why PyTorch refuses the arguments of a call, in its words: its argument parser, asked only after a call has failed.

The forms come from `signatures.txt` beside this file. A call that works never gets here.
"""

from __future__ import annotations

import functools
import inspect
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np

from graphlab.engine import dtypes
from graphlab.engine.device import device
from graphlab.engine.errors import type_name
from graphlab.engine.generator import Generator
from graphlab.engine.tensor import Tensor

_OPTIONS = (
    "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, "
    "bool? requires_grad=False"
)
_TITLES = {
    "Tensor": "Tensor",
    "Scalar": "Number",
    "int64_t": "int",
    "SymInt": "int",
    "double": "float",
    "complex": "complex",
    "TensorList": "tuple of Tensors",
    "c10::List<::std::optional<Tensor>>": "tuple of Tensors",
    "IntArrayRef": "tuple of ints",
    "SymIntArrayRef": "tuple of ints",
    "ArrayRef<double>": "tuple of floats",
    "ArrayRef<Scalar>": "tuple of Scalars",
    "ScalarList": "tuple of Scalars",
    "Generator": "torch.Generator",
    "bool": "bool",
    "Storage": "torch.Storage",
    "PyObject*": "object",
    "ScalarType": "torch.dtype",
    "Layout": "torch.layout",
    "MemoryFormat": "torch.memory_format",
    "Device": "torch.device",
    "std::string": "str",
    "c10::string_view": "str",
    "::std::string_view": "str",
    "Dimname": "name",
    "DimnameList": "tuple of names",
}
"""What messages call the types of arguments."""
_LISTS = ("IntArrayRef", "SymIntArrayRef", "ArrayRef<double>", "ArrayRef<Scalar>", "ScalarList")
_OTHER_NAMES = {"dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",)}
"""NumPy's names, which PyTorch takes too."""
_NUMBERS_TOO = {
    "add", "add_", "sub", "sub_", "subtract", "subtract_", "mul", "mul_", "multiply", "multiply_", "div", "div_",
    "divide", "divide_", "true_divide", "true_divide_", "floor_divide", "floor_divide_", "copy_",
}  # fmt: skip
"""Functions that take a number where their forms say Tensor (but for the first)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of one form."""

    name: str
    kind: str
    size: int  # how long a list must be made of one number; 0 where a number won't do
    default: str | None
    allows_none: bool
    only_by_name: bool
    allows_number: bool

    @property
    def title(self) -> str:
        """Its type as messages have it."""
        return _TITLES.get(self.kind, self.kind)

    def __str__(self) -> str:
        if self.default is None:
            return f"{self.title} {self.name}"
        default = self.default
        if default.startswith('"'):
            default = f'"{default[1:-1]}"'
        return f"{self.title} {self.name} = {default}"


class _WrongElementError(TypeError):
    """A list of tensors with something else in it: refused at once, whatever the other forms are."""


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))


def _is_scalar_tensor(value: Any, kinds: str) -> bool:
    return isinstance(value, Tensor) and not value._array.ndim and not value._rg and value._array.dtype.kind in kinds


def _is_index(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value._array.size == 1 and value._array.dtype.kind in "iu"
    return _is_int(value) or (hasattr(value, "__index__") and not isinstance(value, (bool, np.bool_)))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex, np.number, np.bool_))


def fits(p: Parameter, value: Any, number: int) -> tuple[bool, int]:
    """Whether a value may be given for a parameter, and the place in a list that is wrong (or -1)."""
    kind = p.kind
    if kind == "Tensor":
        return isinstance(value, Tensor) or (p.allows_number and _is_number(value)), -1
    if kind == "Scalar":
        return _is_number(value) or _is_scalar_tensor(value, "fiubcV"), -1
    if kind == "double":
        return (isinstance(value, (int, float, np.number)) and not isinstance(value, np.complexfloating)) or (
            _is_scalar_tensor(value, "fiubV")
        ), -1
    if kind in ("int64_t", "SymInt"):
        return _is_int(value) or _is_scalar_tensor(value, "iu"), -1
    if kind == "bool":
        return isinstance(value, bool), -1
    if kind in ("TensorList", "c10::List<::std::optional<Tensor>>"):
        if not isinstance(value, (tuple, list)):
            return False, -1
        for i, each in enumerate(value):
            if not isinstance(each, Tensor) and not (each is None and kind != "TensorList"):
                raise _WrongElementError(
                    f"expected Tensor as element {i} in argument {number}, but got {type_name(each)}"
                )
        return True, -1
    if kind in _LISTS:
        return _fits_list(kind, value, p.size)
    if kind == "ScalarType":
        return isinstance(value, dtypes.dtype) or value in (float, int, bool, complex), -1
    if kind == "Device":
        return isinstance(value, (device, str)) or _is_int(value), -1
    if kind == "Generator":
        return isinstance(value, Generator), -1
    if kind in ("std::string", "c10::string_view", "::std::string_view"):
        return isinstance(value, str), -1
    if kind == "Layout":
        return str(value) in ("torch.strided", "torch.sparse_coo") and type(value).__name__ != "list", -1
    if kind == "MemoryFormat":
        return str(value).endswith(("_format", "channels_last", "channels_last_3d")), -1
    if kind == "Dimname":
        return isinstance(value, str), -1
    if kind == "DimnameList":
        return isinstance(value, (tuple, list)) and all(each is None or isinstance(each, str) for each in value), -1
    return kind == "PyObject*", -1


def _fits_list(kind: str, value: Any, size: int) -> tuple[bool, int]:
    if isinstance(value, (tuple, list)):
        if not value:
            return True, -1
        first = value[0]
        if kind == "ArrayRef<double>":
            good = isinstance(first, (int, float, np.number))
        elif kind in ("ArrayRef<Scalar>", "ScalarList"):
            good = all(_is_number(each) for each in value)
        else:
            good = _is_index(first)
        return good, -1 if good else 0
    if kind == "ArrayRef<double>":
        return size > 0 and isinstance(value, (int, float)), -1
    return size > 0 and (_is_int(value) or _is_scalar_tensor(value, "iu")), -1


class Form:
    """One way in which a native function takes its arguments."""

    def __init__(self, text: str) -> None:
        text = text.replace("@", _OPTIONS)
        text, _, note = text.partition("|")
        self.is_hidden = note == "deprecated"
        self.name, _, inside = text.rstrip(")").partition("(")
        self.parameters: list[Parameter] = []
        only_by_name = False
        for part in inside.split(", ") if inside else []:
            if part == "*":
                only_by_name = True
            else:
                self.parameters.append(self._parameter(part, only_by_name))
        self.n_places = sum(not p.only_by_name for p in self.parameters)
        self.n_least = sum(p.default is None for p in self.parameters)
        self.n_most = len(self.parameters)

    def _parameter(self, part: str, only_by_name: bool) -> Parameter:
        kind, _, rest = part.rpartition(" ")
        allows_none = "?" in kind
        kind = kind.replace("?", "")
        found = re.search(r"\[(\d*)\]$", kind)
        size = int(found[1] or 0) if found else 0
        kind = kind[: found.start()] if found else kind
        name, _, default = rest.partition("=")
        return Parameter(
            name,
            kind,
            size,
            default or None,
            allows_none or default == "None",
            only_by_name,
            kind == "Tensor" and self.name in _NUMBERS_TOO and name != "input",
        )

    def __str__(self) -> str:
        parts = []
        starred = False
        for p in self.parameters:
            if p.only_by_name and not starred:
                parts.append("*")
                starred = True
            parts.append(str(p))
        return f"({', '.join(parts)})"

    def refusal(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str | None:
        """Why a call does not fit this form; None where it does."""
        n = len(args)
        first = self.parameters[0] if self.parameters else None
        spread = self.n_places == 1 and first is not None and first.kind in ("IntArrayRef", "SymIntArrayRef")
        if n > self.n_places and not spread:
            return self._too_many(n)
        place, used = 0, 0
        for number, p in enumerate(self.parameters):
            given = True
            value: Any = None
            by_name = False
            if place < n:
                if p.only_by_name:
                    return self._too_many(n)
                value = args[place]
            else:
                by_name = True
                name = next((k for k in (p.name, *_OTHER_NAMES.get(p.name, ())) if k in kwargs), None)
                given = name is not None
                value = kwargs[name] if name is not None else None
            if (not given and p.default is not None) or (given and value is None and p.allows_none):
                pass
            elif not given:
                return self._missing(number)
            else:
                good, wrong = fits(p, value, number)
                if not good and spread and not place and not by_name:
                    if _fits_list(p.kind, args, 0)[0]:
                        place = n
                        continue
                    if n > 1:
                        return self._too_many(n)
                if not good:
                    return self._wrong(p, value, place, by_name, wrong)
            if not by_name:
                place += 1
            elif given:
                used += 1
        if place < n:
            return self._too_many(n)
        if used < len(kwargs):
            return self._unknown(kwargs, n)
        return None

    def _too_many(self, n: int) -> str:
        if self.n_least != self.n_places:
            return f"{self.name}() takes from {self.n_least} to {self.n_places} positional arguments but {n} were given"
        return (
            f"{self.name}() takes {self.n_places} positional argument{'' if self.n_places == 1 else 's'} but {n} "
            f"{'was' if n == 1 else 'were'} given"
        )

    def _missing(self, number: int) -> str:
        names = [f'"{p.name}"' for p in self.parameters[number:] if p.default is None]
        return f"{self.name}() missing {len(names)} required positional argument{'s' if len(names) == 1 else ''}: " + (
            ", ".join(names)
        )

    def _wrong(self, p: Parameter, value: Any, place: int, by_name: bool, wrong: int) -> str:
        head = f"{self.name}(): argument '{p.name}'"
        if by_name:
            return f"{head} must be {p.title}, not {type_name(value)}"
        if wrong >= 0:
            return (
                f"{head} (position {place + 1}) must be {p.title}, but found element of type "
                f"{type_name(value[wrong])} at pos {wrong}"
            )
        return f"{head} (position {place + 1}) must be {p.title}, not {type_name(value)}"

    def _unknown(self, kwargs: dict[str, Any], n: int) -> str:
        names = [p.name for p in self.parameters]
        for key in kwargs:
            if key not in names:
                return f"{self.name}() got an unexpected keyword argument '{key}'"
            if names.index(key) < n:
                return f"{self.name}() got multiple values for argument '{key}'"
        return "invalid keyword arguments"

    def first_misfit(self, given: dict[str, Any]) -> TypeError | None:
        """The error for the first of the arguments handed on by name that does not fit; others count as good."""
        for number, p in enumerate(self.parameters):
            # What they call reduction is a number further down.
            if p.name in given and p.name != "reduction" and not (given[p.name] is None and p.allows_none):
                try:
                    good, wrong = fits(p, given[p.name], number)
                except _WrongElementError as error:
                    return TypeError(str(error))
                if not good:
                    return TypeError(self._wrong(p, given[p.name], number, p.only_by_name, wrong))
        return None

    def bad_lists(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> BaseException | None:
        """The error for a list of numbers with something else after a good first entry, found when it is unpacked."""
        values = [*zip(self.parameters, args)]
        if self.n_places == 1 and self.parameters and args and not isinstance(args[0], (tuple, list)):
            values = [(self.parameters[0], args)]
        values += [(p, kwargs[p.name]) for p in self.parameters if p.name in kwargs]
        for p, value in values:
            if p.kind in ("IntArrayRef", "SymIntArrayRef", "ArrayRef<double>") and isinstance(value, (tuple, list)):
                for i, each in enumerate(value):
                    good = isinstance(each, (int, float)) if p.kind == "ArrayRef<double>" else _is_index(each)
                    if not good:
                        word = "must be tuple of ints" if p.kind != "ArrayRef<double>" else "must be tuple of floats"
                        return TypeError(
                            f"{self.name}(): argument '{p.name}' failed to unpack the object at pos {i + 1} with error "
                            f'"type {word},but got {type_name(each)}"'
                        )
        return None


def _described(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    text = "".join(f"{type_name(a)}, " for a in args) + "".join(f"{k}={type_name(v)}, " for k, v in kwargs.items())
    return f"({text.removesuffix(', ') if args else text})"


def _parts(form: Form) -> list[tuple[str, str]]:
    """A form as its listing is read again: everything up to the last space counts as the type."""
    return [part.rpartition(" ")[::2] for part in str(form)[1:-1].split(", ")]


def _unmatched(form: Form, kwargs: dict[str, Any]) -> str:
    parts = _parts(form)
    names = [name for _, name in parts[max(len(parts) - len(kwargs), 0) :]]
    return ", ".join(k for k in kwargs if k not in names)


def _marked(form: Form, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What was given, with a mark around what does not have the type that the form says."""
    parts = _parts(form)
    given: list[tuple[str, Any]] = [("", a) for a in args]
    given += [(name, kwargs[name]) for _, name in parts[len(args) :] if name in kwargs]
    shown = []
    for (title, _), (name, value) in zip(parts, given):
        kind = type_name(value)
        good = title == kind or (title == "float" and kind == "int")
        if isinstance(value, (tuple, list)):
            inner = ", ".join(type_name(each) for each in value)
            if isinstance(value, tuple):
                inner = f"({inner}{',' if len(value) == 1 else ''})"
            else:
                inner = f"[{inner}]"
            kind = f"{kind} of {inner}"
        mark = "" if good else "!"
        shown.append(mark + (f"{name}=" if name else "") + kind + mark)
    return f"({', '.join(shown)}{'' if args else ', '})"


def _listing(form: Form, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """One form in a list of them, with a word on what does not fit where the count does."""
    text = f" * {form}\n"
    if len(args) + len(kwargs) != len(_parts(form)):
        return text
    keys = _unmatched(form, kwargs)
    if keys:
        return f"{text}      didn't match because some of the keywords were incorrect: {keys}\n"
    shown = _marked(form, args, kwargs)
    return f"{text}      didn't match because some of the arguments have invalid types: {shown}\n"


def _only(form: Form, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """What was given, where one form is not deprecated."""
    keys = _unmatched(form, kwargs)
    if keys:
        return f"got unrecognized keyword arguments: {keys}"
    got = _marked if len(args) + len(kwargs) == len(_parts(form)) else lambda _, a, k: _described(a, k)
    return f"got {got(form, args, kwargs)}, but expected {form}"


def _refused(forms: list[Form], args: tuple[Any, ...], kwargs: dict[str, Any], is_method: bool) -> TypeError | None:
    """The error of PyTorch's parser for a call of a native function, or None for a good call."""
    name = forms[0].name
    if is_method and len(forms) == 1 and not forms[0].parameters:
        if kwargs:
            return TypeError(f"TensorBase.{name}() takes no keyword arguments")
        if args:
            return TypeError(f"TensorBase.{name}() takes no arguments ({len(args)} given)")
        return None
    try:
        found = None
        for form in forms:
            why = form.refusal(args, kwargs)
            if why is None:
                return form.bad_lists(args, kwargs)  # type: ignore[return-value]
            found = found or why
        if len(forms) == 1:
            return TypeError(found)
        n = len(args) + len(kwargs)
        plausible = [f for f in forms if not f.is_hidden and f.n_least <= n <= f.n_most]
        if len(plausible) == 1:
            return TypeError(plausible[0].refusal(args, kwargs))
    except _WrongElementError as error:
        return TypeError(str(error))
    shown = [f for f in forms if not f.is_hidden]
    head = f"{name}() received an invalid combination of arguments - "
    if len(shown) == 1:
        return TypeError(head + _only(shown[0], args, kwargs))
    listing = "".join(_listing(f, args, kwargs) for f in shown)
    return TypeError(f"{head}got {_described(args, kwargs)}, but expected one of:\n{listing}")


@functools.cache
def _like(text: str) -> Any:
    """A function that does nothing, with the parameters of one written in Python: "py relu(input, inplace=False)"."""
    name, _, inside = text.removeprefix("py ").removesuffix(")").partition("(")
    namespace: dict[str, Any] = {}
    exec(f"def called({inside}): pass", {"torch": _Anything(), "inf": np.inf, "nan": np.nan}, namespace)
    called = namespace["called"]
    called.__qualname__ = name
    return called


def _python_refusal(text: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError | None:
    """What Python says where a call does not fit a function written in Python."""
    try:
        _like(text)(*args, **kwargs)
    except TypeError as error:
        return TypeError(str(error))
    return None


def bound(key: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a function written in Python by name, less those left at None; none for a native one."""
    texts = _table().get(key, ())
    if not texts or not texts[0].startswith("py "):
        return {}
    try:
        shape = inspect.signature(_like(texts[0]))
        given = shape.bind(*args, **kwargs).arguments
        return {k: v for k, v in given.items() if v is not None or shape.parameters[k].default is not None}
    except TypeError:
        return {}


def by_position(key: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A good call with what it gives by name put in its place, and an old form's arguments in the order of the new:
    (args, kwargs); None where nothing changes."""
    is_method = key.startswith("Tensor.")
    own = args[1:] if is_method else args
    forms = forms_of(key)
    try:
        form = next((f for f in forms if f.refusal(own, kwargs) is None), None)
    except _WrongElementError:
        return None
    if form is None or (form.n_places == 1 and len(own) > 1):
        return None
    given = {p.name: value for p, value in zip(form.parameters, own)}
    for p in form.parameters:
        name = next((k for k in (p.name, *_OTHER_NAMES.get(p.name, ())) if k in kwargs), None)
        if name is not None:
            given[p.name] = kwargs[name]
    if form.is_hidden:
        form = next((f for f in forms if not f.is_hidden and set(given) <= {p.name for p in f.parameters}), form)
    moved: list[Any] = []
    for p in form.parameters:
        if p.only_by_name or p.name not in given:
            break
        moved.append(given.pop(p.name))
    if len(moved) == len(own) and given == kwargs:
        return None
    return (*args[:1], *moved) if is_method else tuple(moved), given


@functools.cache
def takes_out(called: str) -> bool:
    """Whether a function has an argument `out`; one that is not known may have it."""
    _, _, name = called.partition(".")
    keys = [called, f"F.{name}", f"linalg.{name}", f"special.{name.removeprefix('special_')}"]
    texts = next((_table()[key] for key in keys if key in _table()), ["out"])
    return any("out" in text for text in texts)


def is_known(key: str) -> bool:
    """Whether the forms of a name are known."""
    return key in _table()


class _Anything:
    def __getattr__(self, name: str) -> Any:
        return None


@functools.cache
def _table() -> dict[str, list[str]]:
    lines = files("graphlab.engine.ops").joinpath("signatures.txt").read_text(encoding="utf-8").splitlines()
    return {key: forms for key, *forms in (line.split("\t") for line in lines if not line.startswith("#"))}


@functools.cache
def forms_of(key: str) -> list[Form]:
    """The native forms of a name: "torch.sum", "Tensor.sum", "F.gelu", "linalg.solve"."""
    return [Form(text) for text in _table().get(key, ()) if not text.startswith("py ")]


_BUILTIN: dict[str, type[Exception]] = {e.__name__: e for e in (AttributeError, TypeError, ValueError)}
_BY_TITLE = {title: kind for kind, title in reversed(_TITLES.items())}


def probed(name: str, parameter: str, value: Any) -> BaseException | None:
    """What a function written in Python says to an argument of the wrong type; None where the type may be right."""
    for line in _table().get("probe." + name, ()):
        own, kind, text = line.split("|")
        if own != parameter or kind not in _BUILTIN:
            continue
        title = re.search(r"must be ([\w. ]+), not", text)
        if title is None:
            is_odd = kind == "AttributeError" and not isinstance(value, Tensor)
            attribute = re.search(r"has no attribute '(\w+)'", text)
            is_odd = is_odd and attribute is not None and not hasattr(value, attribute[1])
            if text.endswith("has no len()"):
                is_odd = not isinstance(value, int) and not hasattr(value, "__len__")
        else:
            wanted = Parameter(parameter, _BY_TITLE.get(title[1], ""), 1, None, False, False, False)
            try:
                good, wrong = fits(wanted, value, 0) if value is not None and wanted.kind else (True, -1)
                is_odd = not good
                if wrong >= 0:
                    told = f", but found element of type {type_name(value[wrong])} at pos {wrong}"
                    return TypeError(text.replace(", not {}", told))
            except _WrongElementError:
                is_odd = False
            is_odd = is_odd or (value is None and title[1] == "Tensor")
        if is_odd:
            error: BaseException = _BUILTIN[kind](text.replace("{}", type_name(value)))
            return error
    return None


def parameters_of(key: str) -> tuple[str, ...]:
    """The names of the parameters of a function written in Python."""
    texts = _table().get(key, ())
    return tuple(inspect.signature(_like(texts[0])).parameters) if texts and texts[0].startswith("py ") else ()


def refusal(key: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError | None:
    """PyTorch's error where it would not even begin with a call of `key`; None for a call that it takes."""
    texts = _table().get(key)
    if texts is None:
        return None
    is_method = key.startswith("Tensor.")
    if texts[0].startswith("py "):
        return _python_refusal(texts[0], args, kwargs)
    return _refused(forms_of(key), args[1:] if is_method else args, kwargs, is_method)
