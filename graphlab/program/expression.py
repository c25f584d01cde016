"""The expression bar: a line such as `loss = ((w * x + b - y) ** 2).mean()` and a table, made into a program.

Reads the files that the user names (.csv, .npy) as data only: size-checked, never unpickled. Runs nothing.
"""

import ast
import csv
import io
import keyword
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from graphlab.i18n import _
from graphlab.program.language import check
from graphlab.program.names import SAFE_BUILTINS
from graphlab.program.policy import Refusal

MAX_FILE_BYTES = 64 * 2**20
MAX_LITERAL_NUMBERS = 10_000
"""More numbers than this cannot be written into a program's text."""

MAX_SHAPE_NUMBERS = 100_000_000

FILLS = ("zeros", "ones", "random", "normal")
"""How a variable given by its shape is filled: `torch.zeros`, `ones`, `rand`, `randn`."""

_FILL_CALLS = {"zeros": "torch.zeros", "ones": "torch.ones", "random": "torch.rand", "normal": "torch.randn"}
_KNOWN = frozenset({"torch", "nn", "F", "optim", "math", *SAFE_BUILTINS, "True", "False", "None"})


class ExpressionError(Exception):
    """Something in the expression or the table cannot be used. `variable` is "" for the expression itself.

    `column` counts characters from 0 in the expression, or in the cell's own text; -1 when unknown.
    """

    def __init__(self, message: str, variable: str = "", column: int = -1, end_column: int = -1) -> None:
        super().__init__(message)
        self.message = message
        self.variable = variable
        self.column = column
        self.end_column = end_column


@dataclass(frozen=True)
class Variable:
    """One row of the table. Either `text` (numbers, a pasted block, or a file's path) or `shape` with `fill`."""

    name: str
    text: str = ""
    shape: tuple[int, ...] | None = None
    fill: str = "random"
    requires_grad: bool = False


@dataclass(frozen=True)
class Expression:
    """What the bar's line says: the name that gets the value, and the names that it needs, in order of appearance."""

    text: str
    target: str
    needs: tuple[str, ...]
    columns: dict[str, int] = field(default_factory=dict)  # name -> where it first stands


def parse(text: str) -> Expression:
    """Read the line. Raises `ExpressionError` with the place of the trouble."""
    if not text.strip():
        raise ExpressionError(_("There is no expression. Type one, for example `y = w * x + b`."))
    if "\n" in text.strip():
        raise ExpressionError(_("The expression bar takes one line. Open a program for more."))
    result = check(text.strip())
    lead = len(text) - len(text.lstrip())
    if isinstance(result, Refusal):
        raise ExpressionError(result.message, "", lead + result.column, lead + result.end_column)
    body = ast.parse(text.strip()).body
    if len(body) != 1 or not isinstance(body[0], (ast.Expr, ast.Assign)):
        raise ExpressionError(_("The expression bar takes one expression, for example `y = w * x + b`."))
    statement = body[0]
    target = "result"
    if isinstance(statement, ast.Assign):
        if len(statement.targets) != 1 or not isinstance(statement.targets[0], ast.Name):
            raise ExpressionError(_("Give the value one name, for example `loss = …`."), "", lead, lead + 1)
        target = statement.targets[0].id
    columns: dict[str, int] = {}
    inner = {node.arg for node in ast.walk(statement.value) if isinstance(node, ast.arg)}
    inner |= {
        node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    names = [
        node for node in ast.walk(statement.value) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    ]
    stripped = text.strip()
    for node in sorted(names, key=lambda name: name.col_offset):
        if node.id not in _KNOWN and node.id not in inner:
            column = len(stripped.encode()[: node.col_offset].decode("utf-8", "replace"))
            columns.setdefault(node.id, lead + column)
    return Expression(stripped, target, tuple(columns), columns)


def build(text: str, variables: Sequence[Variable], seed: int | None = 0, backward: bool = True) -> str:
    """The program that evaluates the line: variables first, then the expression, then its backward pass if any.

    Raises `ExpressionError`: an unknown name, a cell that is no number, a file that cannot be read.
    """
    expression = parse(text)
    by_name = {variable.name: variable for variable in variables}
    for name in expression.needs:
        if name not in by_name:
            column = expression.columns[name]
            raise ExpressionError(
                _("`{name}` has no value yet. Add a row for it to the table.").format(name=name),
                "", column, column + len(name),
            )  # fmt: skip
    lines = ["import torch"]
    for module, line in (
        ("nn", "from torch import nn"),
        ("F", "import torch.nn.functional as F"),
        ("optim", "from torch import optim"),
        ("math", "import math"),
    ):
        if re.search(rf"\b{module}\b", expression.text):
            lines.append(line)
    rows = [by_name[name] for name in expression.needs]
    if seed is not None and any(row.shape is not None and row.fill in ("random", "normal") for row in rows):
        lines += ["", f"torch.manual_seed({seed})"]
    lines.append("")
    lines += [f"{row.name} = {_value(row)}" for row in rows]
    assignment = expression.text if _is_assignment(expression.text) else f"{expression.target} = {expression.text}"
    lines += ["", assignment]
    if backward and any(row.requires_grad for row in rows):
        if _is_reduced(expression.text):
            lines.append(f"{expression.target}.backward()")
        else:  # a vector has no single derivative: the gradient of its sum stands for it
            lines.append(f"{expression.target}.backward(gradient=torch.ones_like({expression.target}))")
    lines.append(f"print({expression.target})")
    return "\n".join(lines) + "\n"


def _is_reduced(text: str) -> bool:
    """Whether the line ends in a call that leaves one number, such as `.mean()` or `F.mse_loss(…)`."""
    value = getattr(ast.parse(text).body[0], "value", None)
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    name = value.func.attr
    return (name in ("mean", "sum", "norm", "prod") and not value.args and not value.keywords) or (
        name.endswith(("_loss", "cross_entropy")) and not value.keywords
    )


def _is_assignment(text: str) -> bool:
    return isinstance(ast.parse(text).body[0], ast.Assign)


def _value(variable: Variable) -> str:
    name = variable.name
    if not name.isidentifier() or keyword.iskeyword(name) or name in _KNOWN or name.startswith("_"):
        raise ExpressionError(
            _("'{name}' cannot be a variable's name. Use letters, for example `x`.").format(name=name), name
        )
    grad = ", requires_grad=True" if variable.requires_grad else ""
    if variable.shape is not None:
        return _filled(variable, grad)
    text = variable.text.strip()
    if not text:
        raise ExpressionError(
            _("`{name}` has no value. Type numbers, a shape, or a file's path.").format(name=name), name
        )
    if _looks_like_path(text):
        numbers = read_file(text, name)
        if numbers.size > MAX_LITERAL_NUMBERS:
            raise ExpressionError(
                _("`{name}`: the file holds {n:,} numbers; a program can hold {limit:,}. Use a smaller one.").format(
                    name=name, n=numbers.size, limit=MAX_LITERAL_NUMBERS
                ),
                name,
            )
    else:
        numbers = read_numbers(text, name)
    if variable.requires_grad and numbers.dtype.kind in "iub":
        numbers = numbers.astype(np.float32)
    return f"torch.tensor({_literal(numbers)}{grad})"


def _filled(variable: Variable, grad: str) -> str:
    shape = variable.shape or ()
    name = variable.name
    if variable.fill not in _FILL_CALLS:
        raise ExpressionError(_("`{name}`: fill a shape with zeros, ones, random or normal.").format(name=name), name)
    if any(size < 0 for size in shape):
        raise ExpressionError(
            _("`{name}`: a shape has no negative sizes. Found {shape}.").format(name=name, shape=shape), name
        )
    if math.prod(shape) > MAX_SHAPE_NUMBERS:
        raise ExpressionError(
            _("`{name}`: {shape} would be {n:,} numbers; at most {limit:,} are possible here. Make it smaller.").format(
                name=name, shape=list(shape), n=math.prod(shape), limit=MAX_SHAPE_NUMBERS
            ),
            name,
        )
    sizes = ", ".join(str(size) for size in shape) if shape else "()"
    return f"{_FILL_CALLS[variable.fill]}({sizes}{grad})"


def parse_shape(text: str, name: str = "") -> tuple[int, ...]:
    """A shape as people type it: "3, 2", "(3, 2)", "3x2", "3 × 2"; "" and "()" are a scalar."""
    inner = text.strip().strip("()[]").strip()
    if not inner:
        return ()
    sizes = []
    for part in re.split(r"\s*[,x×*]\s*|\s+", inner.rstrip(", ")):
        if not part.isascii() or not part.isdigit():
            raise ExpressionError(
                _("'{part}' is not a size. Write a shape such as 3, 2.").format(part=part[:40]), name, text.find(part)
            )
        sizes.append(int(part[:19]))
    return tuple(sizes)


def _looks_like_path(text: str) -> bool:
    return "\n" not in text and text.lower().rstrip("\"'").endswith((".csv", ".npy", ".txt", ".tsv"))


# Numbers ------------------------------------------------------------------------------------------------------


def read_numbers(text: str, name: str = "") -> npt.NDArray[np.generic]:
    """Numbers typed or pasted: one number, a row, rows, or a nested list. Raises `ExpressionError` with the cell."""
    text = text.strip()
    if text.startswith("["):
        return _read_list(text, name)
    rows = [re.split(r"[,;\t ]+", line.strip().strip(",;")) for line in text.splitlines() if line.strip()]
    cells = sum(len(row) for row in rows)
    if cells > MAX_LITERAL_NUMBERS:
        raise ExpressionError(
            _("`{name}` has {n:,} numbers; at most {limit:,} can be typed in. Use a shape instead.").format(
                name=name, n=cells, limit=MAX_LITERAL_NUMBERS
            ),
            name,
        )
    table = _table(rows, name)
    if table.shape == (1, 1):
        return table.reshape(())
    return table[0] if len(table) == 1 else table


def _table(rows: list[list[str]], name: str) -> npt.NDArray[np.generic]:
    values: list[list[float]] = []
    is_integer = True
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise ExpressionError(
                _("`{name}`, row {row} has {n} numbers, row 1 has {first}. Give all rows the same length.").format(
                    name=name, row=number, n=len(row), first=len(rows[0])
                ),
                name,
            )
        line = []
        for column, cell in enumerate(row, 1):
            try:
                line.append(float(cell))
            except ValueError:
                raise ExpressionError(_not_a_number(name, number, column, cell, len(rows), len(row)), name) from None
            is_integer = is_integer and re.fullmatch(r"[+-]?\d{1,15}", cell.strip()) is not None
        values.append(line)
    return np.array(values, dtype=np.int64 if is_integer else np.float32)


def _not_a_number(name: str, row: int, column: int, cell: str, n_rows: int, n_columns: int) -> str:
    shown = cell if len(cell) <= 40 else cell[:39] + "…"
    if n_rows == n_columns == 1:
        return _("`{name}`: '{cell}' isn't a number.").format(name=name, cell=shown)
    return _("`{name}`, row {row}, column {column}: '{cell}' isn't a number.").format(
        name=name, row=row, column=column, cell=shown
    )


def _read_list(text: str, name: str) -> npt.NDArray[np.generic]:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise ExpressionError(
            _("`{name}`: this is not a list of numbers. Write it like [[1, 2], [3, 4]].").format(name=name), name
        ) from None
    try:
        numbers = np.array(value)
    except ValueError:
        raise ExpressionError(
            _("`{name}`: the inner lists have different lengths. Give all rows the same length.").format(name=name),
            name,
        ) from None
    if numbers.dtype.kind not in "iufb":
        raise ExpressionError(_("`{name}`: the list holds something that isn't a number.").format(name=name), name)
    if numbers.size > MAX_LITERAL_NUMBERS:
        raise ExpressionError(
            _("`{name}` has {n:,} numbers; at most {limit:,} can be typed in. Use a shape instead.").format(
                name=name, n=numbers.size, limit=MAX_LITERAL_NUMBERS
            ),
            name,
        )
    return numbers.astype(np.float32) if numbers.dtype.kind == "f" else numbers


def read_file(path: str, name: str = "") -> npt.NDArray[np.generic]:
    """Numbers from a .npy or .csv file. Raises `ExpressionError`; nothing in the file is ever executed."""
    file = Path(path.strip().strip("\"'")).expanduser()
    try:
        if not file.is_file():
            raise ExpressionError(
                _("`{name}`: there is no file {path}. Choose another one.").format(name=name, path=file), name
            )
        size = file.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ExpressionError(
                _("`{name}`: the file is too large ({size:,} bytes, at most {limit:,}). ({path})").format(
                    name=name, size=size, limit=MAX_FILE_BYTES, path=file
                ),
                name,
            )
        data = file.read_bytes()
    except OSError as error:
        raise ExpressionError(
            _("`{name}`: the file cannot be read: {error}.").format(name=name, error=error.strerror or error), name
        ) from None
    return _read_npy(data, name, file) if data[:6] == b"\x93NUMPY" else _read_csv(data, name, file)


def _read_npy(data: bytes, name: str, file: Path) -> npt.NDArray[np.generic]:
    try:
        numbers: npt.NDArray[np.generic] = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError, SyntaxError) as error:
        raise ExpressionError(
            _("`{name}`: this .npy file cannot be used: {error}. ({path})").format(name=name, error=error, path=file),
            name,
        ) from None
    if numbers.dtype.kind not in "iufb":
        raise ExpressionError(
            _("`{name}`: the file holds {dtype}, not plain numbers. ({path})").format(
                name=name, dtype=numbers.dtype, path=file
            ),
            name,
        )
    return numbers


def _read_csv(data: bytes, name: str, file: Path) -> npt.NDArray[np.generic]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ExpressionError(
            _("`{name}`: the file is neither a .npy file nor UTF-8 text. ({path})").format(name=name, path=file), name
        ) from None
    if "\0" in text:
        raise ExpressionError(
            _("`{name}`: the file is not a table of numbers. ({path})").format(name=name, path=file), name
        )
    head = text[:4096]
    separator = next((mark for mark in ("\t", ";", ",") if mark in head), None)
    try:
        rows = (
            [line.split() for line in text.splitlines()]
            if separator is None
            else [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=separator)]
        )
    except csv.Error as error:
        raise ExpressionError(
            _("`{name}`: the file is not a table of numbers: {error}. ({path})").format(
                name=name, error=error, path=file
            ),
            name,
        ) from None
    rows = [row for row in rows if any(row)]
    if rows and not any(_is_number(cell) for cell in rows[0]):
        rows = rows[1:]  # a heading
    if not rows:
        raise ExpressionError(
            _("`{name}`: there are no numbers in the file. ({path})").format(name=name, path=file), name
        )
    table = _table(rows, name)
    return table[:, 0] if table.shape[1] == 1 else table


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _literal(numbers: npt.NDArray[np.generic]) -> str:
    """A nested list as people write it; rows of a matrix on lines of their own."""

    def write(value: object) -> str:
        if isinstance(value, list):
            return "[" + ", ".join(write(item) for item in value) + "]"
        if isinstance(value, float) and not math.isfinite(value):
            return f"float('{value}')"
        return repr(value)

    if numbers.dtype == np.float32:
        # float32's own shortest digits: 0.1, not 0.10000000149011612
        listed = np.array([float(str(each)) for each in numbers.ravel()]).reshape(numbers.shape).tolist()
    else:
        listed = numbers.tolist()
    if numbers.ndim == 2 and len(listed) > 1:
        return "[\n    " + ",\n    ".join(write(row) for row in listed) + ",\n]"
    return write(listed)
