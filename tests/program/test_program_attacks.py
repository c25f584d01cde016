"""Attempts to get out of the restricted language. Each one prints ESCAPED if it holds what it should not."""

import io
import types
from collections import deque

import pytest

from graphlab.program import Refusal, check
from graphlab.program.guards import ProgramExit, namespace
from graphlab.program.library import Library, library
from graphlab.program.names import GUARDED, INNER, LIBRARY_NAMES, TORCH_MODULES

ATTACKS = {
    "import os": "import os",
    "import inside a function": "def f():\n    import subprocess\n    return subprocess\nf()",
    "from import": "from os import path",
    "submodule of an allowed module": "import numpy.ctypeslib",
    "name of an allowed module": "from numpy import load",
    "relative import": "from . import session",
    "import of a guard": "import math as _getattr_",
    "import of the builtins": "import builtins",
    "importlib": "import importlib",
    "dunder import": "m = __import__('os')",
    "dunder import by getattr": "m = getattr(print, '__self__')",
    "builtins by name": "b = __builtins__",
    "builtins item": "b = __builtins__['open']",
    "class walk": "s = ().__class__.__base__.__subclasses__()",
    "class walk by type": "s = type(()).__mro__",
    "class walk by getattr": "s = getattr(type(()), '__subclasses__')()",
    "getattr with a str subclass": (
        "class S(str):\n    def __eq__(self, other): return False\n    def __hash__(self): return 1\n"
        "g = getattr(lambda: 0, S('__globals__'))"
    ),
    "function globals": "def f(): pass\ng = f.__globals__",
    "function code": "def f(): pass\nc = f.__code__",
    "function closure": "import functools\nc = functools.wraps.__closure__",
    "function dict": "def f(): pass\nd = f.__dict__",
    "lambda globals": "g = (lambda: 0).__globals__",
    "method self": "class A:\n    def f(self): pass\nf = A().f.__func__",
    "builtin self": "import math\nm = math.sin.__self__",
    "builtin module name swap": "print.__module__ = 'os'",
    "generator frame": "def g(): yield\nf = g().gi_frame",
    "generator expression frame": "f = (x for x in [1]).gi_frame.f_back",
    "generator frame by getattr": "def g(): yield\nf = getattr(g(), 'gi_frame')",
    "generator frame by default": "def g(): yield\nf = getattr(g(), 'gi_frame', None)\nif f is None: raise TypeError",
    "traceback frame": "try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    f = e.__traceback__.tb_frame",
    "traceback from __exit__": (
        "class C:\n    def __enter__(self): return self\n    def __exit__(self, kind, error, tb):\n"
        "        self.frame = tb.tb_frame\nwith C():\n    raise ValueError\n"
    ),
    "traceback by match": (
        "class C:\n    def __enter__(self): return self\n    def __exit__(self, kind, error, tb):\n"
        "        match tb:\n            case object(tb_frame=f): self.f = f\n        return True\n"
        "c = C()\nwith c:\n    raise ValueError\nc.f"
    ),
    "match by dunder": "match (lambda: 0):\n    case object(__globals__=g): pass",
    "match args": "class A:\n    __match_args__ = ('__globals__',)",
    "match args by setattr": "class A: pass\nsetattr(A, '__match_args__', ('x',))",
    "format attribute": "s = '{0.__class__.__base__}'.format(1)",
    "format attribute of a function": "def f(): pass\ns = '{f.__globals__}'.format(f=f)",
    "format in the specification": "def f(): pass\ns = '{0:{1.__globals__}}'.format(1, f)",
    "format_map": "def f(): pass\ns = '{f.__globals__}'.format_map({'f': f})",
    "format of the class": "s = str.format('{0.__class__.__base__}', 1)",
    "format by getattr": "s = getattr('{0.__class__.__base__}', 'format')(1)",
    "format by super": (
        "class S(str):\n    def go(self, x): return super().format(x)\ns = S('{0.__class__.__base__}').go(1)"
    ),
    "format of a subclass": "class S(str): pass\ns = S('{0.__class__.__base__}').format(1)",
    "format by map": "s = list(map(str.format, ['{0.__class__.__base__}'], [1]))",
    "f-string": "s = f'{(1).__class__.__base__}'",
    "format with an attribute of the frame": "def g(): yield\ns = '{0.gi_frame}'.format(g())",
    "string formatter": "from string import Formatter",
    "attrgetter": "from operator import attrgetter\nattrgetter('__class__.__base__.__subclasses__')(1)",
    "attrgetter of a frame": "from operator import attrgetter\nattrgetter('gi_frame')(x for x in [1])",
    "methodcaller": "from operator import methodcaller\nmethodcaller('__subclasses__')(object)",
    "enumeration by call": "from enum import Enum\nEnum('E', 'a b')",
    "enumeration by call of a child": "from enum import Enum\nclass E(Enum): pass\nE('F', {'mro': 1}, type=int)",
    "signature of a function's globals": "import inspect\ninspect.signature(print).from_callable(print, eval_str=True)",
    "arguments out of a file": (
        "import argparse\np = argparse.ArgumentParser()\np.fromfile_prefix_chars = '@'\np.add_argument('x')\n"
        "assert p.parse_args(['@/etc/hostname']).x != '@/etc/hostname'"
    ),
    "file type of arguments": "import argparse\nargparse.FileType()",
    "dynamic class attribute": "from types import DynamicClassAttribute",
    "function type": "from types import FunctionType",
    "special names among the modules": (
        "import torch\nm = torch.nn.Linear(1, 1)\nm._modules['__array_interface__'] = torch.nn.Linear(1, 1)"
    ),
    "a table of a module replaced": "import torch\nm = torch.nn.Linear(1, 1)\nm._modules = {}",
    "a table of a module filled": "import torch\nm = torch.nn.Linear(1, 1)\nm._parameters.update({'a': 1})",
    "del by hand": "x = [1].__del__",
    "attribute error object": "import math\ntry:\n    math.nothing\nexcept AttributeError as e:\n    o = e.obj",
    "attribute error object by getattr": (
        "import math\ntry:\n    math.nothing\nexcept AttributeError as e:\n    o = getattr(e, 'obj')"
    ),
    "attribute error object by match": (
        "import math\ntry:\n    math.nothing\nexcept AttributeError as e:\n    match e:\n"
        "        case AttributeError(obj=o): pass\n"
    ),
    "type with three arguments": "T = type('T', (), {})",
    "type of type": "T = type(int)('T', (), {})",
    "class of class": "T = int.__class__('T', (), {})",
    "metaclass": "class A(metaclass=int): pass",
    "metaclass by keywords": "class A(**{'metaclass': int}): pass",
    "derive from type": "class M(type(int)):\n    def __call__(cls): return 1\nclass A(M): pass\nA('T', (), {})",
    "class cell": "class A:\n    def f(self): return __class__.__subclasses__()\nA().f()",
    "set class": "class A: pass\nclass B: pass\na = A()\na.__class__ = B",
    "set class by setattr": "class A: pass\nclass B: pass\nsetattr(A(), '__class__', B)",
    "set dict": "class A: pass\nA().__dict__ = {}",
    "set code": "def f(): pass\ndef g(): pass\nf.__code__ = g.__code__",
    "define reduce": "class A:\n    def __reduce__(self): return (print, ())",
    "define reduce_ex": "class A:\n    def __reduce_ex__(self, n): return (print, ())",
    "define getattribute": "class A:\n    def __getattribute__(self, name): return 1",
    "define array interface": "class A:\n    __array_interface__ = {'data': (0, False)}",
    "array interface method": "class A:\n    def __array_interface__(self): return {}",
    "array interface by getattr": (
        "import numpy as np\nclass A:\n    def __getattr__(self, name):\n"
        "        if name == '__array_interface__':\n"
        "            return {'shape': (1,), 'typestr': '<i8', 'data': (id(self), False), 'version': 3}\n"
        "        raise AttributeError(name)\na = np.array(A())\nif a.dtype == object: raise TypeError"
    ),
    "array interface by a dict": "class A(dict, Exception): pass",
    "annotations": "class A: pass\nA.__annotations__['x: int = 1'] = int",
    "type hints": "from typing import get_type_hints",
    "singledispatch": "from functools import singledispatch",
    "forward reference": "from typing import ForwardRef",
    "update_wrapper": "from functools import update_wrapper",
    "wraps with assigned": (
        "import functools\ndef f(): pass\n@functools.wraps(f, assigned=('__globals__',))\ndef g(): pass"
    ),
    "make_dataclass": "from dataclasses import make_dataclass",
    "numpy file": "import numpy as np\nnp.array([1]).tofile('taken.bin')",
    "numpy file of the class": "import numpy as np\nnp.ndarray.tofile(np.array([1]), 'taken.bin')",
    "numpy file by super": (
        "import numpy as np\nclass A(np.ndarray):\n    def go(self): super().tofile('taken.bin')\nA((1,)).go()"
    ),
    "numpy dump": "import numpy as np\nnp.array([1]).dump('taken.bin')",
    "numpy dump of a number": "import numpy as np\nnp.float32(1).dump('taken.bin')",
    "numpy pointer": "import numpy as np\np = np.array([1]).ctypes",
    "numpy pointer by getattr": "import numpy as np\np = getattr(np.array([1]), 'ctypes')",
    "numpy strides": "import numpy as np\na = np.array([1])\na.strides = (1 << 40,)",
    "numpy dtype": "import numpy as np\na = np.array([1])\na.dtype = object",
    "numpy load": "import numpy as np\nnp.load('x.npy')",
    "numpy as_strided": "import numpy as np\nnp.lib.stride_tricks.as_strided(np.array([1]), (9,), (8,))",
    "numpy module of a function": "import numpy as np\nm = np.mean.__module__.__class__.__base__",
    "numpy bit generator": "import numpy as np\nb = np.random.default_rng(0).bit_generator",
    "numpy f2py": "import numpy.f2py",
    "open": "open('/etc/passwd')",
    "open as a value": "f = [open]",
    "eval": "eval('1')",
    "exec": "exec('1')",
    "compile": "compile('1', '', 'eval')",
    "input": "input()",
    "globals": "globals()['x'] = 1",
    "locals": "locals()",
    "vars": "vars(int)",
    "memoryview": "memoryview(b'1')",
    "redefine a guard": "_write_ = lambda x, n: x",
    "redefine a guard by def": "def _own_(x, n): return x",
    "redefine a guard by class": "class _own_: pass",
    "redefine a guard by for": "for _loop_started_ in [1]: pass",
    "redefine a guard by except": "try:\n    1 / 0\nexcept ZeroDivisionError as _own_: pass",
    "redefine a guard by with": "import contextlib\nwith contextlib.nullcontext(1) as _own_: pass",
    "redefine a guard by walrus": "(_own_ := 1)",
    "redefine a guard by an argument": "def f(_own_): return _own_.x._y",
    "redefine a guard by match": "match 1:\n    case _own_: pass",
    "redefine a guard by match star": "match [1]:\n    case [*_own_]: pass",
    "redefine a guard by match rest": "match {}:\n    case {**_own_}: pass",
    "redefine a guard by global": "def f():\n    global _own_\n    _own_ = 1",
    "redefine a guard by import": "from math import pi as _own_",
    "redefine build_class": "__build_class__ = 1",
    "private of a module": "import math\nn = math._name",
    "private of the library": "import random\nr = random._os",
    "private by getattr": "import random\nr = getattr(random, '_inst')",
    "private of a foreign object": "import collections\nd = collections.deque()._x",
    "private of a base": (
        "import random\nclass R(random.Random):\n    def go(self): return self._randbelow\nR().go()"
    ),
    "module of the library": "import random\nm = random.Random.__init__.__globals__",
    "change the library": "import math\nmath.sin = print",
    "change a foreign class": "import random\nrandom.Random.random = print",
    "change a foreign class by setattr": "import random\nsetattr(random.Random, 'random', print)",
    "delete of a foreign class": "import random\ndel random.Random.random",
    "subclass of the library box": "import math\nclass L(type(math)): pass",
    "sys modules": "import sys\nm = sys.modules",
    "sys frames": "import sys\nf = sys._getframe()",
    "print to a file object": "class F:\n    def write(self, t): pass\nimport sys\nsys.stdout = F()",
    "stream behind stdout": "import sys\nw = sys.stdout._write",
    "copy of a function": "import copy\nc = copy._reconstruct",
    "async": "async def f(): pass",
    "except star": "try:\n    pass\nexcept* ValueError: pass",
    "doc of a guard": "import functools\ng = functools.partial(getattr, print).func.__self__",
    "partial of getattr": "import functools\ng = functools.partial(getattr, (lambda: 0))('__globals__')",
    "map of getattr": "g = list(map(getattr, [lambda: 0], ['__globals__']))",
    "sorted by getattr": "sorted([lambda: 0], key=lambda f: getattr(f, '__code__'))",
    "hasattr as an oracle": "if hasattr(lambda: 0, '__globals__'):\n    pass\nelse:\n    raise TypeError",
    "setattr of a private guard": "import sys\nsetattr(sys, 'stdout', None)",
    "name of a class": "class __loader__: pass\nx = __loader__.load",
    "loader": "x = __loader__",
    "spec": "x = __spec__",
    "contextmanager generator": (
        "import contextlib\n@contextlib.contextmanager\ndef c(): yield 1\nf = c().gen.gi_frame"
    ),
    "cached property": "import functools\nc = functools.lru_cache(lambda: 0).__wrapped__.__globals__",
    "namedtuple source": "from collections import namedtuple\nT = namedtuple('T', 'a')\ns = T.__new__.__globals__",
    "enumeration of subclasses": "s = object.__subclasses__()",
    "nonzero start": "x = 1\nx.__init__.__self__",
    "numpy memory under a view": "import numpy as np\na = np.zeros(4)\nb = a[:]\na.resize(1 << 20, refcheck=False)",
    "box of raw memory": (
        "import math, numpy as np\nI = {'shape': (1,), 'typestr': '<i8', 'data': (id(1), False), 'version': 3}\n"
        "a = np.array(type(math)('x', {'__array_interface__': I}))\nif a.dtype == object: raise TypeError"
    ),
    "decorated getattr": (
        "import numpy as np\nI = {'shape': (1,), 'typestr': '<i8', 'data': (id(1), False), 'version': 3}\n"
        "class A:\n    @(lambda f: lambda self, name: I)\n    def __getattr__(self, name): pass\n"
        "a = np.array(A())\nif a.dtype == object: raise TypeError"
    ),
    "tables of a module": (
        "import torch\nclass M(torch.nn.Module):\n    def go(self): self._modules['__array_interface__'] = 1\nM().go()"
    ),
    "dataclass of a foreign class": "import random, dataclasses\ndataclasses.dataclass(random.Random)",
    "torch save": "import torch\ntorch.save(torch.ones(1), 'taken.bin')",
    "torch load": "import torch\ntorch.load('taken.bin')",
    "torch observe": "import torch\nm = torch.observe",
    "torch numpy": "import torch\nm = torch.np",
    "torch sys": "import torch\nm = torch.sys",
    "torch importlib": "import torch\nm = torch.importlib",
    "torch registry": "import torch\nm = torch.ops",
    "torch functional numpy": "import torch.nn.functional as F\nm = F.np",
    "torch nn internals": "from torch.nn import module",
    "torch set observer": "from torch import set_observer",
    "tensor internals": "import torch\na = torch.ones(1)._array",
    "tensor internals by getattr": "import torch\na = getattr(torch.ones(1), '_array')",
    "tensor of a subclass": (
        "import torch\nclass T(torch.Tensor):\n    def go(self): return self._array\nT().go()"
    ),
    "tensor pointer": "import torch\np = torch.ones(1).numpy().ctypes",
    "tensor file": "import torch\ntorch.ones(1).numpy().tofile('taken.bin')",
    "node internals": "import torch\nx = torch.ones(1, requires_grad=True)\nn = (x * 2).grad_fn._mark",
    "patch the engine": "import torch\ntorch.Tensor.backward = print",
    "patch the engine by setattr": "import torch\nsetattr(torch.nn.Linear, 'forward', print)",
    "module attribute with two underscores": (
        "import torch\nm = torch.nn.Linear(1, 1)\nsetattr(m, '__array_interface__', torch.nn.Linear(1, 1))"
    ),
    "buffer of raw memory": (
        "import torch\nm = torch.nn.Linear(1, 1)\nm.register_buffer('__array_interface__', {'data': (1, False)})"
    ),
    "engine function globals": "import torch\ng = torch.relu.__globals__",
    "engine method globals": "import torch\ng = torch.Tensor.backward.__globals__",
    "engine class walk": "import torch\ns = torch.Tensor.__subclasses__()",
    "engine base walk": "import torch\ns = torch.Tensor.__mro__",
    "module of a node": "import torch\nx = torch.ones(1, requires_grad=True)\nm = (x * 2).grad_fn.xp",
    "module of a node by getattr": (
        "import torch\nx = torch.ones(1, requires_grad=True)\nm = getattr((x * 2).grad_fn, 'xp')"
    ),
    "engine error object": (
        "import torch\ntry:\n    torch.ones(1).nothing\nexcept AttributeError as e:\n    o = e.obj"
    ),
    "real io": "import io\nio.open('/etc/passwd')",
    "raw memory of a buffer": "import io\nm = io.BytesIO(b'abc').getbuffer()",
    "writing a buffer into objects": (
        "import io, numpy as np\na = np.array([{}], dtype=object)\nio.BytesIO(bytes(8)).readinto(a)"
    ),
    "the door to the files": "import torch\nd = torch.serialization.door",
    "another door": "import torch\ntorch.serialization.set_door(None)",
    "saving without a project": "import torch\ntorch.save(torch.ones(1), '/tmp/escaped.pt')",
    "saving code": "import torch, io\nb = io.BytesIO()\ntorch.save(lambda: 0, b)",
    "loading a pickle": (
        "import torch, io\nb = io.BytesIO(b'\\x80\\x04cos\\nsystem\\n(S\\'true\\'\\ntR.')\ntorch.load(b)"
    ),
    "module attribute of a class": "class A: pass\nA.__module__ = 'os'",
}  # fmt: skip


def run(source: str) -> tuple[str, BaseException | None]:
    result = check(source)
    if isinstance(result, Refusal):
        return "", SyntaxError(result.message)
    out = io.StringIO()
    try:
        exec(result.code, namespace(out))
    except Exception as error:
        return out.getvalue(), error
    return out.getvalue(), None


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused(name: str) -> None:
    printed, error = run(ATTACKS[name] + "\nprint('ESCAPED')\n")
    assert "ESCAPED" not in printed
    assert error is not None


def test_there_are_enough_attacks() -> None:
    assert len(ATTACKS) >= 100


def test_refused_attributes_say_so_in_words() -> None:
    refusal = check("x = 1\ny = x.__class__.__base__\n")
    assert isinstance(refusal, Refusal)
    assert refusal.kind == "attribute"
    assert refusal.line == 2
    assert "`.__base__` is closed in GraphLab" in refusal.message


def _is_plain(name: str) -> bool:
    return not name.startswith("_") and name not in INNER and name not in GUARDED


def _dangers(value: object) -> bool:
    import builtins

    bad = (types.ModuleType, types.FrameType, types.CodeType, types.TracebackType)
    functions = {builtins.open, builtins.eval, builtins.exec, builtins.compile, builtins.__import__, builtins.getattr,
                 builtins.setattr, builtins.vars, builtins.globals}  # fmt: skip
    is_function = isinstance(value, (types.BuiltinFunctionType, types.FunctionType))
    return isinstance(value, bad) or (is_function and value in functions)


def test_no_public_path_leads_from_the_libraries_to_anything_dangerous() -> None:
    """Walks everything that plain attribute reads, items and dict values can reach, a few steps deep."""
    queue: deque[tuple[str, object, int]] = deque(
        (name, library(name), 0) for name in [*sorted(LIBRARY_NAMES), *sorted(TORCH_MODULES)]
    )
    names = namespace(io.StringIO())
    queue.extend((name, value, 0) for name, value in names["__builtins__"].items() if not name.startswith("_"))
    torch = library("torch")
    leaf = torch.ones(2, requires_grad=True)
    layer = torch.nn.Linear(2, 2)
    numpy = library("numpy")
    queue.extend(
        [
            ("tensor", leaf, 0),
            ("node", (leaf * 2).grad_fn, 0),
            ("module", layer, 0),
            ("optimizer", torch.optim.SGD(layer.parameters(), lr=0.1), 0),
            ("generator", torch.Generator(), 0),
            ("no_grad", torch.no_grad(), 0),
            ("array", leaf.detach().numpy(), 0),
            ("number", numpy.float32(1), 0),
            ("rng", numpy.random.default_rng(0), 0),
            ("error", ValueError("x"), 0),
            ("generator object", (each for each in [1]), 0),
            ("function", run, 0),
        ]
    )
    seen: set[int] = set()
    keep = []  # so that ids stay their own
    found = []
    while queue:
        path, value, depth = queue.popleft()
        if id(value) in seen:
            continue
        seen.add(id(value))
        keep.append(value)
        if _dangers(value) and value not in (names["__builtins__"]["getattr"],):
            found.append(path)
            continue
        if depth >= 4 or isinstance(value, (str, bytes, int, float, complex)):
            continue
        if isinstance(value, dict):
            for key, item in list(value.items())[:200]:
                queue.append((f"{path}[{key!r}]", item, depth + 1))
        elif isinstance(value, (list, tuple, set, frozenset)):
            for number, item in enumerate(list(value)[:50]):
                queue.append((f"{path}[{number}]", item, depth + 1))
        attributes = vars(value) if isinstance(value, Library) else dir(value)
        for name in attributes:
            if _is_plain(name):
                try:
                    queue.append((f"{path}.{name}", getattr(value, name), depth + 1))
                except Exception:  # a property may raise anything; then a program gets nothing either
                    continue
    assert found == []
    assert len(seen) > 2000


def test_exit_ends_the_program_and_nothing_more() -> None:
    for call in ("exit()", "quit()", "import sys\nsys.exit(0)"):
        result = check(call + "\nprint('after')")
        assert not isinstance(result, Refusal)
        out = io.StringIO()
        with pytest.raises(ProgramExit):
            exec(result.code, namespace(out))
        assert out.getvalue() == ""
