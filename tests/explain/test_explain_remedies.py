"""What the remedies write: the mended line itself, and that none leaves a text that Python can't read."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from inprocess import apply, run_program

from graphlab.explain.case import Case, Found
from graphlab.explain.names import nearest
from graphlab.explain.remedies import kit
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
    "import forgotten": ("print(Counter('aab'))\n", "from collections import Counter"),
    "scores and targets": (
        NN + "m = nn.Linear(2, 1)\ny = torch.tensor([0, 1, 1])\nloss = nn.BCELoss()(m(torch.ones(3, 2) * 9), y)\n",
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
