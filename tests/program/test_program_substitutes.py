# ruff: noqa: E501 - tables of small programs
"""Library modules that programs find rebuilt: they do what Python's do, as far as they go."""

import io

import pytest

from graphlab.program import compile_program
from graphlab.program.guards import ProgramExit, namespace


def run(source: str, out: io.StringIO | None = None) -> str:
    out = io.StringIO() if out is None else out
    exec(compile_program(source).code, namespace(out))
    return out.getvalue()


PRINTS = {
    "tqdm hands on the items": (
        "from tqdm.auto import tqdm, trange\nbar = tqdm([3, 4], desc='x')\nprint(list(bar), bar.n, len(bar))\n"
        "with tqdm(total=5) as b:\n    b.update(2); b.set_postfix(loss=1)\nprint(b.n, b.total, list(trange(2)))\n"
        "tqdm.write('a line')\nimport tqdm as whole\nprint(list(whole.tqdm('ab')))",
        "[3, 4] 2 2\n2 5 [0, 1]\na line\n['a', 'b']\n",
    ),
    "arguments have their defaults": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--n', type=int, default=3)\n"
        "print(p.parse_args(), p.parse_args(['--n', '4']).n, p.prog)",
        "Namespace(n=3) 4 program.py\n",
    ),
    "signature": (
        "import inspect\ndef f(a, *b, c=1, d=print): pass\ns = inspect.signature(f).parameters\n"
        "print(list(s), s['c'].default, s['d'].default, s['a'].default is inspect.Parameter.empty)",
        "['a', 'b', 'c', 'd'] 1 Ellipsis True\n",
    ),
    "attrgetter": (
        "from operator import attrgetter, methodcaller\nclass A: b = 'Xy'\n"
        "print(attrgetter('b')(A), attrgetter('b', '__name__')(A), methodcaller('replace', 'X', 'z')('aX'))",
        "Xy ('Xy', 'A') az\n",
    ),
    "enumerations": (
        "from enum import Enum, Flag, StrEnum, auto, unique\n@unique\nclass C(Enum):\n    A = 1\n    B = auto()\n"
        "    def next(self): return C(self.value % 2 + 1)\nclass S(StrEnum):\n    X = auto()\nclass F(Flag):\n    P = 1\n    Q = 2\n"
        "print(C.A.next(), C['A'], list(C), C.B in C, S.X + '!', F.P | F.Q, {C.A: 1}[C(1)], list(C.__members__))",
        "C.B C.A [<C.A: 1>, <C.B: 2>] True x! F.P|Q 1 ['A', 'B']\n",
    ),
    "finalizer": ("class A:\n    def __del__(self): print('gone')\na = A()\ndel a\nprint('after')", "gone\nafter\n"),
    "tables of a module": (
        "from torch import nn\nm = nn.Sequential(nn.Linear(1, 2), nn.BatchNorm1d(2))\nprint(list(m._modules), list(m[1]._buffers))\n"
        "m._modules['1'] = nn.Identity()\nprint(m[1], m._modules.pop('1'), len(m), getattr(m, '_modules').keys())\n"
        "m[0]._parameters['bias'] = None\nprint(m[0].bias, [n for n, _ in m.named_parameters()])",
        "['0', '1'] ['running_mean', 'running_var', 'num_batches_tracked']\nIdentity() Identity() 1 dict_keys(['0'])\n"
        "None ['0.weight']\n",
    ),
}


@pytest.mark.parametrize("name", PRINTS)
def test_programs_find_what_they_need(name: str) -> None:
    source, printed = PRINTS[name]
    assert run(source) == printed


def test_wrong_arguments_end_the_program_with_the_usage() -> None:
    out = io.StringIO()
    with pytest.raises(ProgramExit):
        run("import argparse\np = argparse.ArgumentParser()\np.parse_args(['--what'])\nprint('on')", out)
    assert out.getvalue() == "usage: program.py [-h]\nprogram.py: error: unrecognized arguments: --what\n"


@pytest.mark.parametrize(
    "line",
    [
        "m._modules['new'] = nn.Identity()",
        "m._modules['0'] = 3",
        "m._modules.clear()",
        "m._modules.setdefault('a', nn.Identity())",
    ],
)
def test_tables_take_only_what_fits(line: str) -> None:
    with pytest.raises((TypeError, KeyError)):
        run(f"from torch import nn\nm = nn.Sequential(nn.Linear(1, 2))\n{line}")
