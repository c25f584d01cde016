from pathlib import Path

import numpy as np
import pytest

from graphlab.program import Checked, check
from graphlab.program.expression import (
    ExpressionError,
    Variable,
    build,
    parse,
    parse_shape,
    read_file,
    read_numbers,
)

LINE = "loss = ((w * x + b - y) ** 2).mean()"


def test_needed_names_come_in_order_with_their_places() -> None:
    expression = parse(LINE)
    assert expression.target == "loss"
    assert expression.needs == ("w", "x", "b", "y")
    assert expression.columns == {"w": 9, "x": 13, "b": 17, "y": 21}


def test_what_torch_and_python_offer_needs_no_value() -> None:
    assert parse("torch.relu(x).sum() + F.softmax(y, dim=len([1])) + math.pi").needs == ("x", "y")
    assert parse("[i * x for i in range(3)]").needs == ("x",)
    assert parse("w @ x").target == "result"


def test_program_has_variables_expression_and_backward() -> None:
    source = build(
        LINE,
        [
            Variable("w", "0.5", requires_grad=True),
            Variable("x", "1 2 3"),
            Variable("b", shape=(), fill="zeros"),
            Variable("y", "[2.5, 4, 6]"),
            Variable("unused", "1"),
        ],
    )
    assert source == (
        "import torch\n\n"
        "w = torch.tensor(0.5, requires_grad=True)\n"
        "x = torch.tensor([1, 2, 3])\n"
        "b = torch.zeros(())\n"
        "y = torch.tensor([2.5, 4.0, 6.0])\n\n"
        "loss = ((w * x + b - y) ** 2).mean()\n"
        "loss.backward()\n"
        "print(loss)\n"
    )
    assert isinstance(check(source), Checked)


def test_a_vector_is_differentiated_with_a_gradient_of_ones() -> None:
    program = build("z = x * 2", [Variable("x", "1. 2.", requires_grad=True)])
    assert "z.backward(gradient=torch.ones_like(z))\n" in program


def test_program_without_gradients_has_no_backward() -> None:
    assert "backward" not in build("x * 2", [Variable("x", "1")])


def test_random_values_are_seeded() -> None:
    assert "torch.manual_seed(0)\n" in build("x * 2", [Variable("x", shape=(2, 3), fill="normal")])


def test_integers_that_need_a_gradient_become_floats() -> None:
    assert "x = torch.tensor([1.0, 2.0], requires_grad=True)" in build("x", [Variable("x", "1 2", requires_grad=True)])


def test_float_digits_are_short() -> None:
    assert "x = torch.tensor([0.1, 1e-07])" in build("x", [Variable("x", "0.1, 1e-7")])
    assert "float('nan')" in build("x", [Variable("x", "nan, 1")])


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("", "There is no expression. Type one, for example `y = w * x + b`.", -1),
        ("loss = q * 2", "`q` has no value yet. Add a row for it to the table.", 7),
        ("  x +", "SyntaxError: invalid syntax", 5),
        ("a = 1; b = 2", "The expression bar takes one expression, for example `y = w * x + b`.", -1),
        ("a, b = x, x", "Give the value one name, for example `loss = …`.", 0),
        ("x\ny", "The expression bar takes one line. Open a program for more.", -1),
        ("eval(x)", "`eval` is not available in GraphLab: text cannot be run as code. Write the expression itself.", 0),
    ],
)
def test_wrong_expressions_are_told_with_their_column(text: str, message: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        build(text, [Variable("x", "1")])
    assert (caught.value.message, caught.value.column) == (message, column)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n3 abc", "`x`, row 2, column 2: 'abc' isn't a number."),
        ("abc", "`x`: 'abc' isn't a number."),
        ("1 2\n3", "`x`, row 2 has 1 numbers, row 1 has 2. Give all rows the same length."),
        ("[1, 'a']", "`x`: the list holds something that isn't a number."),
        ("[[1], [2, 3]]", "`x`: the inner lists have different lengths. Give all rows the same length."),
        ("[1, 2", "`x`: this is not a list of numbers. Write it like [[1, 2], [3, 4]]."),
        ("", "`x` has no value. Type numbers, a shape, or a file's path."),
        ("nothing.csv", "`x`: there is no file nothing.csv. Choose another one."),
        ("1 " * 20_000, "`x` has 20,000 numbers; at most 10,000 can be typed in. Use a shape instead."),
    ],
)
def test_wrong_cells_are_told(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        build("x", [Variable("x", text)])
    assert (caught.value.message, caught.value.variable) == (message, "x")


def test_wrong_names_and_shapes_are_told() -> None:
    for variable in (
        Variable("x", shape=(10**5, 10**5)),
        Variable("x", shape=(-1,)),
        Variable("x", shape=(2,), fill="?"),
    ):
        with pytest.raises(ExpressionError):
            build("x", [variable])
    with pytest.raises(ExpressionError):
        parse_shape("3, b")


@pytest.mark.parametrize(
    ("text", "shape"),
    [("3, 2", (3, 2)), ("(3,)", (3,)), ("3x2", (3, 2)), ("3 × 2 × 4", (3, 2, 4)), ("", ()), ("5", (5,))],
)
def test_shapes_as_people_type_them(text: str, shape: tuple[int, ...]) -> None:
    assert parse_shape(text) == shape


def test_numbers_as_people_paste_them() -> None:
    assert read_numbers("1, 2; 3").tolist() == [1, 2, 3]
    assert read_numbers("1\t2\n3\t4").tolist() == [[1, 2], [3, 4]]
    assert read_numbers("0.5").shape == ()
    assert read_numbers("1 2").dtype == np.int64
    assert read_numbers("1 2.").dtype == np.float32


def test_files_are_read_as_data(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(6.0).reshape(2, 3))
    assert read_file(str(tmp_path / "a.npy")).shape == (2, 3)
    (tmp_path / "b.csv").write_text("height,weight\n1.5,2\n3,4\n")
    assert read_file(str(tmp_path / "b.csv")).tolist() == [[1.5, 2], [3, 4]]
    (tmp_path / "c.csv").write_text("1\n2\n3\n", encoding="utf-8-sig")
    assert read_file(str(tmp_path / "c.csv")).tolist() == [1, 2, 3]
    source = build("x + 1", [Variable("x", str(tmp_path / "b.csv"))])
    assert isinstance(check(source), Checked)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("pickle.npy", None),
        ("half.npy", b"\x93NUMPY\x01\x00v\x00{'descr'"),
        ("binary.csv", b"\x00\x01\x02"),
        ("latin.csv", "é;1".encode("latin-1")),
        ("empty.csv", b""),
        ("words.csv", b"a,b\nc,d\n"),
        ("huge.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999,), }"
                     + b" " * 46 + b"\n"),
    ],
)  # fmt: skip
def test_bad_files_are_one_sentence(tmp_path: Path, name: str, data: bytes | None) -> None:
    path = tmp_path / name
    if data is None:
        np.save(path, np.array([object()]), allow_pickle=True)
    else:
        path.write_bytes(data)
    with pytest.raises(ExpressionError) as caught:
        read_file(str(path), "x")
    assert caught.value.message.startswith("`x`")


def test_large_files_are_refused_for_a_program(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros(20_000))
    with pytest.raises(ExpressionError, match="the file holds 20,000 numbers"):
        build("x", [Variable("x", str(tmp_path / "a.npy"))])
