"""What the remedies write: the mended line itself, and that none leaves a text that Python can't read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from inprocess import apply, run_program

from graphlab.explain.case import Case, Found
from graphlab.explain.names import nearest
from graphlab.explain.remedies import kit
from graphlab.explain.results import parts_of
from graphlab.explain.signatures import really_missing
from graphlab.explain.source import Source
from graphlab.trace.records import Edit, Fix

NN = "import torch\nimport torch.nn as nn\n"
NET = NN + (
    "class Net(nn.Module):\n"
    "    def __init__(self):\n"
    "        super().__init__()\n"
    "        self.fc1 = nn.Linear(2, 1)\n"
    "    def forward(self, x):\n"
    "        return self.fc1(x)\n"
    "x = torch.ones(3, 2)\n"
)

MENDED = {
    "class called": (NET + "y = Net(x)\n", "y = Net()(x)"),
    "class kept": (NET + "net = Net\ny = net(x)\n", "net = Net()"),
    "parameters of the class": (NET + "net = Net()\nps = list(Net.parameters())\n", "ps = list(net.parameters())"),
    "slip in a name": (NET.replace("self.fc1(x)", "self.fcl(x)") + "Net()(x)\n", "        return self.fc1(x)"),
    "without self": (NET.replace("self.fc1(x)", "fc1(x)") + "Net()(x)\n", "        return self.fc1(x)"),
    "self forgotten": (NET.replace("forward(self, x)", "forward(x)") + "Net()(x)\n", "    def forward(self, x):"),
    "target forgotten": (
        NN + "pred, y = torch.zeros(3), torch.ones(3)\nloss = nn.MSELoss()(pred)\n",
        "loss = nn.MSELoss()(pred, y)",
    ),
    "detached": (
        NET + "out = Net()(x).detach()\nout.sum().backward()\n",
        "out = Net()(x)",
    ),
    "frozen": (
        NET + "net = Net()\nfor p in net.parameters():\n    p.requires_grad = False\nnet(x).sum().backward()\n",
        "    p.requires_grad = True",
    ),
    "in place": (
        "import torch\nw = torch.ones(2, requires_grad=True)\ny = w.exp()\ny.mul_(2)\ny.sum().backward()\n",
        "y = y.mul(2)",
    ),
    "loop too far": (
        "import torch\nx = torch.arange(4)\nfor i in range(len(x) + 1):\n    print(x[i])\n",
        "for i in range(len(x)):",
    ),
    "permute": ("import torch\nx = torch.zeros(2, 3, 4)\ny = x.permute(1, 0)\n", "y = x.permute(0, 2, 1)"),
    "ragged": (
        "import torch\nrows = [torch.ones(2), torch.ones(3)]\nx = torch.stack(rows)\n",
        "x = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)",
    ),
    "channels last": (
        NN + "x = torch.zeros(1, 8, 8, 3)\ny = nn.Sequential(nn.Conv2d(3, 2, 3))(x)\n",
        "y = nn.Sequential(nn.Conv2d(3, 2, 3))(x.permute(0, 3, 1, 2))",
    ),
    "list of layers": (
        NET.replace("self.fc1 = nn.Linear(2, 1)", "self.fc1 = [nn.Linear(2, 1)]")
        + "opt = torch.optim.SGD(Net().parameters(), lr=0.1)\n",
        "        self.fc1 = nn.ModuleList([nn.Linear(2, 1)])",
    ),
    "number as text": (
        "import torch\nw = torch.ones(1, requires_grad=True)\nopt = torch.optim.Adam([w], lr='0.1')\n",
        "opt = torch.optim.Adam([w], lr=0.1)",
    ),
    "bracket left open": ("x = [1, 2\nprint(len(x))\n", "x = [1, 2]"),
    "and of masks": (
        "import torch\nx = torch.arange(4)\ny = x[(x > 0) and (x < 3)]\n",
        "y = x[(x > 0) & (x < 3)]",
    ),
    "values of max": (
        "import torch\nbest = torch.ones(2, 3).max(1)\nprint(best.mean())\n",
        "print(best.values.mean())",
    ),
    "return forgotten": (
        "import torch\ndef twice(x):\n    y = x * 2\nprint(twice(torch.ones(2)).sum())\n",
        "    return y",
    ),
    "tuple taken apart": (
        NN + "attend = nn.MultiheadAttention(4, 2)\nx = torch.ones(3, 1, 4)\ny = attend(x, x, x)\nprint(x + y)\n",
        "y, _ = attend(x, x, x)",
    ),
    "tuple of an own function": (
        "import torch\ndef split(x):\n    return x[:1], x[1:]\na = split(torch.ones(3))\nprint(a.sum())\n",
        "a = split(torch.ones(3))[0]",
    ),
    "what a method gives": (
        "rows = []\nrows = rows.append(1)\nprint(rows + [2])\n",
        "rows.append(1)",
    ),
    "list given to a module": (NET + "net = Net()\nprint(net([1.0, 2.0]))\n", "print(net(torch.tensor([1.0, 2.0])))"),
    "arguments in another order": (
        "import torch\ndef scale(x, factor):\n    return x.sum() * factor\nx, factor = torch.ones(2), 3\n"
        "print(scale(factor, x))\n",
        "print(scale(x, factor))",
    ),
    "hook": (
        NN + "def keep(module, output):\n    print(output.shape)\nnet = nn.Linear(2, 1)\n"
        "net.register_forward_hook(keep)\nnet(torch.ones(1, 2))\n",
        "def keep(module, inputs, output):",
    ),
    "mean of a list": ("losses = [1.0, 2.0]\nprint(sum(losses) / losses)\n", "print(sum(losses) / len(losses))"),
    "made later": ("print(n)\nn = 3\n", "n = 3"),
    "class for a layer": (
        NN + "act = nn.ReLU\nfc = nn.Linear(2, 1)\nprint(fc(act(torch.ones(1, 2))))\n",
        "act = nn.ReLU()",
    ),
    "two losses": (
        "import torch\nw = torch.ones(2, requires_grad=True)\ns = w.exp()\na = s.sum()\nb = (s * 2).sum()\n"
        "a.backward()\nb.backward()\n",
        "(a + b).backward()",
    ),
    "missing argument in the middle": (
        "def area(width, height, unit):\n    return f'{width * height} {unit}'\nwidth, height, unit = 2, 3, 'm'\n"
        "print(area(width, unit))\n",
        "print(area(width, height, unit))",
    ),
    "last step": (
        NN + "scores = torch.zeros(2, 5, 3)\nloss = nn.CrossEntropyLoss()(scores, torch.tensor([0, 2]))\n",
        "loss = nn.CrossEntropyLoss()(scores[:, -1], torch.tensor([0, 2]))",
    ),
    "the same numbers": (
        NN + "out, x = torch.zeros(2, 4), torch.ones(2, 1, 2, 2)\nloss = nn.MSELoss()(out, x)\n",
        "loss = nn.MSELoss()(out, x.view_as(out))",
    ),
    "one more place": (
        "import torch\nn = 4\npos = torch.zeros(1, n, 2)\nx = torch.ones(3, 5, 2)\nprint(x + pos)\n",
        "pos = torch.zeros(1, n + 1, 2)",
    ),
    "index made a float": (
        "import torch\nx = torch.arange(4)\ni = x.argmax().float()\nprint(x[i])\n",
        "i = x.argmax()",
    ),
    "import forgotten": ("print(Counter('aab'))\n", "from collections import Counter"),
    "scores and targets": (
        NN
        + "torch.manual_seed(0)\nm = nn.Linear(2, 1)\ny = torch.tensor([0, 1, 1])\n"
        + "loss = nn.BCELoss()(m(torch.ones(3, 2) * 9), y)\n",
        "loss = nn.BCEWithLogitsLoss()(m(torch.ones(3, 2) * 9), y.unsqueeze(1).float())",
    ),
}


@pytest.mark.parametrize("name", MENDED)
def test_a_fix_writes_the_line_and_mends_the_program(name: str, tmp_path: Path) -> None:
    program, line = MENDED[name]
    problem = run_program(program, tmp_path / "a.trace").problem
    texts = [apply(program, fix.edits) for fix in problem.fixes]
    mended = [text for text in texts if line in text.splitlines()]
    assert mended, "\n".join(texts) or problem
    again = run_program(mended[0], tmp_path / "b.trace")
    assert again.trace is not None and again.trace.failure is None
    assert problem.code not in again.codes


def test_only_checkable_changes_of_meaning_are_maybe(tmp_path: Path) -> None:
    for number, (program, _line) in enumerate(MENDED.values()):
        for fix in run_program(program, tmp_path / f"{number}.trace").problem.fixes:
            assert fix.applicability in ("maybe", "safe") and fix.title and fix.edits


def test_what_python_cannot_read_is_left_out() -> None:
    case = Case("python", {}, "KeyError", "'no code'", 1, Source("x = 1\n"))
    found = Found(
        fixes=[Fix("breaks it", "maybe", [Edit(1, 0, 1, 1, "(")]), Fix("changes it", "maybe", [Edit(1, 4, 1, 5, "2")])]
    )
    kit.add_remedies("GL000", case, found)
    assert [fix.title for fix in found.fixes] == ["changes it"]


def test_the_same_change_is_offered_once() -> None:
    case = Case("python", {}, "KeyError", "", 1, Source("x = 1\n"))
    found = Found(fixes=[Fix(title, "maybe", [Edit(1, 4, 1, 5, "2")]) for title in ("first", "second")])
    kit.add_remedies("GL000", case, found)
    assert [fix.title for fix in found.fixes] == ["first"]


@pytest.mark.parametrize(
    ("call", "at", "left"),
    [("f(a, b, c)", 0, "f( b, c)"), ("f(a, b, c)", 1, "f(a, c)"), ("f(a, b=1)", 1, "f(a)"), ("f(a)", 0, "f()")],
)
def test_an_argument_is_left_out_with_its_comma(call: str, at: int, left: str) -> None:
    case = Case("python", {}, line=1, source=Source(call))
    node = next(case.source.calls())
    edit = kit.without_argument(case, node, [*node.args, *node.keywords][at])
    assert ast.dump(ast.parse(kit.edited(call, [edit]))) == ast.dump(ast.parse(left))


def test_a_method_is_taken_off_behind_brackets() -> None:
    for text, left in (("(a + b).detach()", "(a + b)"), ("f(x).item()", "f(x)"), ("w.item()", "w")):
        case = Case("python", {}, line=1, source=Source(text))
        node = next(c for c in case.source.calls() if isinstance(c.func, ast.Attribute))
        assert kit.edited(text, [kit.without_call(case, node)]) == left


def test_nearest_names() -> None:
    assert nearest("fcl", {"fc1", "conv"}) == ["fc1"]
    assert nearest("setp", {"step", "zero_grad"}) == ["step"]
    assert nearest("lenght", {"length"}) == ["length"]
    assert nearest("x", {"y", "z"}) == []


WIDTHS = """import torch.nn as nn
class Block(nn.Module):
    def __init__(self, width, heads=3):
        super().__init__()
        self.attend = nn.MultiheadAttention(width, heads)
wide = 16
Block(wide)
"""


def test_a_number_is_found_behind_names_arguments_and_defaults() -> None:
    source = Source(WIDTHS)
    call = next(c for c in source.calls() if isinstance(c.func, ast.Attribute) and c.func.attr == "MultiheadAttention")
    found = [source.number_behind(a) for a in call.args]
    assert [(source.text_of(f[0]), f[0].lineno, f[1]) for f in found if f is not None] == [("16", 6, 16), ("3", 3, 3)]
    twice = Source(WIDTHS + "Block(8)\n")
    call = next(c for c in twice.calls() if isinstance(c.func, ast.Attribute) and c.func.attr == "MultiheadAttention")
    assert twice.number_behind(call.args[0]) is None


@pytest.mark.parametrize(
    ("call", "missing"), [("loss(out, mu, var)", [1]), ("loss(out, x, mu)", [3]), ("loss(a, b, c)", [3])]
)
def test_the_missing_argument_is_the_one_whose_name_is_missing(call: str, missing: list[int]) -> None:
    tree = ast.parse(f"def loss(out, x, mu, var): ...\n{call}\n")
    function, statement = tree.body
    assert isinstance(function, ast.FunctionDef) and isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Call)
    assert really_missing(function, statement.value, 1) == missing


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nn.LSTM(2, 3)(x)", ["output", "state"]),
        ("x.max(1)", ["values", "indices"]),
        ("torch.max(x, 1)", ["values", "indices"]),
        ("torch.max(x, y)", []),
        ("x.max()", []),
        ("halves(x)", ["low", "x[1:]"]),
        ("x.sum(1)", []),
    ],
)
def test_parts_of_a_result_are_known(text: str, parts: list[str]) -> None:
    source = Source(f"def halves(x):\n    low = x[:1]\n    return low, x[1:]\n{text}\n")
    call = next(n.value for n in source.nodes if isinstance(n, ast.Expr))
    assert isinstance(call, ast.Call)
    assert parts_of(Case("python", {}, source=source), call)[1] == parts


def test_the_advice_names_the_fix_that_stands_first(tmp_path: Path) -> None:
    program = "import torch\nout, y = torch.randn(4, 2, 4), torch.ones(4, 2)\nprint(out.argmax(0) == y)\n"
    problem = run_program(program, tmp_path / "run.trace").problem
    assert problem.fixes[0].title == "Choose along dim 2: the result has shape (4, 2)"
    assert problem.fix.startswith(problem.fixes[0].title)
