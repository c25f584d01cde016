"""Traces written by hand, so that questions about a trace are tested without whoever writes real ones."""

import numpy as np
import pytest

from graphlab.trace.records import Event, EventKind, Loss, Module, Section, Span, Tensor, TensorKind, Value
from graphlab.trace.store import TraceReader, TraceWriter


class Story:
    """Writes a trace step by step. Tensors are numbered as they are told."""

    def __init__(self, path):
        self.path = path
        self.writer = TraceWriter(path)
        self.n_tensors = self.n_events = self.n_values = self.n_sections = self.n_spans = 0
        self.arrays = {}

    def tensor(self, name, array, kind=TensorKind.LEAF, of=-1, device="cpu", base=-1):
        array = np.asarray(array, np.float32)
        number = self.n_tensors
        self.n_tensors += 1
        self.arrays[number] = array
        rg = kind == TensorKind.PARAMETER
        fields = (number, int(kind), list(array.shape), "float32", device, name, rg, of, base, array.nbytes)
        self.writer.add("tensor", Tensor(*fields))
        return number

    def event(
        self, kind, op, inputs=(), outputs=(), module="", forward=-1, params=None, span=-1, root=-1, text="", keep=True
    ):
        number = self.n_events
        self.n_events += 1
        values = []
        for output in outputs:
            if output < 0 or not keep:
                values.append(-1)
                continue
            array = self.arrays[output]
            place = self.writer.put_bytes(array.astype("<f4").tobytes())
            self.writer.add(
                "value", Value(self.n_values, output, number, "whole", "float32", list(array.shape), *place)
            )
            values.append(self.n_values)
            self.n_values += 1
        depth = module.count(".") + 1 if module else 0
        self.writer.add(
            "event",
            Event(number, int(kind), op, span, module, depth, list(inputs), list(outputs), values, params or {},
                  forward, text, root=root),
        )  # fmt: skip
        return number

    def span(self, line, name=""):
        self.writer.add("span", Span(self.n_spans, line, 0, line, 10, name))
        self.n_spans += 1
        return self.n_spans - 1

    def section(self, kind, first, iteration=-1):
        self.writer.add("section", Section(self.n_sections, kind, iteration, first, self.n_events))
        self.n_sections += 1

    def loss(self, name, iteration, value, event):
        self.writer.add("loss", Loss(name, iteration, value, event))

    def module(self, path, kind):
        self.writer.add("module", Module(path, kind, f"{kind}()"))

    def read(self):
        self.writer.close()
        return TraceReader(self.path)


@pytest.fixture
def story(tmp_path):
    return Story(tmp_path / "run.trace")


def tell_iteration(story, w, x, number=0):
    """h = w * x; loss = h * h, forward and backward, then one SGD step. Returns the tensors and events by name."""
    first = story.n_events
    h = story.tensor("h", story.arrays[w] * story.arrays[x], TensorKind.INTERMEDIATE)
    e_mul = story.event(EventKind.FORWARD, "mul", [w, x], [h], module="net")
    loss = story.tensor("loss", story.arrays[h] ** 2, TensorKind.INTERMEDIATE)
    e_square = story.event(EventKind.FORWARD, "mul", [h, h], [loss])
    seed = story.tensor("", np.ones(()), TensorKind.GRADIENT, of=loss)
    e_seed = story.event(EventKind.ACCUMULATE, "backward", [], [seed], root=number)
    story.loss("loss", number, float(story.arrays[loss]), e_seed)
    g1 = story.tensor("", story.arrays[h], TensorKind.GRADIENT, of=h)
    g2 = story.tensor("", story.arrays[h], TensorKind.GRADIENT, of=h)
    e_back = story.event(EventKind.BACKWARD, "mul", [seed], [g1, g2], forward=e_square, root=number)
    g = story.tensor("", 2 * story.arrays[h], TensorKind.GRADIENT, of=h)
    e_sum = story.event(EventKind.ACCUMULATE, "add", [g1, g2], [g], forward=e_mul, root=number)
    gw = story.tensor("", story.arrays[g] * story.arrays[x], TensorKind.GRADIENT, of=w)
    e_back2 = story.event(EventKind.BACKWARD, "mul", [g], [gw, -1], module="net", forward=e_mul, root=number)
    w_grad = story.tensor("w.grad", story.arrays[gw], TensorKind.LEAF_GRAD, of=w)
    e_acc = story.event(EventKind.ACCUMULATE, "accumulate", [gw], [w_grad], root=number)
    story.arrays[w] = story.arrays[w] - np.float32(0.1) * story.arrays[w_grad]
    e_up = story.event(EventKind.UPDATE, "SGD", [w, w_grad], [w], params={"lr": 0.1})
    story.section("iteration", first, number)
    return {
        "h": h, "loss": loss, "seed": seed, "g1": g1, "g2": g2, "g": g, "gw": gw, "w_grad": w_grad,
        "mul": e_mul, "square": e_square, "e_seed": e_seed, "back": e_back, "sum": e_sum, "back2": e_back2,
        "acc": e_acc, "update": e_up,
    }  # fmt: skip


@pytest.fixture
def training(story):
    """Setup with w and x, then two iterations; (reader, w, x, [names of the first, of the second iteration])."""
    story.module("net", "Net")
    w = story.tensor("w", 2.0, TensorKind.PARAMETER)
    x = story.tensor("x", 3.0)
    story.event(EventKind.CREATE, "tensor", [], [w])
    story.event(EventKind.CREATE, "tensor", [], [x])
    story.section("setup", 0)
    turns = [tell_iteration(story, w, x, number) for number in range(2)]
    reader = story.read()
    yield reader, w, x, turns
    reader.close()
