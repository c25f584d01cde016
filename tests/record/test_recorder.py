"""What a run leaves in its trace: real programs on the real engine."""

import numpy as np
import pytest

from graphlab.analysis.chain import chain_rule
from graphlab.analysis.flow import flow_graph
from graphlab.analysis.values import gradient_at, tensors_at, value_at
from graphlab.engine.device import count_cpu
from graphlab.trace.records import EventKind, TensorKind, ValueForm
from graphlab.trace.store import TraceReader

MLP = """
import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(16, 3)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc2(h)

torch.manual_seed(0)
X = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
Y = torch.tensor([0, 1, 2])
net = Net()
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(4):
    LOOP(1)
    optimizer.zero_grad()
    out = net(X)
    loss = loss_fn(out, Y)
    loss.backward()
    optimizer.step()
    print("epoch", epoch)
ENDLOOP(1)
print("done")
"""

PARAMETERS = ["net.fc1.weight", "net.fc1.bias", "net.fc2.weight", "net.fc2.bias"]


def tensor_named(trace, name):
    return next(tensor for tensor in trace.tensors if tensor.name == name)


def events_of(trace, kind):
    return [event for event in trace.events if event.kind == kind]


def test_the_mlp_is_told_with_its_names_and_modules(lab, tell):
    trace = lab.record(MLP)
    assert tell(trace, EventKind.FORWARD)[:4] == [
        "linear(X, net.fc1.weight, net.fc1.bias) -> _",
        "relu(_) -> h",
        "linear(h, net.fc2.weight, net.fc2.bias) -> out",
        "cross_entropy(out, Y) -> loss",
    ]
    forward = events_of(trace, EventKind.FORWARD)[:4]
    assert [(event.module, event.depth) for event in forward] == [
        ("net.fc1", 2), ("net", 1), ("net.fc2", 2), ("loss_fn", 1),
    ]  # fmt: skip
    assert [(module.path, module.type) for module in trace.modules] == [
        ("net", "Net"), ("net.fc1", "Linear"), ("net.fc2", "Linear"), ("loss_fn", "CrossEntropyLoss"),
    ]  # fmt: skip
    parameters = [tensor for tensor in trace.tensors if tensor.kind == TensorKind.PARAMETER]
    assert [tensor.name for tensor in parameters] == PARAMETERS
    assert all(tensor.requires_grad for tensor in parameters)


def test_each_backward_step_belongs_to_its_forward_one(lab):
    trace = lab.record(MLP)
    backward = events_of(trace, EventKind.BACKWARD)
    assert [event.op for event in backward[:4]] == ["cross_entropy", "linear", "relu", "linear"]
    for event in backward:
        forward = trace.events[event.forward]
        assert forward.kind == EventKind.FORWARD and forward.op == event.op and forward.module == event.module
        for gradient, tensor in [*zip(event.inputs, forward.outputs), *zip(event.outputs, forward.inputs)]:
            if gradient >= 0:
                assert trace.tensors[gradient].of == tensor
                assert trace.tensors[gradient].shape == trace.tensors[tensor].shape
    assert sorted({event.root for event in backward}) == [0, 1, 2, 3]


def test_values_are_the_engines_own_numbers(lab):
    seen = {}
    source = MLP.replace('    print("epoch", epoch)', '    print("epoch", epoch)\n    keep(epoch, net, loss)')
    source = source.replace("import torch\n", "import torch\nkeep = hook()\n", 1)

    def keep(epoch, net, loss):
        seen[epoch] = (loss.item(), net.fc1.weight._array.copy(), net.fc1.weight.grad._array.copy())

    trace = lab.record(source, hook=lambda _recorder: keep)
    weight = tensor_named(trace, "net.fc1.weight").id
    assert [loss.value for loss in trace.losses] == [seen[epoch][0] for epoch in range(4)]
    for section in trace.sections[1:5]:
        _, numbers, gradient = seen[section.iteration]
        last = section.end - 1
        assert np.array_equal(trace.array(value_at(trace, weight, last).id), numbers)
        assert np.array_equal(trace.array(gradient_at(trace, weight, last).id), gradient)


def test_iterations_are_the_turns_of_the_training_loop(lab):
    trace = lab.record(MLP)
    assert [(section.kind, section.iteration) for section in trace.sections] == [
        ("setup", -1), ("iteration", 0), ("iteration", 1), ("iteration", 2), ("iteration", 3), ("after", -1),
    ]  # fmt: skip
    assert trace.sections[0].first == 0 and trace.sections[-1].end == len(trace.events)
    assert all(a.end == b.first for a, b in zip(trace.sections, trace.sections[1:]))
    assert [(loss.name, loss.iteration) for loss in trace.losses] == [("loss", n) for n in range(4)]
    signatures = {flow_graph(trace, section).signature for section in (1, 2, 3, 4)}
    assert len(signatures) == 1, "iterations have one layout"


def test_updates_say_the_settings_and_the_new_value(lab, tell):
    trace = lab.record(MLP)
    updates = events_of(trace, EventKind.UPDATE)
    assert tell(trace, EventKind.UPDATE)[:4] == [f"SGD({name}, {name}.grad) -> {name}" for name in PARAMETERS]
    assert updates[0].params["lr"] == 0.1
    assert updates[0].values[0] >= 0


def test_an_empty_tensor_has_an_empty_value(lab):
    trace = lab.record("""
import torch
nothing = torch.zeros(0, 3)
""")
    (value,) = [value for value in trace.values if trace.tensors[value.tensor].name == "nothing"]
    assert trace.array(value.id).shape == (0, 3)


def test_what_a_loop_fetches_is_marked_at_its_head_not_over_its_body(lab):
    trace = lab.record("""
import torch
rows = torch.utils.data.DataLoader(torch.ones(4, 3), batch_size=2)
for row in rows:
    total = row.sum()
""")
    batches = [trace.spans[event.span] for event in trace.events if event.op == "batch"]
    assert len(batches) == 2
    for span in batches:
        assert (span.line, span.column, span.end_line, span.end_column) == (3, 4, 3, 15)


def test_spans_are_exact(lab):
    trace = lab.record(MLP)
    lines = trace.source.splitlines()
    texts = {}
    for event in trace.events:
        if event.span >= 0:
            span = trace.spans[event.span]
            assert span.line == span.end_line
            texts[event.kind, event.op] = lines[span.line - 1][span.column : span.end_column]
    assert texts[EventKind.FORWARD, "relu"] == "torch.relu(self.fc1(x))"
    assert texts[EventKind.BACKWARD, "relu"] == "torch.relu(self.fc1(x))"
    assert texts[EventKind.FORWARD, "cross_entropy"] == "loss_fn(out, Y)"
    assert texts[EventKind.UPDATE, "SGD"] == "optimizer.step()"
    assert texts[EventKind.ACCUMULATE, "backward"] == "loss.backward()"
    assert texts[EventKind.ACCUMULATE, "accumulate"] == "loss.backward()"
    assert texts[EventKind.INPLACE, "zero_grad"] == "optimizer.zero_grad()"
    functions = {span.function for span in trace.spans}
    assert {"", "Net.forward"} <= functions


def test_prints_are_events_a_line_each(lab):
    trace = lab.record(MLP)
    assert [event.text for event in events_of(trace, EventKind.PRINT)] == [
        "epoch 0", "epoch 1", "epoch 2", "epoch 3", "done",
    ]  # fmt: skip


def test_what_is_printed_last_without_an_end_of_line_is_kept(lab):
    trace = lab.record("hook()", hook=lambda recorder: recorder.printed("no end"))
    assert [event.text for event in trace.events] == ["no end"]


def test_the_bias_is_added_up_over_the_batch_in_the_chain_rule(lab):
    trace = lab.record(
        """
import torch
x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
w = torch.tensor([0.5, -1.0], requires_grad=True)
y = x * w
loss = torch.sum(y)
loss.backward()
"""
    )
    event = next(e for e in trace.events if e.kind == EventKind.BACKWARD and e.op == "mul")
    (link,) = chain_rule(trace, event.id).links
    assert (link.input_name, link.output_name, link.root_name) == ("w", "y", "loss")
    assert link.local.tolist() == [[1, 2], [3, 4]]
    assert link.outgoing.tolist() == [4, 6]
    assert link.is_summed and link.is_exact


def test_two_uses_give_two_contributions_and_their_sum(lab, tell):
    trace = lab.record(
        """
import torch
w = torch.tensor(3.0, requires_grad=True)
h = w * 2
y = h * h + h
y.backward()
"""
    )
    assert tell(trace, EventKind.BACKWARD, EventKind.ACCUMULATE) == [
        "backward() -> grad y",
        "add(grad y) -> grad _, grad h",
        "mul(grad _) -> grad h, grad h",
        "add(grad h, grad h) -> grad h",
        "add(grad h, grad h) -> grad h",
        "mul(grad h) -> grad w, -",
        "accumulate(grad w) -> w.grad",
    ]
    added = [e for e in events_of(trace, EventKind.ACCUMULATE) if e.op == "add"]
    assert added[1].inputs[0] == added[0].outputs[0], "the second sum goes on from the first"
    numbers = [[float(trace.array(value_at(trace, t, e.id).id)) for t in (*e.inputs, *e.outputs)] for e in added]
    assert [sorted(row[:2]) + row[2:] for row in numbers] == [[1, 6, 7], [6, 7, 13]]
    assert all(trace.events[e.forward].op == "mul" for e in added), "h is what the first mul made"


def test_gradients_that_are_not_cleared_add_up(lab, tell):
    trace = lab.record(
        """
import torch
w = torch.tensor(1.0, requires_grad=True)
for i in range(3):
    LOOP(1)
    y = w * 2
    y.backward()
    if i == 1:
        w.grad = None
ENDLOOP(1)
"""
    )
    steps = [t for t in tell(trace, EventKind.ACCUMULATE) if t.startswith("accumulate")]
    assert steps == [
        "accumulate(grad w) -> w.grad",
        "accumulate(w.grad, grad w) -> w.grad",
        "accumulate(grad w) -> w.grad",
    ]
    grad = tensor_named(trace, "w.grad").id
    ends = [section.end - 1 for section in trace.sections if section.kind == "iteration"]
    assert [float(trace.array(value_at(trace, grad, end).id)) for end in ends] == [2, 4, 2]


def test_zero_grad_clears_gradients_in_the_trace_too(lab):
    trace = lab.record(MLP)
    weight = tensor_named(trace, "net.fc1.weight").id
    clears = [e.id for e in events_of(trace, EventKind.INPLACE) if e.op == "zero_grad"]
    assert len(clears) == 4
    assert gradient_at(trace, weight, clears[1] - 1) is not None
    assert gradient_at(trace, weight, clears[1]) is None
    rows = {row.name: row for row in tensors_at(trace, clears[1])}
    assert rows["net.fc1.weight"].grad_norm is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a = torch.ones(2)", ["a"]),
        ("a, b = torch.ones(2), torch.zeros(3)", ["a", "b"]),
        ("a: object = torch.ones(2)", ["a"]),
        ("(a := torch.ones(2))", ["a"]),
        ("a = torch.ones(2).requires_grad_()", ["a"]),
        ("a = nn.Parameter(torch.ones(2))", ["a"]),
        ("class C: pass\nC.w = torch.ones(2)", ["C.w"]),
        ("d = {}\nd['k'] = torch.ones(2)", ["d['k']"]),
        ("xs = [torch.ones(1), torch.ones(2)]", ["xs[0]", "xs[1]"]),
        ("def f():\n    return torch.ones(2)\na = f()", ["a"]),
        ("def f():\n    return torch.ones(2)\ndef g():\n    return f()\na = g()", ["a"]),
        ("f = lambda: torch.ones(2)\na = f()", ["a"]),
        ("torch.ones(2)", [""]),
        ("é = 'é'; a = torch.ones(2)", ["a"]),
    ],
)
def test_tensors_take_the_names_of_variables(lab, text, names):
    trace = lab.record("import torch\nimport torch.nn as nn\n" + text)
    created = [event.outputs[0] for event in trace.events if event.kind == EventKind.CREATE]
    assert [trace.tensors[t].name for t in created] == names


def test_only_the_last_operator_of_an_expression_takes_the_name(lab, tell):
    trace = lab.record(
        """
import torch
import torch.nn as nn
torch.manual_seed(0)
x = torch.ones(1, 2)
block = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2))
y = block(x)
z = (y * 2).sum()
"""
    )
    assert tell(trace, EventKind.FORWARD) == [
        "linear(x, block.0.weight, block.0.bias) -> _",
        "relu(_) -> _",
        "linear(_, block.2.weight, block.2.bias) -> y",
        "mul(y, -) -> _",
        "sum(_) -> z",
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("q, k, v = x.split(1)", ["q", "k", "v"]),
        ("q, *rest = x.split(1)", ["", "", ""]),
        ("for part in x.split(1):\n    pass", ["part", "part", "part"]),
        ("for i, (a, b) in enumerate(zip(x.chunk(3), x.split(1))):\n    pass", ["a"] * 3 + ["b"] * 3),
        ("parts = [part for part in x.split(1)]", ["part", "part", "part"]),
        ("for row in x * 2:\n    pass", ["", "row", "row", "row"]),
        ("_, place = x.max(1)", ["", "place"]),
        ("parts = x.split(1)", ["parts[0]", "parts[1]", "parts[2]"]),
        ("def f(x):\n    return x * 2, x + 1, x - 1\na, _, b = f(x)", ["a", "", "b"]),
        ("def f(x):\n    return x * 2, x + 1\npair = f(x)", ["pair[0]", "pair[1]"]),
        ("def f(x):\n    return x * 2, x + 1\ndef g(x):\n    return f(x)\na, b = g(x)", ["a", "b"]),
        ("def f(x):\n    return x * 2, x + 1\ndef g(x):\n    return f(x), x\na, b = g(x)", ["", ""]),
        ("f = lambda x: (x * 2 + 1, x)\na, b = f(x)", ["", "a"]),
        ("def f(x):\n    h = x * 2\n    return h, h + 1\na, b = f(x)", ["h", "b"]),
    ],
)
def test_values_made_together_take_a_name_each(lab, text, names):
    trace = lab.record(f"import torch\nx = torch.ones(3, 2)\n{text}")
    assert [trace.tensors[t].name for e in events_of(trace, EventKind.FORWARD) for t in e.outputs] == names


@pytest.mark.parametrize("flush_seconds", [10.0, -1.0])
@pytest.mark.parametrize(
    ("layer", "call", "names"),
    [
        ("nn.LSTM(2, 3)", "out, (h, c) = net(x)", ["out", "h", "c"]),
        ("nn.LSTM(2, 3)", "out, (_, c) = net(x)", ["out", "c"]),
        ("nn.GRU(2, 3)", "_, last = net(x)", ["last"]),
        ("nn.GRU(2, 3)", "both = net(x)", ["both[0]", "both[1]"]),
        ("nn.MultiheadAttention(2, 1)", "y, weights = net(x, x, x)", ["weights", "y"]),
        ("nn.MultiheadAttention(2, 1)", "y, _ = net(x, x, x, need_weights=False)", ["y"]),
    ],
)
def test_what_a_layer_gives_takes_a_name_each(lab, layer, call, names, flush_seconds):
    text = f"import torch\nimport torch.nn as nn\nx = torch.ones(4, 2)\nnet = {layer}\n{call}"
    trace = lab.record(text, flush_seconds=flush_seconds)
    made = [trace.tensors[t].name for e in events_of(trace, EventKind.FORWARD) for t in e.outputs]
    assert sorted(name for name in made if name) == sorted(names)


def test_the_name_is_taken_back_also_from_a_tensor_on_disk(lab, tell):
    source = """
import torch
import torch.nn as nn
x = torch.ones(1, 2)
block = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
y = block(x)
"""
    trace = lab.record(source, flush_seconds=-1.0)  # every event is flushed at once
    assert tell(trace, EventKind.FORWARD) == ["linear(x, block.0.weight, block.0.bias) -> _", "relu(_) -> y"]


def test_numbers_in_the_place_of_tensors_are_parameters(lab):
    trace = lab.record("import torch\nx = torch.ones(2)\ny = x * 3\nz = 1 - y")
    mul, sub = events_of(trace, EventKind.FORWARD)
    assert mul.inputs[1] == -1 and mul.params["other"] == 3
    assert 1 in sub.params.values()


def test_in_place_writes_are_told_with_the_new_value(lab, tell):
    trace = lab.record("import torch\nx = torch.ones(2)\nx.add_(2)\nx *= 5")
    assert tell(trace, EventKind.INPLACE) == ["add(x, -) -> x", "mul(x, -) -> x"]
    numbers = [trace.array(value_at(trace, 0, e).id).tolist() for e in range(3)]
    assert numbers == [[1, 1], [3, 3], [15, 15]]


def test_views_say_whose_memory_they_share(lab):
    trace = lab.record("import torch\nx = torch.ones(2, 3)\nv = x.t()\ny = x + 1")
    assert tensor_named(trace, "v").base == tensor_named(trace, "x").id
    assert tensor_named(trace, "y").base == -1


def test_large_values_are_summarised_and_say_so(lab):
    trace = lab.record("import torch\nx = torch.ones(300, 200)\ns = torch.sum(x)", whole_value_bytes=1000)
    value = value_at(trace, 0, 0)
    assert value.form == ValueForm.SUMMARY and value.shape == [300, 200] and value.sample_shape == [60, 50]
    assert value.stats["mean"] == 1 and value.stats["n_zero"] == 0
    assert trace.array(value.id).shape == (60, 50)
    assert value_at(trace, 1, 1).form == ValueForm.WHOLE


def test_a_giant_tensor_of_the_simulated_device_is_recorded_without_numbers(lab):
    trace = lab.record("import torch\nx = torch.zeros(1024, 1024, 512, device='cuda')")
    (tensor,) = trace.tensors
    assert (tensor.shape, tensor.device, tensor.n_bytes) == ([1024, 1024, 512], "cuda:0", 2**31)
    assert trace.events[0].values == [-1] and trace.values == []
    assert trace.memory[-1].in_use == 2**31 == trace.events[0].memory


def test_memory_is_recorded_where_it_is_counted(lab):
    count_cpu(True)
    trace = lab.record("import torch\nx = torch.zeros(1000)\ny = x + 1\ndel x\nz = y + 1")
    cpu = [record for record in trace.memory if record.device == "cpu"]
    base = cpu[0].in_use
    assert [record.in_use - base for record in cpu] == [0, 4096, 4096 + 0][: len(cpu)]


def test_losses_without_a_name_are_called_by_their_text(lab):
    source = """
import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
(w * w).sum().backward()
losses = {}
losses["a"] = (w * 3).sum()
losses["a"].backward()
"""
    assert [loss.name for loss in lab.record(source).losses] == ["(w * w).sum()", "losses['a']"]


def test_without_a_loop_each_backward_pass_is_an_iteration(lab):
    trace = lab.record(
        """
import torch
w = torch.tensor(1.0, requires_grad=True)
a = w * 2
a.backward()
print(w.grad)
b = w * 3
b.backward()
"""
    )
    assert [(s.kind, s.iteration) for s in trace.sections] == [("iteration", 0), ("iteration", 1)]
    first = trace.events[trace.sections[1].first]
    assert (first.op, trace.tensors[first.outputs[0]].name) == ("mul", "b")


def test_a_program_without_backward_is_all_setup(lab):
    trace = lab.record("import torch\nx = torch.ones(2)\ny = x + 1")
    assert [(s.kind, s.first, s.end) for s in trace.sections] == [("setup", 0, 2)]


def test_a_program_without_tensors_has_an_empty_trace(lab):
    trace = lab.record("x = 1 + 1")
    assert (trace.events, trace.sections, trace.losses) == ([], [], [])
    assert flow_graph(trace, 0).nodes == []


def test_batches_in_epochs_are_counted_on(lab):
    trace = lab.record(
        """
import torch
w = torch.tensor(1.0, requires_grad=True)
data = [torch.tensor(float(i)) for i in range(2)]
for epoch in range(2):
    LOOP(1)
    for x in data:
        LOOP(2)
        loss = w * x
        loss.backward()
    ENDLOOP(2)
    print("epoch is over")
ENDLOOP(1)
"""
    )
    assert [s.iteration for s in trace.sections] == [-1, 0, 1, 2, 3, -1]
    assert trace.sections[-1].kind == "after"
    assert trace.events[trace.sections[2].end - 1].text == "epoch is over"


def test_a_second_training_loop_counts_on(lab):
    trace = lab.record(
        """
import torch
w = torch.tensor(1.0, requires_grad=True)
def train(loop):
    for i in range(2):
        LOOP(loop)
        loss = w * 2
        loss.backward()
    ENDLOOP(loop)
train(1)
print("between")
train(2)
"""
    )
    assert [(s.kind, s.iteration) for s in trace.sections] == [
        ("setup", -1), ("iteration", 0), ("iteration", 1), ("setup", -1), ("iteration", 2), ("iteration", 3),
    ]  # fmt: skip


def test_gradients_of_gradients_stay_linked(lab):
    trace = lab.record(
        """
import torch
x = torch.tensor(2.0, requires_grad=True)
y = x ** 3
(g,) = torch.autograd.grad(y, x, create_graph=True)
g.backward()
"""
    )
    inside = [e for e in events_of(trace, EventKind.FORWARD) if e.root == 0]
    assert inside, "operators of the first backward pass carry its number"
    backward = [e for e in events_of(trace, EventKind.BACKWARD) if e.root == 1]
    assert backward and all(e.forward >= 0 for e in backward)
    grad = tensor_named(trace, "x.grad").id
    assert float(trace.array(value_at(trace, grad, len(trace.events)).id)) == 12


def test_a_warning_is_told_with_its_kind_and_place(lab):
    with pytest.warns(UserWarning, match="softmax"):
        trace = lab.record("import torch\nimport torch.nn.functional as F\nx = torch.ones(2, 3)\ny = F.softmax(x)")
    (warning,) = events_of(trace, EventKind.WARNING)
    assert warning.params["kind"] == "softmax_dim" and warning.params["dim"] == 1
    assert trace.spans[warning.span].line == 4


def test_reader_sees_the_run_grow(lab):
    seen = []

    def look(recorder):
        recorder.flush()
        reader = TraceReader(lab.path)
        seen.append(len(reader.events))
        reader.close()

    lab.record("import torch\nhook()\nx = torch.ones(2)\nhook()\ny = x + 1\nhook()", hook=look)
    assert seen == [0, 1, 2]


def test_events_are_flushed_by_the_clock(lab):
    now = [0.0]
    seen = []

    def look(_recorder):
        now[0] += 0.06
        reader = TraceReader(lab.path)
        seen.append(len(reader.events))
        reader.close()

    source = "import torch\nx = torch.ones(2)\nhook()\ny = x + 1\nhook()\nz = x + 1\nhook()"
    lab.record(source, hook=look, clock=lambda: now[0])
    assert seen == [0, 2, 3]


def test_a_moved_module_gives_its_name_to_no_tensor(lab):
    head = "import torch\nimport torch.nn as nn\n"
    source = head + "model = nn.Linear(2, 3).to('cuda')\ny = model(torch.ones(1, 2).to('cuda'))"
    names = [tensor.name for tensor in lab.record(source).tensors if tensor.name]
    assert names == ["model.weight", "model.bias", "y"]


def test_gradients_flow_through_a_write_into_a_view(lab):
    source = """
import torch
w = torch.tensor([1.0, 2.0], requires_grad=True)
y = w * 1
y[0] = 5.0
loss = (y * 3).sum()
loss.backward()
"""
    trace = lab.record(source)
    seeds = [event for event in events_of(trace, EventKind.ACCUMULATE) if event.op == "backward"]
    assert len(seeds) == 1, "no gradient came from nowhere"
    grad = tensor_named(trace, "w.grad").id
    assert trace.array(value_at(trace, grad, len(trace.events)).id).tolist() == [0, 3]


def test_moving_a_module_is_no_operator_and_its_parameters_stay_what_they_are(lab, tell):
    head = "import torch\nimport torch.nn as nn\n"
    source = head + "model = nn.Linear(2, 3)\nx = torch.ones(1, 2)\ny = model(x)\nmodel.double()\nz = model(x.double())"
    trace = lab.record(source)
    assert tell(trace, EventKind.FORWARD) == [
        "linear(x, model.weight, model.bias) -> y",
        "to(x) -> _",
        "linear(_, model.weight, model.bias) -> z",
    ]
