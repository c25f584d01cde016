"""A failed program leaves its trace readable, and says where and with what it failed."""

import pytest

from graphlab.analysis.flow import flow_graph
from graphlab.engine.errors import OutOfMemoryError
from graphlab.trace.records import EventKind, TensorKind

HEAD = "import torch\nimport torch.nn as nn\n"


def test_an_operator_that_refuses_is_told_with_its_operands(lab):
    trace = lab.record(HEAD + "x = torch.ones(2, 3)\ny = torch.ones(4, 5)\nz = x @ y\nw = z + 1", fails=RuntimeError)
    failure = trace.failure
    assert failure.type == "RuntimeError" and failure.kind == "matmul" and failure.line == 5
    assert [(o["name"], o["shape"], o["dtype"], o["text"]) for o in failure.facts["operands"]] == [
        ("x", [2, 3], "float32", "x"),
        ("y", [4, 5], "float32", "y"),
    ]
    assert [trace.tensors[o["tensor"]].name for o in failure.facts["operands"]] == ["x", "y"]
    error = trace.events[failure.event]
    assert error.kind == EventKind.ERROR and error.op == "matmul" and error.text == failure.message
    span = trace.spans[failure.span]
    assert (span.line, span.column, span.end_column, span.name) == (5, 4, 9, "z")
    assert failure.traceback.splitlines() == [
        "Traceback (most recent call last):",
        '  File "<program>", line 5, in <module>',
        "    z = x @ y",
        f"RuntimeError: {failure.message}",
    ]
    graph = flow_graph(trace, 0)
    assert [node.label for node in graph.nodes if node.failed] == ["matmul"]


def test_a_layer_that_does_not_fit_is_named(lab):
    source = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 16)
        self.fc2 = nn.Linear(8, 3)

    def forward(self, x):
        h = torch.relu(self.fc1(x))
        return self.fc2(h)

net = Net()
out = net(torch.ones(5, 2))
"""
    trace = lab.record(HEAD + source, fails=RuntimeError)
    facts = trace.failure.facts
    assert (facts["module"], facts["module_type"]) == ("net.fc2", "Linear")
    assert (facts["in_features"], facts["out_features"]) == (8, 3)
    assert (facts["operands"][0]["name"], facts["operands"][0]["text"], facts["operands"][0]["shape"]) == (
        "h",
        "h",
        [5, 16],
    )
    assert [o["name"] for o in facts["operands"][1:]] == ["net.fc2.weight", "net.fc2.bias"]
    assert trace.events[-1].module == "net.fc2"
    assert trace.failure.line == 12
    assert trace.failure.traceback.count("File") == 2


def test_an_unnamed_operand_is_told_by_its_text(lab):
    trace = lab.record(HEAD + "x = torch.ones(2, 3)\nz = torch.add(x * 2, torch.ones(4))", fails=RuntimeError)
    operands = trace.failure.facts["operands"]
    assert [(o["name"], o["text"]) for o in operands] == [("", "x * 2"), ("", "torch.ones(4)")]
    assert trace.failure.kind == "broadcast"


def test_a_method_names_its_receiver_first(lab):
    trace = lab.record(HEAD + "x = torch.ones(2, 3)\nz = x.add(torch.ones(4))", fails=RuntimeError)
    assert [o["text"] for o in trace.failure.facts["operands"]] == ["x", "torch.ones(4)"]


def test_an_error_that_the_program_catches_leaves_no_mark(lab):
    source = "x = torch.ones(2)\ntry:\n    x + torch.ones(3)\nexcept RuntimeError:\n    y = x + 1\nz = y + 1"
    trace = lab.record(HEAD + source)
    assert trace.failure is None
    assert not [event for event in trace.events if event.kind == EventKind.ERROR]


def test_a_later_failure_is_not_blamed_on_an_earlier_operator(lab):
    source = "x = torch.ones(2)\ntry:\n    x + torch.ones(3)\nexcept RuntimeError:\n    pass\nundefined"
    trace = lab.record(HEAD + source, fails=NameError)
    assert (trace.failure.type, trace.failure.line, trace.events[-1].op) == ("NameError", 8, "")
    assert "operands" not in trace.failure.facts


def test_backward_on_a_vector_says_so_and_keeps_what_was_computed(lab):
    trace = lab.record(HEAD + "x = torch.ones(2, requires_grad=True)\nz = x + x\nz.backward()", fails=RuntimeError)
    assert trace.failure.kind == "non_scalar_backward" and trace.failure.line == 5
    assert [node.label for node in flow_graph(trace, 0).nodes if node.kind == "tensor"] == ["x", "z"]


def test_out_of_memory_keeps_its_facts(lab):
    source = "a = torch.zeros(1024, 1024, 1024, device='cuda')\nb = torch.zeros(2048, 1024, 1024, device='cuda')"
    trace = lab.record(HEAD + source, fails=OutOfMemoryError)
    facts = trace.failure.facts
    assert trace.failure.kind == "out_of_memory"
    assert (facts["requested"], facts["in_use"], facts["capacity"]) == (8 * 2**30, 4 * 2**30, 8 * 2**30)


@pytest.mark.parametrize(
    ("text", "type_", "line"),
    [
        ("def f():\n    return 1 / 0\nf()", ZeroDivisionError, 4),
        ("import torch\nx = torch.ones(2)\nx.nothing", AttributeError, 5),
        ("def f(n):\n    return f(n + 1)\nf(0)", RecursionError, 4),
        ("raise KeyError('k')", KeyError, 3),
    ],
)
def test_any_exception_is_told_with_its_line(lab, text, type_, line):
    trace = lab.record(HEAD + text, fails=type_)
    assert trace.failure.type == type_.__name__ and trace.failure.line == line
    assert len(trace.failure.traceback.splitlines()) < 200
    assert trace.events[trace.failure.event].kind == EventKind.ERROR


def test_an_interruption_in_the_middle_of_an_event_leaves_a_readable_trace(lab):
    class StopError(Exception):
        pass

    def stop(recorder):
        # As an exception from another thread does it: numbers are counted, but the records are not there.
        recorder._n_events += 1
        recorder._n_tensors += 2
        recorder._n_values += 1
        raise StopError

    trace = lab.record(HEAD + "x = torch.ones(2)\ny = x + 1\nhook()", fails=StopError, hook=stop)
    assert [event.op for event in trace.events] == ["ones", "add", ""]
    assert all(tensor.kind in (TensorKind.LEAF, TensorKind.INTERMEDIATE) for tensor in trace.tensors)


def test_inside_a_sequential_the_operand_is_not_called_by_the_argument_or_the_unassigned_result(lab):
    source = (
        "x = torch.ones(5, 4)\nmodel = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(8, 3))\noutput = model(x)"
    )
    trace = lab.record(HEAD + source, fails=RuntimeError)
    operand = trace.failure.facts["operands"][0]
    assert (operand["name"], operand["text"], operand["shape"]) == ("", "", [5, 16])
    assert trace.failure.facts["module"] == "model.2"
    assert "output" not in [tensor.name for tensor in trace.tensors]


@pytest.mark.parametrize("kind", ["tensor", "event", "value", "section"])
def test_an_interruption_while_records_are_handed_over_doubles_and_loses_nothing(lab, kind):
    class StopError(Exception):
        pass

    def stop(recorder):
        given = recorder._writer.put_records

        def interrupted(which, records):
            given(which, records)
            if which == kind:
                recorder._writer.put_records = given
                raise StopError

        recorder._writer.put_records = interrupted
        recorder.flush()

    source = (
        HEAD + "w = torch.ones(2, requires_grad=True)\nfor i in range(3):\n    LOOP(1)\n    (w * 2).sum().backward()\n"
    )
    full = lab.record(source + "hook()")
    cut = lab.record(source + "hook()\n", may_fail=True, hook=stop, is_replaying=False)
    assert [tensor.shape for tensor in cut.tensors] == [tensor.shape for tensor in full.tensors]
    assert [event.op for event in cut.events if event.op] == [event.op for event in full.events]
    for value in range(len(full.values)):
        assert cut.array(value).tolist() == full.array(value).tolist()
