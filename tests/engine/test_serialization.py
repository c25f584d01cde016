"""torch.save and torch.load through buffers: what goes in comes out, and nothing else comes out of a bad file."""

from __future__ import annotations

import collections
import io
import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphlab.engine as torch
from graphlab.engine import nn, optim, serialization
from graphlab.engine.serialization import MAGIC, dumps, loads


def trip(value: Any, **options: Any) -> Any:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    buffer.seek(0)
    return torch.load(buffer, **options)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_plain_values_come_back(value: Any) -> None:
    assert loads(dumps(value)) == value


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"])
def test_tensors_come_back_with_type_and_shape(dtype: str) -> None:
    for shape in [(), (0,), (3,), (2, 0), (2, 3, 4)]:
        t = (torch.rand(shape) * 3).to(getattr(torch, dtype))
        back = trip(t)
        assert (back.dtype, back.shape, back.requires_grad) == (t.dtype, t.shape, False)
        assert back.tolist() == t.tolist()


def test_views_are_saved_by_their_own_numbers() -> None:
    t = torch.arange(12).reshape(3, 4)
    assert trip(t.t()[1:, ::2]).tolist() == t.t()[1:, ::2].tolist()


def test_what_shares_memory_shares_it_again() -> None:
    t = torch.zeros(2)
    back = trip([t, t, {"a": t}])
    back[0].add_(1)
    assert back[1].tolist() == back[2]["a"].tolist() == [1.0, 1.0]


def test_a_leaf_keeps_requires_grad_and_a_result_loses_its_history() -> None:
    w = torch.ones(2, requires_grad=True)
    assert trip(w).requires_grad
    assert not trip(w * 2).requires_grad
    assert type(trip(nn.Linear(1, 1).weight)) is nn.Parameter
    assert trip(nn.Linear(1, 1).weight).requires_grad


def test_special_numbers_and_kinds() -> None:
    back = trip([math.inf, -math.inf, math.nan, -0.0, 10**50, torch.float64, torch.device("cpu"), torch.Size([1, 2])])
    assert back[0] == math.inf and back[1] == -math.inf and math.isnan(back[2]) and math.copysign(1, back[3]) == -1
    assert back[4:] == [10**50, torch.float64, torch.device("cpu"), torch.Size([1, 2])]
    counter = trip(collections.Counter("abca"))
    assert type(counter) is collections.Counter and counter["a"] == 2


def test_a_model_and_its_optimizer_go_on_as_if_nothing_happened() -> None:
    def build() -> tuple[Any, Any, Any]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 1))
        optimizer = optim.Adam(net.parameters(), lr=0.1)
        return net, optimizer, optim.lr_scheduler.MultiStepLR(optimizer, [2, 4])

    def train(net: Any, optimizer: Any, scheduler: Any) -> None:
        x = torch.arange(12.0).reshape(4, 3)
        for _ in range(3):
            optimizer.zero_grad()
            net(x).pow(2).mean().backward()
            optimizer.step()
            scheduler.step()

    straight = build()
    train(*straight)
    saved = trip({name: part.state_dict() for name, part in zip(("net", "optimizer", "scheduler"), straight)})
    train(*straight)
    other = build()
    for part, name in zip(other, ("net", "optimizer", "scheduler")):
        part.load_state_dict(saved[name])
    train(*other)
    for one, two in zip(straight[0].state_dict().values(), other[0].state_dict().values()):
        assert one.tolist() == two.tolist()
    assert straight[2].state_dict() == other[2].state_dict()


def test_a_whole_model_is_refused_with_what_to_do() -> None:
    with pytest.raises(TypeError, match=r"a whole model \(Linear\) is not .* Save its numbers, model.state_dict\(\)"):
        trip(nn.Linear(1, 1))
    with pytest.raises(TypeError, match=r"a whole optimizer \(SGD\)"):
        trip({"opt": optim.SGD([torch.ones(1, requires_grad=True)], lr=1)})
    with pytest.raises(TypeError, match="a value of type function"):
        trip([trip])


def test_an_object_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(RuntimeError, match="contains itself"):
        trip(endless)


def test_without_a_project_there_are_no_files() -> None:
    with pytest.raises(RuntimeError, match=r"torch\.save needs a project"):
        torch.save(1, "model.pt")
    with pytest.raises(RuntimeError, match=r"torch\.load needs a project"):
        torch.load("model.pt")


def test_map_location() -> None:
    t = torch.ones(2, device="cuda")
    assert trip(t).device == torch.device("cuda:0")
    assert trip(t, map_location="cpu", weights_only=True).device.type == "cpu"
    assert trip(t, map_location=torch.device("cpu")).device.type == "cpu"
    assert trip(t, map_location={"cuda:0": "cpu"}).device.type == "cpu"
    assert trip(t, map_location=lambda storage, where: storage).device.type == "cpu"


def test_real_pickles_are_refused() -> None:
    for protocol in range(2, 6):
        with pytest.raises(RuntimeError, match="which can run any code when it is opened"):
            loads(pickle.dumps({"a": 1}, protocol))
    with pytest.raises(RuntimeError, match="was saved by PyTorch itself"):
        loads(b"PK\x03\x04" + bytes(100))


GOOD = dumps({"w": torch.arange(6.0).reshape(2, 3), "n": [1, 2.5, "x"]})


@given(st.data())
def test_a_damaged_file_gives_a_sentence_or_a_value(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(GOOD) - 1))
    bad = bytearray(GOOD)
    bad[at] = data.draw(st.integers(0, 255))
    for each in (bytes(bad), GOOD[:at]):
        try:
            loads(each)
        except RuntimeError as error:
            assert str(error).startswith("torch.load: the file ")  # noqa: PT017 - a value may come out, too


def file(root: Any, arrays: Any = (), data: bytes = b"") -> bytes:
    header = json.dumps({"version": 1, "root": root, "arrays": arrays}).encode()
    return MAGIC + len(header).to_bytes(8, "little") + header + data


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"GRAPHLAB",
        MAGIC + (2**62).to_bytes(8, "little"),
        MAGIC + (4).to_bytes(8, "little") + b"nope",
        MAGIC + (200_000).to_bytes(8, "little") + b"[" * 200_000,
        file({"tensor": [0, "Tensor", False, "cpu"]}),
        file({"tensor": [-1, "Tensor", False, "cpu"]}, [["float32", [1], 0, 4]], bytes(4)),
        file({"tensor": [0, "Tensor", False, "cpu"]}, [["float32", [10**9, 10**9], 0, 4]], bytes(4)),
        file({"tensor": [0, "Tensor", False, "cpu"]}, [["float32", [-1], 0, 4]], bytes(4)),
        file({"tensor": [0, "Tensor", False, "cpu"]}, [["float32", [1], 0, 400]], bytes(4)),
        file({"tensor": [0, "Tensor", False, "cpu"]}, [["object", [1], 0, 8]], bytes(8)),
        file({"tensor": [0, "Tensor", False, "tpu"]}, [["float32", [1], 0, 4]], bytes(4)),
        file({"tensor": [0, "Tensor", True, "cpu"]}, [["int64", [1], 0, 8]], bytes(8)),
        file({"tensor": [0, "Tensor", False, "cpu"]}, [["bool", [1], 0, 1]], b"\x07"),
        file({"tensor": []}),
        file({"set": [{"list": []}]}),
        file({"dict": [[{"list": []}, 1]]}),
        file({"int": "9" * 10**6}),
        file({"float": "nonsense"}),
        file({"object": "os.system"}),
        file({}),
        file(7),
    ],
    ids=range(22),
)
def test_hostile_files_are_refused(bad: bytes) -> None:
    with pytest.raises(RuntimeError, match=r"^torch\.load: the file is damaged"):
        loads(bad)


def test_deep_nesting_in_a_file_is_refused() -> None:
    root = '{"list":[' * 400 + "]}" * 400
    header = ('{"version":1,"arrays":[],"root":' + root + "}").encode()
    with pytest.raises(RuntimeError, match="nested too deeply"):
        loads(MAGIC + len(header).to_bytes(8, "little") + header)


def test_the_door_is_closed_after_a_test() -> None:
    assert serialization.door is None
