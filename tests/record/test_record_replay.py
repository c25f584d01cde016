"""Iterations that are like one before are recorded by comparison: the trace must be the same in every bit."""

import msgspec
import pytest

from graphlab.engine.device import count_cpu
from graphlab.record.thinning import Thinned
from graphlab.trace.records import EventKind

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\ntorch.manual_seed(0)\n"
MLP = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc2(h)

X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
Y = torch.tensor([0, 1, 2])
net = Net()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(N):
    LOOP(1)
    optimizer.zero_grad()
    out = net(X)
    loss = loss_fn(out, Y)
    loss.backward()
    optimizer.step()
    #END
ENDLOOP(1)
pred = net(X)
"""
LINEAR = """
X = torch.tensor([[1.0], [2.0], [3.0]])
Y = 2 * X
w = torch.tensor(0.0, requires_grad=True)
b = torch.tensor(0.0, requires_grad=True)
for i in range(N):
    LOOP(1)
    #BEGIN
    y = w * X + b
    loss = ((y - Y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        w -= 0.01 * w.grad
        b -= 0.01 * b.grad
    w.grad = None
    b.grad = None
    #END
ENDLOOP(1)
"""
SEVERAL = MLP.replace("return self.fc2(h)", "return self.fc2(h), h * 2").replace("out = net(X)", "out, hidden = net(X)")
TWICE = """
w = torch.tensor([1.0, 2.0], requires_grad=True)
for i in range(N):
    LOOP(1)
    h = w * 2
    y = (h * h + h).sum()
    y.backward()
    z = w.sum()
    z.backward()
ENDLOOP(1)
"""
ADAM = """
net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
X = torch.ones(4, 2)
for i in range(N):
    LOOP(1)
    optimizer.zero_grad()
    loss = (net(X) ** 2).mean()
    loss.backward()
    optimizer.step()
    #END
ENDLOOP(1)
"""
MADE_INSIDE = """
w = torch.ones(3, requires_grad=True)
for i in range(N):
    LOOP(1)
    x = torch.randn(4, 3)
    noise = torch.zeros(4).add_(1.5)
    v = x.t()
    loss = (x @ w + noise + v.sum()).sum()
    loss.backward()
    w.grad.zero_()
ENDLOOP(1)
"""
INNER_LOOP = """
w = torch.ones(3, requires_grad=True)
for epoch in range(5):
    LOOP(1)
    for i in range(N):
        LOOP(2)
        h = w * 1
        for k in range(3):
            LOOP(3)
            h = h * w
        ENDLOOP(3)
        loss = h.sum()
        loss.backward()
        w.grad = None
    ENDLOOP(2)
    print("epoch", epoch)
ENDLOOP(1)
"""
GROWING = LINEAR.replace("#END", "kept.append(y)").replace("for i", "kept = []\nfor i")


def with_end(source, *lines):
    return source.replace("#END", "\n    ".join(lines))


PROGRAMS = {
    "mlp": MLP,
    "linear": LINEAR,
    "two passes": TWICE,
    "adam": ADAM,
    "made inside": MADE_INSIDE,
    "inner loop": INNER_LOOP,
    "growing": GROWING,
    "prints": with_end(MLP, "print(epoch, loss.item())"),
    "prints twice": with_end(LINEAR, "print(i)", "print('loss', loss.item())").replace("#BEGIN", "print()"),
    "prints at the start": LINEAR.replace("#BEGIN", "print('turn', i)"),
    "prints a part of a line": LINEAR.replace("    loss = ", "    hook()\n    loss = ").replace("#END", "print(i)"),
    "prints elsewhere": LINEAR.replace("#END", "if i % 9 < 5:\n        print(i)\n    else:\n        print(-i)"),
    "prints at times": with_end(MLP, "if epoch % 7 == 3:", "    print(epoch, loss.item())"),
    "prints inside": LINEAR.replace("#BEGIN", "if i % 5 == 4:\n        print('turn', i)"),
    "a part of a line": LINEAR.replace("#BEGIN", "hook()"),
    "another branch at times": LINEAR.replace("#END", "if i % 4 == 2:\n        extra = torch.exp(w)"),
    "another branch inside": LINEAR.replace(
        "    loss = ", "    if i % 6 > 3:\n        y = y * 1\n    loss = "
    ),
    "another branch in the end": LINEAR.replace("    loss = ((y", "    loss = ((y + (0 if i < 20 else torch.ones(1))"),
    "other numbers": LINEAR.replace("w * X", "w * X * (i // 9)"),
    "numbers that look alike": LINEAR.replace("w * X", "w * X * (2 if i % 2 else 2.0) * (0.0 if i % 3 else -0.0)"),
    "other params": TWICE.replace("h = w * 2", "h = torch.stack([w, w]).sum(i // 5 % 2) + w"),
    "shapes change": LINEAR.replace("#BEGIN", "X = torch.ones(3 + i // 7, 1)\n    Y = 2 * X"),
    "shapes change each time": LINEAR.replace("#BEGIN", "X = torch.ones(3 + i % 3, 1)\n    Y = 2 * X"),
    "other batches": LINEAR.replace("for i", "Xs = [X, X + 1, X + 2]\nfor i").replace("#BEGIN", "X = Xs[i // 16]"),
    "learning rate falls": with_end(MLP, "if epoch % 10 == 9:", "    optimizer.param_groups[0]['lr'] *= 0.5"),
    "breaks": with_end(MLP, "if epoch == 17:", "    break"),
    "ends inside": MLP.replace("    loss.backward()", "    if epoch == 17:\n        break\n    loss.backward()"),
    "continues": MLP.replace("    loss.backward()", "    if epoch % 5 == 4:\n        continue\n    loss.backward()"),
    "several results": SEVERAL,
    "several results at times": SEVERAL.replace("h * 2", "(h * 2 if epoch % 9 < 8 else h.sum())"),
    "several results cut": SEVERAL.replace("    loss.b", "    if epoch == 17:\n        break\n    loss.b"),
    "layers with several results": LINEAR.replace("for i", "rnn = nn.GRU(1, 2)\nfor i").replace(
        "y = w * X + b", "y, last = rnn(w * X + b)"
    ),
    "hidden state": LINEAR.replace("for i", "state = torch.zeros(3, 1)\nfor i").replace(
        "#BEGIN", "state = state * 0.5 + X"
    ),
    "views": TWICE.replace("h = w * 2", "h = (w * 2).reshape(2, 1).reshape(2)"),
    "gradients are asked for": TWICE.replace("    z = ", "    g, = torch.autograd.grad((w * w).sum(), w)\n    z = "),
    "gradients of gradients": TWICE.replace(
        "    z = w.sum()", "    g, = torch.autograd.grad((w * w * w).sum(), w, create_graph=True)\n    z = g.sum()"
    ),
    "a graph used later": TWICE.replace("y.backward()", "y.backward(retain_graph=True)").replace(
        "ENDLOOP(1)", "ENDLOOP(1)\ny.backward()"
    ),
    "a graph of the iteration before": TWICE.replace("for i", "before = w.sum()\nfor i").replace(
        "    z.backward()", "    z.backward()\n    before.backward()\n    before = (w * 3).sum()"
    ),
    "another function": LINEAR.replace(
        "for i", "def one(t): return t.exp()\ndef two(t): return t.exp()\nfor i"
    ).replace(
        "y = w", "f = one if i % 8 < 5 else two\n    y = f(X) * 0 + w"
    ),
    "a call through another": LINEAR.replace(
        "for i", "def two(t):\n    return torch.exp(t)\nfor i"
    ).replace("y = w", "f = torch.exp if i % 8 < 5 else two\n    y = f(X) * 0 + w"),
    "two outputs": LINEAR.replace("#END", "best, where = torch.max(y, 0)"),
    "a hook comes later": MLP.replace(
        "    optimizer.zero_grad()",
        "    if epoch == 20:\n        net.fc1.register_forward_hook(lambda m, a, o: torch.relu(o))\n"
        "    optimizer.zero_grad()",
    ),
    "a module comes later": MLP.replace(
        "    optimizer.zero_grad()", "    if epoch == 15:\n        net = Net()\n    optimizer.zero_grad()"
    ),
    "caught errors": LINEAR.replace(
        "#END",
        "if i % 9 == 5:\n        try:\n            y + torch.ones(7)\n        except RuntimeError:\n            pass"
    ),
    "a caught error inside": LINEAR.replace(
        "    loss = ", "    if i % 9 == 5:\n        try:\n            y + torch.ones(7)\n        except RuntimeError:\n"
        "            pass\n    loss = "
    ),
    "memory of the device": LINEAR.replace("#END", "if i == 12:\n        c = torch.ones(9, device='cuda')"),
    "on the device": LINEAR.replace("X = torch.tensor([[1.0], [2.0], [3.0]])", "X = torch.ones(3, 1, device='cuda')"),
}  # fmt: skip


def everything(trace):
    """All that a reader can see."""
    return {
        "events": trace.events,
        "tensors": trace.tensors,
        "values": [msgspec.structs.replace(value, chunk=0, offset=0) for value in trace.values],
        "arrays": [trace.array(value.id).tobytes() for value in trace.values],
        "memory": trace.memory,
        "losses": trace.losses,
        "sections": trace.sections,
        "spans": trace.spans,
        "modules": trace.modules,
        "failure": trace.failure,
    }


def assert_same(one, two):
    one, two = everything(one), everything(two)
    for kind, records in two.items():
        if isinstance(records, list):
            for at, (here, there) in enumerate(zip(one[kind], records)):
                assert here == there, (kind, at)
            assert len(one[kind]) == len(records), kind
        else:
            assert one[kind] == records


def record_both(lab, source, **options):
    traces = []
    for is_replaying in (True, False):
        lab.forget_memory()
        traces.append(lab.record(HEAD + source, is_replaying=is_replaying, **options))
    return traces


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_trace_is_the_same(lab, name):
    source = PROGRAMS[name].replace("N)", "40)")
    assert_same(*record_both(lab, source, hook=lambda recorder: recorder.printed("so far ")))


@pytest.mark.parametrize("name", ["mlp", "linear", "growing", "prints at times", "adam", "inner loop"])
def test_the_trace_is_the_same_with_counted_memory(lab, name):
    count_cpu(True)
    replayed, full = record_both(lab, PROGRAMS[name].replace("N)", "40)"))
    assert len(full.memory) > 100
    assert_same(replayed, full)


@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.001])
def test_the_trace_is_the_same_however_often_it_is_flushed(lab, seconds):
    source = PROGRAMS["mlp"].replace("N)", "60)")
    assert_same(*record_both(lab, source, flush_seconds=seconds))


@pytest.mark.parametrize("n_events", [100, 300])
def test_the_trace_is_the_same_when_iterations_are_left_out(lab, n_events):
    source = PROGRAMS["prints at times"].replace("N)", "60)")
    assert_same(*record_both(lab, source, detail_events=n_events))


@pytest.mark.parametrize("is_counted", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_what_stays_of_iterations_left_out_is_the_same(lab, name, is_counted):
    count_cpu(is_counted)
    source = PROGRAMS[name].replace("N)", "48)")
    replayed, full = record_both(
        lab, source, hook=lambda recorder: recorder.printed("so far "), detail_events=100, flush_seconds=0.002
    )
    assert not all(section.detailed for section in full.sections)
    assert_same(replayed, full)


@pytest.mark.parametrize("line", ["optimizer.zero_grad()", "loss = loss_fn", "loss.backward()", "optimizer.step()"])
@pytest.mark.parametrize("turn", [45, 46, 47])
def test_a_failure_after_iterations_left_out_is_told_the_same(lab, line, turn):
    fails = f"    if epoch == {turn}:\n        out + torch.ones(7)\n    {line}"
    source = MLP.replace(f"    {line}", fails, 1).replace("N)", "60)")
    count_cpu(True)
    replayed, full = record_both(lab, source, fails=RuntimeError, detail_events=100)
    assert_same(replayed, full)
    assert replayed.events[-1].kind == EventKind.ERROR


@pytest.mark.parametrize("seconds", [-1.0, 1e9])
def test_what_stays_does_not_depend_on_flushes(lab, seconds):
    count_cpu(True)
    source = PROGRAMS["prints at times"].replace("N)", "60)")
    assert_same(*record_both(lab, source, detail_events=100, flush_seconds=seconds))


def test_iterations_left_out_are_replayed(lab):
    source = with_end(MLP, "hook()").replace("N)", "200)")
    seen = []
    lab.forget_memory()
    lab.record(HEAD + source, hook=lambda recorder: seen.append(type(recorder._replay)), detail_events=100)
    assert seen.count(Thinned) > 140


def test_flushing_inside_an_iteration_changes_nothing(lab):
    source = MLP.replace("    loss = loss_fn", "    if epoch % 3: hook()\n    loss = loss_fn").replace("N)", "40)")
    assert_same(*record_both(lab, source, hook=lambda recorder: recorder.flush()))


@pytest.mark.parametrize("line", ["optimizer.zero_grad()", "loss = loss_fn", "loss.backward()", "optimizer.step()"])
def test_a_failure_inside_an_iteration_is_told_the_same(lab, line):
    fails = f"    if epoch == 25:\n        out + torch.ones(7)\n    {line}"
    source = MLP.replace(f"    {line}", fails, 1).replace("N)", "40)")
    replayed, full = record_both(lab, source, fails=RuntimeError)
    assert_same(replayed, full)
    assert replayed.failure.facts["operands"][0]["name"] == "out"
    assert replayed.events[-1].kind == EventKind.ERROR


def test_a_failure_inside_a_backward_pass_is_told_the_same(lab):
    source = """
class Picky(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, grad):
        if turn[0] == 25:
            raise ValueError("enough")
        return grad * 2

turn = [0]
w = torch.ones(3, requires_grad=True)
for i in range(40):
    LOOP(1)
    turn[0] = i
    loss = (Picky.apply(w * 3) * w).sum()
    loss.backward()
ENDLOOP(1)
"""
    assert_same(*record_both(lab, source, fails=ValueError))


def test_iterations_that_are_alike_are_replayed(lab):
    lab.record(HEAD + MLP.replace("N)", "40)"))
    (past,) = lab.recorder._past
    assert past[2].step.event == 18
    assert past[1] - past[0] > 36 * past[2].step.tensor


@pytest.mark.parametrize("name", ["prints", "prints twice"])
def test_iterations_that_print_are_replayed(lab, name):
    replayed, full = record_both(lab, PROGRAMS[name].replace("N)", "40)"))
    assert_same(replayed, full)
    assert len([event for event in replayed.events if event.kind == EventKind.PRINT]) >= 40
    lab.record(HEAD + PROGRAMS[name].replace("N)", "40)"))
    assert len(lab.recorder._past) == 1
