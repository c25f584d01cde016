"""Names that aren't there: the module before them, an import, a spelling, a beginning."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.names import members_of, nearest
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    enclosing,
    line_after,
    maybe,
    on_line,
    remedy,
    statement,
    without_statement,
)
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

_HOMES = {
    "Dataset": "from torch.utils.data import Dataset",
    "DataLoader": "from torch.utils.data import DataLoader",
    "TensorDataset": "from torch.utils.data import TensorDataset",
    "random_split": "from torch.utils.data import random_split",
    "Subset": "from torch.utils.data import Subset",
    "Categorical": "from torch.distributions import Categorical",
    "Normal": "from torch.distributions import Normal",
    "Bernoulli": "from torch.distributions import Bernoulli",
    "SummaryWriter": "",
    "pad_sequence": "from torch.nn.utils.rnn import pad_sequence",
    "pack_padded_sequence": "from torch.nn.utils.rnn import pack_padded_sequence",
    "clip_grad_norm_": "from torch.nn.utils import clip_grad_norm_",
    "StepLR": "from torch.optim.lr_scheduler import StepLR",
    "SGD": "from torch.optim import SGD",
    "Adam": "from torch.optim import Adam",
    "AdamW": "from torch.optim import AdamW",
    "tensor": "from torch import tensor",
    "randn": "from torch import randn",
    "copy": "import copy",
    "deepcopy": "from copy import deepcopy",
    "time": "import time",
    "collections": "import collections",
    "defaultdict": "from collections import defaultdict",
    "Counter": "from collections import Counter",
    "deque": "from collections import deque",
    "OrderedDict": "from collections import OrderedDict",
    "namedtuple": "from collections import namedtuple",
    "partial": "from functools import partial",
    "itertools": "import itertools",
    "functools": "import functools",
    "product": "from itertools import product",
    "dataclass": "from dataclasses import dataclass",
    "sqrt": "from math import sqrt",
    "pi": "from math import pi",
    "exp": "from torch import exp",
    "log": "from math import log",
    "ceil": "from math import ceil",
    "floor": "from math import floor",
    "func": "from torch import func",
    "vmap": "from torch.func import vmap",
    "grad": "from torch.func import grad",
    "jacrev": "from torch.func import jacrev",
    "jacobian": "from torch.autograd.functional import jacobian",
    "lr_scheduler": "from torch.optim import lr_scheduler",
    "autograd": "from torch import autograd",
    "Function": "from torch.autograd import Function",
    "Variable": "from torch.autograd import Variable",
    "Parameter": "from torch.nn import Parameter",
    "init": "from torch.nn import init",
    "data": "from torch.utils import data",
}


def _import(case: Case, text: str) -> Edit:
    line = 1
    for node in case.source.tree.body if case.source.tree is not None else []:
        if isinstance(node, ast.Import | ast.ImportFrom):
            line = (node.end_lineno or node.lineno) + 1
        elif not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            break
    if line > len(case.source.lines):
        return case.source.insert_at(len(case.source.lines), len(case.source.lines[-1]), "\n" + text)
    return case.source.insert_at(line, 0, text + "\n")


@remedy("GL801", is_cause=True)
def made_later(case: Case, found: Found) -> Iterator[Fix]:
    """A name that the module sets further down: the line that uses it belongs below."""
    name, where = str(found.facts.get("name") or ""), statement(case)
    body = case.source.tree.body if case.source.tree is not None else []
    if where not in body or case.facts.get("is_unbound"):
        return
    later = next((s for s in body[body.index(where) + 1 :] if name in _names_set(s)), None)
    if later is None or where is None:
        return
    found.words.update(at=later.lineno, line=case.line)
    found.what = N_("Line {line} uses {name}, but it is made further down, on line {at}.")
    found.why = N_("A program runs from top to bottom: a name can be used only below the line that makes it.")
    found.fix = N_("Move line {line} below line {at}.")
    text = case.source.text_of(where)
    yield maybe(
        N_("Move line {line} below line {at}"),
        [without_statement(case, where), line_after(case, later, text)],
        line=case.line,
        at=later.end_lineno or later.lineno,
    )


def _names_set(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else []
    return {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}


@remedy("GL801", leads=True)
def name_from_elsewhere(case: Case, found: Found) -> Iterator[Fix]:
    """`fc1(x)` → `self.fc1(x)`, `Linear` → `nn.Linear`, an import that is missing."""
    name = str(found.facts.get("name") or "")
    uses = [n for n in on_line(case, ast.Name) if n.id == name and isinstance(n.ctx, ast.Load)]
    if not name or not uses:
        return
    cls = next(enclosing(case, uses[0], ast.ClassDef), None)
    if cls is not None:
        own = {t.attr for n in ast.walk(cls) for t in [n] if isinstance(t, ast.Attribute) and dotted(t.value) == "self"}
        own |= {f.name for f in cls.body if isinstance(f, ast.FunctionDef)}
        if name in own:
            yield maybe(
                N_("Take it from the module: `self.{name}`"),
                [case.source.insert_at(u.lineno, case.source.place(u)[1], "self.") for u in uses],
                name=name,
            )
    aliases = {
        "nn": ("Linear", "Conv2d", "Conv1d", "Module", "Sequential", "ReLU", "Dropout", "Embedding", "LSTM", "GRU",
               "CrossEntropyLoss", "MSELoss", "BCELoss", "BCEWithLogitsLoss", "BatchNorm1d", "BatchNorm2d", "MaxPool2d",
               "Flatten", "Softmax", "Sigmoid", "Tanh", "LayerNorm", "ModuleList", "NLLLoss", "L1Loss"),
        "F": ("cross_entropy", "mse_loss", "nll_loss", "one_hot", "relu", "max_pool2d", "log_softmax", "softmax",
              "binary_cross_entropy", "pad", "dropout", "interpolate"),
        "torch": ("zeros", "ones", "rand", "randn", "arange", "randint", "tensor", "cat", "stack", "no_grad",
                  "manual_seed", "sigmoid", "tanh", "exp", "matmul", "mean", "float32", "float64", "long", "int64",
                  "linspace", "eye",
                  "sqrt", "relu", "where", "Tensor", "randperm", "argmax", "optim", "device"),
    }  # fmt: skip
    for module, members in aliases.items():
        if name in members and _imported(case, module):
            yield maybe(
                N_("Write `{text}`"),
                [case.source.insert_at(u.lineno, case.source.place(u)[1], f"{module}.") for u in uses],
                text=f"{module}.{name}",
            )
    text = _HOMES.get(name, "")
    if not text and name in aliases["nn"]:
        text = f"from torch.nn import {name}"
    if text:
        yield maybe(N_("Add `{text}` at the top"), [_import(case, text)], text=text)


def _imported(case: Case, name: str) -> bool:
    return any(
        (a.asname or a.name) == name
        for n in case.source.nodes
        if isinstance(n, ast.Import | ast.ImportFrom)
        for a in n.names
    )


@remedy("GL801", leads=True)
def unbound(case: Case, found: Found) -> Iterator[Fix]:
    """A name that a function counts up without having begun: from 0, or the one outside."""
    name = str(found.facts.get("name") or "")
    uses = [n for n in on_line(case, ast.Name) if n.id == name]
    if not uses or not (case.facts.get("is_unbound") or "local variable" in message_of(case)):
        return
    function = next(enclosing(case, uses[0], ast.FunctionDef), None)
    if function is None:
        return
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(function.body) > 1:
        first = function.body[1]
    is_global = any(
        isinstance(n, ast.Name)
        and n.id == name
        and isinstance(n.ctx, ast.Store)
        and case.source.scope_of(n) is case.source.tree
        for n in case.source.nodes
    )
    if is_global:
        yield maybe(
            N_("Change the variable outside of the function: `global {name}`"),
            [case.source.line_before(first, f"global {name}")],
            name=name,
        )
    where = statement(case)
    if isinstance(where, ast.AugAssign) and dotted(where.target) == name:
        start = "1" if isinstance(where.op, ast.Mult) else ("[]" if isinstance(where.value, ast.List) else "0")
        yield maybe(
            N_("Let it begin with {start}: `{name} = {start}`"),
            [case.source.line_before(first, f"{name} = {start}")],
            name=name,
            start=start,
        )


@remedy("GL802", leads=True)
def attribute_nearest(case: Case, found: Found) -> Iterator[Fix]:
    """A layer, parameter or buffer with nearly that name; the module itself."""
    name, owner = str(found.facts.get("name") or ""), str(found.facts.get("owner") or "")
    cls = case.source.class_of(owner)
    if not name:
        return
    if cls is None:
        yield from _renamed(case, found, name, nearest(name, members_of(owner)) if not found.fixes else [])
        return
    known = {n.attr for n in ast.walk(cls) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    known |= {f.name for f in cls.body if isinstance(f, ast.FunctionDef)}
    for call in ast.walk(cls):
        if (
            isinstance(call, ast.Call)
            and called(call) in ("register_buffer", "register_parameter", "add_module")
            and call.args
        ):
            first = call.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                known.add(first.value)
    if any(dotted(b).endswith("Module") for b in cls.bases):
        known |= members_of("Module")
    yield from _renamed(case, found, name, nearest(name, known - {name})[:2])


def _renamed(case: Case, found: Found, name: str, names: list[str]) -> Iterator[Fix]:
    """The attribute under the names that come nearest."""
    for near in names:
        for use in on_line(case, ast.Attribute):
            if use.attr == name:
                _line, _column, end_line, end_column = case.source.place(use)
                found.words["near"] = words.code(near)
                if "cause" not in found.facts:
                    found.fix = N_("Did you mean {near}?")
                yield maybe(
                    N_("Write {near}"),
                    [Edit(end_line, end_column - len(name), end_line, end_column, near)],
                    near=words.code(near),
                )
                break
