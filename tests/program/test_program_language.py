# ruff: noqa: E501 - tables of small programs
import dis
import io
import sys

import pytest

from graphlab.program import FILENAME, Checked, ProgramRefused, Refusal, check, compile_program
from graphlab.program.guards import namespace


def run(source: str, **hooks) -> str:
    out = io.StringIO()
    exec(compile_program(source).code, namespace(out, **hooks))
    return out.getvalue()


ORDINARY = {
    "class with private parts": (
        "class A:\n    def __init__(self):\n        self._n = 1\n        self.__s = 2\n    def _help(self):\n"
        "        self._n += 1\n        return self._n + self.__s\nclass B(A):\n    def __init__(self):\n"
        "        super(B, self).__init__()\n        super().__init__()\nprint(B()._help())",
        "4\n",
    ),
    "names with one underscore": ("_x = 3\n_, y = 1, 2\ndef _f(): return _x\nprint(_f(), _, y)", "3 1 2\n"),
    "decorators": (
        "import functools\ndef twice(f):\n    @functools.wraps(f)\n    def inner(*a, **k):\n        return 2 * f(*a, **k)\n"
        "    return inner\n@twice\ndef one(): return 1\nprint(one(), one.__name__)",
        "2 one\n",
    ),
    "properties": (
        "class A:\n    def __init__(self): self.v = 1\n    @property\n    def x(self): return self.v\n    @x.setter\n"
        "    def x(self, value): self.v = value\n    @staticmethod\n    def s(): return 5\n    @classmethod\n"
        "    def c(cls): return cls.__name__\na = A()\na.x = 7\nprint(a.x, A.s(), A.c())",
        "7 5 A\n",
    ),
    "special methods": (
        "class V:\n    def __init__(self, x): self.x = x\n    def __add__(self, o): return V(self.x + o.x)\n"
        "    def __repr__(self): return f'V({self.x})'\n    def __len__(self): return 3\n"
        "    def __getitem__(self, i): return i\n    def __call__(self): return 'called'\n"
        "    def __eq__(self, o): return self.x == o.x\n    def __hash__(self): return 1\n"
        "    def __enter__(self): return self\n    def __exit__(self, *a): return True\n"
        "with V(1) as v:\n    raise ValueError\nprint(V(1) + V(2), len(v), v[4], v(), V(1) == v)",
        "V(3) 3 4 called True\n",
    ),
    "augmented assignment": (
        "class A: n = 1\na = A()\na.n += 2\nd = {'k': [1]}\nd['k'] += [2]\nx = 3\nx **= 2\nprint(a.n, d, x)",
        "3 {'k': [1, 2]} 9\n",
    ),
    "comprehensions and walrus": (
        "print([y for x in range(3) if (y := x * x) > 0], {a: b for a, b in [(1, 2)]}, sum(i for i in (1, 2)))",
        "[1, 4] {1: 2} 3\n",
    ),
    "unpacking": ("(a, (b, *c)), d = (1, (2, 3, 4)), 5\nfor i, (j, k) in [(1, (2, 3))]: print(a, b, c, d, i, j, k)",
                  "1 2 [3, 4] 5 1 2 3\n"),
    "generators": ("def g(n):\n    for i in range(n):\n        yield i\n    yield from [7]\nprint(list(g(2)))", "[0, 1, 7]\n"),
    "closures": ("def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n        return n\n    return g\n"
                 "h = f()\nh()\nprint(h())", "2\n"),
    "globals": ("n = 0\ndef f():\n    global n\n    n += 1\nf()\nprint(n)", "1\n"),
    "exceptions": (
        "class E(ValueError):\n    pass\ntry:\n    raise E('no')\nexcept (E, KeyError) as e:\n"
        "    print(type(e).__name__, e)\nelse:\n    print('else')\nfinally:\n    print('end')",
        "E no\nend\n",
    ),
    "formats": (
        "import math\nprint('{:.2f} {0[1]}'.replace('{0[1]}', '').format(math.pi), '{0[1]} {1.real}'.format([1, 2], 3), "
        "f'{math.pi:.{2}f}', '%d%%' % 5, '{a}'.format_map({'a': 1}))",
        "3.14  2 3 3.14 5% 1\n",
    ),
    "match": ("match {'k': [1, 2]}:\n    case {'k': [a, *rest], **others}: print(a, rest, others)", "1 [2] {}\n"),
    "dataclass": (
        "from dataclasses import dataclass, field\n@dataclass(order=True)\nclass P:\n    x: int\n"
        "    ys: list = field(default_factory=list)\nprint(P(1), P(1) < P(2))",
        "P(x=1, ys=[]) True\n",
    ),
    "named tuple": ("from collections import namedtuple\nT = namedtuple('T', 'a b')\nprint(T(1, 2)._replace(a=3)._asdict())",
                    "{'a': 3, 'b': 2}\n"),
    "typing": ("from typing import List, Optional\ndef f(x: Optional[List[int]] = None) -> 'int':\n    return 1\nprint(f())",
               "1\n"),
    "annotations": ("from __future__ import annotations\nx: Tensor = 1\ndef f(a: Nothing): return a\nprint(f(x))", "1\n"),
    "main": ("def main():\n    print('main')\nif __name__ == '__main__':\n    main()", "main\n"),
    "type": ("class A: pass\nprint(type(A()) is A, type(1).__name__, isinstance(A, type), A().__class__.__name__)",
             "True int True A\n"),
    "attributes by name": (
        "class A: pass\na = A()\nsetattr(a, 'x', 1)\nprint(getattr(a, 'x'), getattr(a, 'y', 2), hasattr(a, 'x'))\n"
        "delattr(a, 'x')\nprint(hasattr(a, 'x'))",
        "1 2 True\nFalse\n",
    ),
    "star import": ("from math import *\nprint(floor(pi))", "3\n"),
    "submodules": ("import collections.abc\nimport numpy.linalg as la\nprint(la.norm([3.0, 4.0]), isinstance([], collections.abc.Sized))",
                   "5.0 True\n"),
    "numpy": ("import numpy as np\na = np.arange(6).reshape(2, 3)\na[0] += 1\nprint(a.mean(axis=0), a.T.shape, np.random.rand(2).shape)",
              "[2. 3. 4.] (3, 2) (2,)\n"),
    "print": ("import sys\nprint(1, 2, sep='-', end='!\\n', flush=True)\nprint('e', file=sys.stderr)\nsys.stdout.write('w')",
              "1-2!\ne\nw"),
    "names of refused built-ins as own names": ("def open(x): return x\ninput = 3\nprint(open(input))", "3\n"),
    "del": ("x = [1, 2]\ndel x[0]\nprint(x)\ndel x", "[2]\n"),
    "loop else": ("for i in range(2):\n    pass\nelse:\n    print('else')\nwhile True:\n    break\nelse:\n    print('no')", "else\n"),
    "return out of loops": ("def f():\n    for i in range(3):\n        while True:\n            return i\nprint(f())", "0\n"),
    "deep loops": ("for a in [0]:\n for b in [0]:\n  for c in [0]:\n   for d in [0]:\n    for e in [0]:\n     for f in [0]:\n"
                   "      for g in [0]:\n       for h in [0]: print('deep')", "deep\n"),
    "inheritance from a list": ("class L(list):\n    def first(self): return self[0]\nprint(L([4]).first())", "4\n"),
    "old style init": ("class A:\n    def __init__(self): self.x = 1\nclass B(A):\n    def __init__(self): A.__init__(self)\nprint(B().x)",
                       "1\n"),
    "own getattr": ("class A:\n    def __getattr__(self, name): return name.upper()\nprint(A().hello)", "HELLO\n"),
    "abstract": ("from abc import ABC, abstractmethod\nclass A(ABC):\n    @abstractmethod\n    def f(self): ...\n"
                 "try:\n    A()\nexcept TypeError as e:\n    print('abstract')", "abstract\n"),
    "non-ascii": ("größe = 'é'\nprint(größe, '数')", "é 数\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_python_runs(name: str) -> None:
    source, printed = ORDINARY[name]
    assert run(source) == printed


REFUSED = {
    "import os": (
        "x = 1\ny = 2\nimport os",
        "import",
        3,
        "`import os` is not available in GraphLab: programs here cannot reach files or other programs. Remove line 3.",
    ),
    "import matplotlib": (
        "import matplotlib.pyplot as plt",
        "import",
        1,
        "`import matplotlib.pyplot` is not available in GraphLab: GraphLab draws loss curves and values itself. "
        "Remove line 1.",
    ),
    "unknown module": (
        "from foo import bar",
        "import",
        1,
        "`from foo import bar` is not available in GraphLab: only torch, numpy and parts of Python's library are here. "
        "Remove line 1.",
    ),
    "numpy.load": (
        "from numpy import load",
        "import",
        1,
        "`load` of `numpy` is not available in GraphLab. Remove it from line 1.",
    ),
    "open": (
        "a = 1\nf = open('x')",
        "builtin",
        2,
        "`open` is not available in GraphLab: programs here cannot reach files. Write the numbers into the program, "
        "or make them with torch.",
    ),
    "async": (
        "async def f(): pass",
        "construct",
        1,
        "`async def` is not available in GraphLab: a program runs from top to bottom in one thread.",
    ),
    "guard": (
        "\n_x_ = 1",
        "name",
        2,
        "`_x_` is a name of Python's inner workings. Choose another name on line 2.",
    ),
    "zero byte": ("x = 1\ny = '\0'", "encoding", 2, "Line 2 contains a zero byte, which no program can contain. Delete it."),
    "surrogate": ("x = '\ud800'", "encoding", 1, "Line 1 contains a broken character. Delete it."),
    "syntax": ("x = (1,\ny = 2", "syntax", 1, "SyntaxError: '(' was never closed"),
    "indentation": ("if True:\nx = 1", "syntax", 2, "IndentationError: expected an indented block after 'if' statement on line 1"),
    "return outside": ("return 1", "syntax", 1, "SyntaxError: 'return' outside function"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_are_one_sentence_with_their_place(name: str) -> None:
    source, kind, line, message = REFUSED[name]
    refusal = check(source)
    assert isinstance(refusal, Refusal)
    assert (refusal.kind, refusal.line, refusal.message) == (kind, line, message)
    assert (refusal.end_line, refusal.end_column) >= (refusal.line, refusal.column)


def test_the_first_of_several_refusals_is_told() -> None:
    refusal = check("x = 1\nimport os\nimport sys, socket\n")
    assert isinstance(refusal, Refusal)
    assert refusal.line == 2


def test_places_count_characters_not_bytes() -> None:
    refusal = check("x = 'é数'; import os")
    assert isinstance(refusal, Refusal)
    assert (refusal.column, refusal.end_column) == (10, 19)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 5000 + ")" * 5000,
        "[" * 100_000,
        "-" * 100_000 + "1",
        "not " * 50_000 + "1",
        "x" + ".a" * 100_000,
        "f" + "()" * 50_000,
        "+".join(["1"] * 100_000),
        "lambda: " * 10_000 + "1",
        "if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 99)) + " " * 99 + "pass",
        "1 if 1 else " * 20_000 + "1",
        "x = " * 50_000 + "1",
        "9" * 100_000,
        "{" * 200 + "}" * 200,
        'f"' + "{" * 300,
    ],
    ids=range(14),
)
def test_monstrous_sources_are_answered(source: str) -> None:
    result = check(source)
    assert isinstance(result, Refusal | Checked)


def test_too_long_a_source_is_refused() -> None:
    refusal = check("x = 1\n" * 200_000)
    assert isinstance(refusal, Refusal)
    assert refusal.message == (
        "The program is too long: 1,200,000 characters, at most 1,000,000 can be run. Shorten it."
    )


def test_compile_program_raises_the_refusal() -> None:
    with pytest.raises(ProgramRefused) as caught:
        compile_program("import os")
    assert caught.value.refusal.line == 1


def test_loops_are_marked_once_a_turn_and_at_their_end() -> None:
    calls: list[tuple[str, int]] = []
    source = (
        "for i in range(2):\n    for j in range(1):\n        pass\nwhile False:\n    pass\n"
        "try:\n    for k in [1]:\n        raise ValueError\nexcept ValueError:\n    pass\n"
    )
    run(
        source,
        loop_started=lambda loop: calls.append(("start", loop)),
        loop_ended=lambda loop: calls.append(("end", loop)),
        loop_emptied=lambda loop: calls.append(("empty", loop)),
    )
    assert calls == [
        ("start", 0), ("start", 1), ("end", 1), ("start", 0), ("start", 1), ("end", 1), ("end", 0),
        ("end", 2), ("start", 3), ("end", 3),
    ]  # fmt: skip
    loops = compile_program(source).loops
    assert [(loop.id, loop.line, loop.end_line) for loop in loops] == [(0, 1, 3), (1, 2, 3), (2, 4, 5), (3, 7, 8)]


def test_a_turn_begins_before_its_item_is_fetched() -> None:
    calls: list[str] = []
    source = "def items():\n    print('one')\n    yield 1\n    print('no more')\nfor i in items():\n    print('body')\n"

    class Stream:
        def write(self, text: str) -> None:
            calls.extend(text.split("\n")[:-1] if text.strip() else [])
            if text.strip() and "\n" not in text:
                calls.append(text)

        def flush(self) -> None: ...

    checked = compile_program(source)
    names = namespace(
        Stream(),
        None,
        lambda loop: calls.append("start"),
        lambda loop: calls.append("end"),
        lambda loop: calls.append("empty"),
    )
    exec(checked.code, names)
    assert calls == ["start", "one", "body", "start", "no more", "empty", "end"]


def test_a_loop_over_what_is_no_iterable_fails_as_python_does() -> None:
    with pytest.raises(TypeError, match=r"^'int' object is not iterable$"):
        run("for i in 3:\n    pass\n")


def texts_of(source: str, wanted: tuple[str, ...]) -> set[str]:
    """The source text of every instruction named in `wanted`, by the code object's own positions."""
    lines = source.split("\n")
    found = set()
    pending = [compile_program(source).code]
    while pending:
        code = pending.pop()
        pending.extend(const for const in code.co_consts if hasattr(const, "co_code"))
        assert code.co_filename == FILENAME
        for instruction in dis.get_instructions(code):
            place = instruction.positions
            if instruction.opname in wanted and place is not None and place.lineno == place.end_lineno:
                found.add(lines[place.lineno - 1].encode()[place.col_offset : place.end_col_offset].decode())
    return found


@pytest.mark.skipif(sys.version_info < (3, 11), reason="positions")
def test_expressions_keep_their_places_through_the_policy() -> None:
    source = (
        "import torch\n"
        "class Net:\n    def __init__(self):\n        self._w = self.make(3)\n    def forward(self, x):\n"
        "        y = torch.relu(self.fc1(x) @ self._w + 1)\n        y += x * 2\n        return y[0].sum(dim=1)\n"
        "for i in range(3):\n    out = net(x, *args) - '{}'.format(2)\n"
    )
    calls = texts_of(source, ("CALL", "CALL_FUNCTION_EX"))
    assert {"self.make(3)", "torch.relu(self.fc1(x) @ self._w + 1)", "self.fc1(x)", "y[0].sum(dim=1)",
            "net(x, *args)", "'{}'.format(2)"} <= calls  # fmt: skip
    operators = texts_of(source, ("BINARY_OP",))
    assert {"self.fc1(x) @ self._w", "self.fc1(x) @ self._w + 1", "x * 2", "y += x * 2",
            "net(x, *args) - '{}'.format(2)"} <= operators  # fmt: skip
    assert {"y[0]"} <= texts_of(source, ("BINARY_SUBSCR",))
    assert {"self._w", "torch.relu", "self.fc1"} <= texts_of(source, ("LOAD_ATTR", "LOAD_METHOD"))


def test_traceback_lines_are_the_programs_own() -> None:
    source = "def f(x):\n    for i in range(3):\n        if i == 1:\n            return x / 0\n\n\nf(1)\n"
    with pytest.raises(ZeroDivisionError) as caught:
        run(source)
    lines = [entry.lineno + 1 for entry in caught.traceback if str(entry.path) == FILENAME]
    assert lines == [7, 4]


def test_missing_names_are_pythons_own_errors() -> None:
    with pytest.raises(NameError, match="name 'nothing' is not defined"):
        run("nothing")
    with pytest.raises(AttributeError, match=r"^module 'math' has no attribute 'sinn'$") as caught:
        run("import math\nmath.sinn")
    assert caught.value.facts["nearest"][0] == "sin"
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'torch'"):
        run("from torch import nothing")
    with pytest.raises(ImportError, match=r"^GraphLab has no 'torch\.cond', though PyTorch 2\.13 has it"):
        run("from torch import cond")


def test_check_is_fast_enough_to_run_while_typing() -> None:
    import time

    source = "\n".join(f"x{n} = f(x{n - 1} + {n}).g(a[{n}])" for n in range(1, 500))
    before = time.perf_counter()
    assert isinstance(check(source), Checked)
    assert time.perf_counter() - before < 0.5


@pytest.mark.parametrize(
    "line",
    [
        "from torch.nn.modules.loss import CrossEntropyLoss",
        "from torch.nn.modules.module import Module",
        "from torch.optim.optimizer import Optimizer",
        "from torch.utils.data.dataset import Dataset",
        "from torch.autograd.function import Function",
        "import torch.nn.modules.linear; torch.nn.modules.linear.Linear",
    ],
)
def test_what_pytorch_keeps_in_inner_modules_is_found_there(line: str) -> None:
    name = line.rpartition("." if ";" in line else " ")[2]
    assert run(f"{line}\nimport torch\nprint(torch.__version__)\n") == "2.13.0\n", name
