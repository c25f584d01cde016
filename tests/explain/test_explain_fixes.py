"""Broken programs as people write them: what is said of them, and that the fixes mend them when they are run again."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from inprocess import apply

from graphlab.explain import as_text, diagnose
from graphlab.explain.source import Source
from graphlab.trace.store import TraceReader, TraceWriter

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"

NET = """class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(32, 3)  # too wide

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc2(h)

model = Net()
out = model(torch.ones(5, 2))
"""

BROKEN = {
    "mean without keepdim": ("x = torch.ones(4, 3)\nm = x.mean(dim=1)\nprint(x - m)\n", "GL101", "`m`", "keepdim=True"),
    "add of a vector": ("a = torch.ones(2, 3)\nc = torch.add(a, torch.ones(2))\n", "GL101", "(2, 3)", ".unsqueeze(1)"),
    "in-place add": ("a = torch.ones(2, 3)\na += torch.ones(2)\n", "GL101", "`a`", ".unsqueeze(1)"),
    "matrix and vector": ("A = torch.ones(3, 4)\nprint(torch.mv(A, torch.ones(3)))\n", "GL102", "`A`", "A.T"),
    "dot": ("a = torch.ones(3)\nb = torch.ones(4)\nprint(torch.dot(a, b))\n", "GL102", "(4,)", "torch.ones(3)"),
    "bmm": ("a = torch.ones(2, 3, 4)\nprint(torch.bmm(a, a))\n", "GL102", "(2, 3, 4)", "transpose(-2, -1)"),
    "swapped": ("a = torch.ones(4, 5)\nb = torch.ones(3, 4)\nprint(a @ b)\n", "GL102", "5", "b @ a"),
    "class too wide": (NET, "GL103", "`model.fc2`", "nn.Linear(16, 3)  # too wide"),
    "first layer": ("net = nn.Linear(3, 1)\nprint(net(torch.ones(10, 2)))\n", "GL103", "3 features", "nn.Linear(2, 1)"),
    "one feature": ("net = nn.Linear(1, 1)\nx = "
        "torch.ones(3)\nprint(net(x))\n", "GL103", "1 feature,", "x.unsqueeze(1)"),
    "images": ("net = nn.Linear(784, 10)\nx = torch.zeros(2, 1, 28, 28)\nnet(x)\n", "GL103", "28", "x.flatten(1)"),
    "one-hot integers": (
        "s = torch.zeros(2, 2)\ny = torch.tensor([[1, 0], [0, "
            "1]])\nF.cross_entropy(s, y)\n", "GL406", "`y`", "y.float()",
    ),
    "labels from 1": ("s = torch.zeros(3, 3)\ny = torch.tensor([1, 2, "
        "3])\nF.cross_entropy(s, y)\n", "GL405", "0 to 2", "y - 1"),
    "column in a loop": (
        "f = nn.CrossEntropyLoss()\ns = torch.zeros(2, 3)\ny = torch.tensor([[0], [1]])\n"
        "for i in range(2):\n    loss = f(s, y)\n", "GL401", "`y`", "y.squeeze(1)",
    ),
    "arange": ("x = torch.arange(5).requires_grad_()\n", "GL301", "int64", "dtype=torch.float32"),
    "vector expression": ("x = torch.ones(3, requires_grad=True)\n(x * 2).backward()\n", "GL302", "3", "(x * 2).sum()"),
    "loss once for all": (
        "w = torch.tensor(1.0, requires_grad=True)\nloss = (w * 3) ** 2\nfor i in range(3):\n    loss.backward()\n",
        "GL304", "second time", "retain_graph=True",
    ),
    "update by hand": (
        "w = torch.tensor([1.0], requires_grad=True)\nfor i in range(2):\n    (w ** 2).sum().backward()\n    w "
            "-= 0.1 * w.grad\n",
        "GL305", "`-=`", "with torch.no_grad():\n        w -=",
    ),
    "jacobian of tensors": (
        "x = torch.ones(2, 3)\ny = x ** 2\nprint(torch.autograd.functional.jacobian(y, "
            "x))\n", "GL307", "`y`", "lambda x: x ** 2",
    ),
    "softmax module": ("soft = nn.Softmax()\nprint(soft(torch.ones(2, 3)))\n", "GL410", "(2, 3)", "nn.Softmax(dim=1)"),
    "integers into a layer": ("net = nn.Linear(2, 1)\nx = torch.tensor([[1, "
        "2]])\nnet(x)\n", "GL201", "`x`", "x.float()"),
    "data left behind": ("net = nn.Linear(2, 1).to('cuda')\nx = torch.ones(1, "
        "2)\nnet(x)\n", "GL203", "`x`", 'x.to("cuda")'),
    "forgotten import": ("y = math.pi\n", "GL801", "`math`", "import math"),
    "model instead of parameters": (
        "net = nn.Linear(2, 1)\nopt = torch.optim.SGD(net, lr=0.1)\n", "GL703", "`net`", "net.parameters()",
    ),
    "one tensor too large": ("x = torch.zeros(10 ** 6, 10 ** 4, "
        "device='cuda')\n", "GL501", "37.25 GiB", "torch.zeros(131072,"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_program_is_explained_and_mended(name: str, run: Callable) -> None:
    body, code, said, mended_text = BROKEN[name]
    ran = run(HEAD + body)
    assert ran.codes == [code], ran.trace.failure
    problem = ran.problem
    assert said in problem.what, problem.what
    assert problem.fixes
    for fix in problem.fixes:
        assert fix.title and "{" not in fix.title
        assert not fix.verified
        ast.parse(apply(ran.source, fix.edits))
    mended = [apply(ran.source, fix.edits) for fix in problem.fixes]
    chosen = next((text for text in mended if mended_text in text), None)
    assert chosen is not None, mended
    again = run(chosen)
    assert again.trace.failure is None
    assert again.codes == []


CLEAN = {
    "gradient accumulation": """w = torch.tensor(1.0, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.01)
for i in range(8):
    ((w * 2.0 - 3.0) ** 2 / 4).backward()
    if i % 4 == 3:
        opt.step()
        opt.zero_grad()
""",
    "gradients set to nothing": """w = torch.tensor(1.0, requires_grad=True)
for i in range(5):
    loss = (w * 2.0 - 3.0) ** 2
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
    w.grad = None
""",
    "pairwise distances": """a = torch.tensor([[1.0], [2.0], [3.0]])
b = torch.tensor([1.0, 2.0, 3.0])
d = ((a - b) ** 2).mean()
""",
    "softmax to look at": """net = nn.Linear(2, 3)
x = torch.ones(4, 2)
loss = F.cross_entropy(net(x), torch.tensor([0, 1, 2, 0]))
loss.backward()
print(F.softmax(net(x), dim=1))
""",
    "a loss that rises a little": """w = torch.tensor(1.0, requires_grad=True)
for i in range(6):
    loss = w * float(i + 1)
    loss.backward()
""",
    "infinities that nobody learns from": "x = torch.tensor([1.0, 0.0])\nprint(1.0 / x)\n",
}


@pytest.mark.parametrize("name", CLEAN)
def test_clean_program_raises_no_alarm(name: str, run: Callable) -> None:
    ran = run(HEAD + CLEAN[name])
    assert ran.trace.failure is None, ran.trace.failure
    assert ran.codes == []


def test_batch_that_fits_counts_what_backward_needs(run: Callable) -> None:
    body = (
        "net = nn.Sequential(nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10)).to('cuda')\n"
        "x = torch.zeros(200000, 4096, device='cuda')\nloss = net(x).sum()\nloss.backward()\n"
    )
    ran = run(HEAD + body)
    assert ran.codes == ["GL501"]
    problem = ran.problem
    assert "`x` (3.05 GiB)" in problem.why
    again = run(apply(ran.source, problem.fixes[0].edits))
    assert again.trace.failure is None


def test_graph_cut_by_no_grad_is_found(run: Callable) -> None:
    body = "w = torch.tensor(1.0, requires_grad=True)\nwith torch.no_grad():\n    loss = w * 2\nloss.backward()\n"
    problem = run(HEAD + body).problem
    assert problem.code == "GL303"
    assert "line 6" in problem.what


def test_first_not_finite_number_is_traced_to_its_birth(run: Callable) -> None:
    body = """w = torch.tensor(0.0, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
for i in range(3):
    loss = torch.sqrt(w * w)
    opt.zero_grad()
    loss.backward()
    opt.step()
"""
    problem = run(HEAD + body).problem
    assert problem.code == "GL601"
    assert "`sqrt` of line 7" in problem.what
    assert problem.line == 7


def test_drawing_marks_the_clash(run: Callable) -> None:
    problem = run(HEAD + BROKEN["mean without keepdim"][0]).problem
    assert problem.picture is not None
    assert [o.marked for o in problem.picture.operands] == [[1], [0]]
    assert "^" in as_text(problem.picture)


def test_limit_is_told_instead_of_its_exception(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "limit.trace")
    writer.set_meta("source", "while True:\n    pass\n")
    writer.set_meta("outcome", {"type": "ended", "status": "limit", "limit": "seconds", "line": 1})
    writer.close()
    trace = TraceReader(tmp_path / "limit.trace")
    (problem,) = diagnose(trace)
    trace.close()
    assert problem.code == "GL805"
    assert "time" in problem.title


def test_fix_does_not_make_a_table_of_all_pairs(run: Callable) -> None:
    problem = run(HEAD + "p = torch.ones(4, 1)\ny = torch.ones(9, 1)[:2]\nprint(p - y)\n").problem
    assert problem.code == "GL101"
    assert not [fix for fix in problem.fixes if ".T" in fix.title]


def test_titles_stay_on_one_line(run: Callable) -> None:
    body = "F.cross_entropy(\n    torch.zeros(2, 4),\n    torch.tensor([[0],\n                  [1]]),\n)\n"
    problem = run(HEAD + body).problem
    assert problem.code == "GL401"
    assert problem.fixes
    assert not [fix for fix in problem.fixes if "\n" in fix.title]


def test_edits_count_characters_not_bytes(run: Callable) -> None:
    ran = run(HEAD + "名 = torch.ones(2, 3); é = torch.ones(2); print(名 + é)\n")
    mended = apply(ran.source, ran.problem.fixes[0].edits)
    assert "print(名 + é.unsqueeze(1))" in mended


def test_argument_goes_before_a_trailing_comma() -> None:
    source = Source("f(\n    a,\n    b,\n)\ng()\n")
    f, g = source.calls()
    assert apply(source.text, [source.add_argument(f, "c=1")]) == "f(\n    a,\n    b, c=1,\n)\ng()\n"
    assert apply(source.text, [source.add_argument(g, "c=1")]).endswith("g(c=1)\n")
