"""The trace file: what is written is read, while it grows too, and no bad file does more than raise a TraceError."""

import contextlib
import sqlite3
import struct
import time

import msgspec
import numpy as np
import pytest

from graphlab.trace import store
from graphlab.trace.records import (
    Axes,
    Edit,
    Event,
    EventKind,
    Failure,
    Fix,
    Ghost,
    Loss,
    Memory,
    Module,
    Operand,
    Problem,
    Section,
    Span,
    Tensor,
    Value,
)
from graphlab.trace.store import TraceError, TraceReader, TraceWriter

RECORDS = {
    "span": Span(0, 3, 4, 3, 20, "h", "Net.forward"),
    "tensor": Tensor(0, 3, [3, 2], "float32", "cuda:0", "h", True, -1, -1, 24, {"grad_fn": "ReluBackward0"}),
    "event": Event(
        0, EventKind.FORWARD, "relu", 0, "net.relu", 2, [0, -1], [0], [0], {"dim": [0, 1], "keep": True}, -1, "t", 512
    ),
    "value": Value(0, 0, 0, "whole", "float32", [3, 2], 0, 0, 24),
    "loss": Loss("loss", 4, 0.25, 0),
    "memory": Memory(0, "cuda:0", 512, 1024),
    "module": Module("net.fc1", "Linear", "Linear(in_features=2, out_features=16, bias=True)"),
    "section": Section(0, "iteration", 4, 0, 1, False),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.trace"


def write_sample(path):
    writer = TraceWriter(path)
    writer.set_meta("source", "h = relu(x)\n")
    assert writer.put_bytes(np.arange(6, dtype="<f4").tobytes()) == (0, 0, 24)
    for kind, record in RECORDS.items():
        writer.add(kind, record)
    writer.close()
    return path


def lists(reader):
    return {
        "span": reader.spans,
        "tensor": reader.tensors,
        "event": reader.events,
        "value": reader.values,
        "loss": reader.losses,
        "memory": reader.memory,
        "module": reader.modules,
        "section": reader.sections,
    }


@pytest.mark.parametrize("kind", RECORDS)
def test_each_record_comes_back_as_it_was(path, kind):
    reader = TraceReader(write_sample(path))
    assert lists(reader)[kind] == [RECORDS[kind]]
    assert reader.source == "h = relu(x)\n"
    reader.close()


def test_a_tuple_of_fields_is_as_good_as_the_record(path):
    writer = TraceWriter(path)
    writer.add("span", (0, 1, 0, 1, 5, "x", ""))
    writer.close()
    reader = TraceReader(path)
    assert reader.spans == [Span(0, 1, 0, 1, 5, "x", "")]
    reader.close()


def test_values_come_back_as_arrays_and_samples(path):
    writer = TraceWriter(path)
    whole = np.array([[1.5, -2.0]], "<f8")
    thin = np.array([7, 8], "<i8")
    chunk = writer.next_chunk
    assert writer.put_chunk(whole.tobytes() + thin.tobytes()) == chunk
    writer.add("tensor", Tensor(0, 0, [1, 2], "float64", "cpu", "x"))
    writer.add("event", Event(0, EventKind.CREATE, "tensor"))
    writer.add("value", Value(0, 0, 0, "whole", "float64", [1, 2], chunk, 0, 16))
    writer.add("value", Value(1, 0, 0, "summary", "int64", [900, 900], chunk, 16, 16, [2, 1], {"min": -3.0}))
    writer.close()
    reader = TraceReader(path)
    assert reader.array(0).tolist() == [[1.5, -2.0]]
    assert reader.array(1).tolist() == [[7], [8]]
    with pytest.raises(ValueError, match="read-only"):
        reader.array(0)[0, 0] = 1
    reader.close()


def test_meta_records_come_back(path):
    failure = Failure("RuntimeError", "no", 3, 1, "matmul", {"shapes": [[2, 3], [2, 3]]}, "Traceback …", 0)
    ghosts = [Ghost("relu", ["h"], "a", 4)]
    axes = Axes([Operand("x", [2, 3], [0, 1], [1], ["batch", ""])], 2, "they differ")
    fix = Fix("Transpose y", "safe", [Edit(3, 0, 3, 4, "y.T")], True)
    problem = Problem("GL101", "error", "t", "w", "y", "f", 3, 3, {"dim": 1}, [fix], 1, axes)
    writer = TraceWriter(path)
    writer.set_meta("failure", failure)
    writer.set_meta("ghosts", ghosts)
    writer.set_meta("problems", [problem])
    writer.close()
    reader = TraceReader(path)
    assert (reader.failure, reader.ghosts, reader.problems) == (failure, ghosts, [problem])
    assert reader.meta("nothing", str) is None
    reader.close()


def test_reader_follows_a_trace_that_grows(path):
    writer = TraceWriter(path)
    writer.flush()
    reader = TraceReader(path)
    assert not reader.refresh()
    for number in range(3):
        writer.add("event", Event(number, EventKind.PRINT, "print", text=str(number)))
        assert not reader.refresh(), "nothing is seen before it is flushed"
        writer.flush()
        assert reader.refresh()
        assert [event.text for event in reader.events] == [str(n) for n in range(number + 1)]
    writer.close()
    assert not reader.refresh()
    reader.close()


def test_an_amendment_corrects_a_tensor_that_was_read_before(path):
    writer = TraceWriter(path)
    writer.add("tensor", Tensor(0, 0, [2], "float32", "cpu", ""))
    writer.flush()
    reader = TraceReader(path)
    writer.amend_tensor(0, {"name": "w", "kind": 1, "requires_grad": True})
    writer.flush()
    assert reader.refresh()
    assert reader.tensors == [Tensor(0, 1, [2], "float32", "cpu", "w", True)]
    writer.close()
    reader.close()


def test_chunks_and_bytes_can_be_mixed(path):
    writer = TraceWriter(path)
    first = writer.put_bytes(b"ab")
    assert writer.next_chunk == 1
    assert writer.put_chunk(b"cdef") == 1
    assert writer.put_bytes(b"gh") == (2, 0, 2)
    assert first == (0, 0, 2)
    writer.close()
    rows = sqlite3.connect(path).execute("SELECT data FROM chunks ORDER BY id").fetchall()
    assert [row[0] for row in rows] == [b"ab", b"cdef", b"gh"]


def test_records_given_in_two_ways_stay_in_order_and_are_not_doubled(path):
    writer = TraceWriter(path)
    events = [(n, int(EventKind.PRINT), "print") for n in range(6)]
    writer.put_records("event", events[:2])
    writer.add_many("event", events[2:4])
    writer.put_records("event", events[4:])
    writer.put_records("event", events[4:])
    writer.close()
    reader = TraceReader(path)
    assert [event.id for event in reader.events] == list(range(6))
    reader.close()


def test_a_chunk_that_is_given_again_is_replaced(path):
    writer = TraceWriter(path)
    number = writer.put_chunk(b"short")
    assert writer.put_chunk(b"short and longer", number) == number
    assert writer.next_chunk == number + 1
    writer.close()
    assert sqlite3.connect(path).execute("SELECT data FROM chunks").fetchall() == [(b"short and longer",)]


def test_a_flush_that_was_interrupted_loses_and_doubles_nothing(path):
    writer = TraceWriter(path)
    writer.add("event", Event(0, EventKind.PRINT, "print", text="once"))
    writer._db.execute("BEGIN")  # as an interruption between BEGIN and COMMIT leaves it
    writer.flush()
    writer.close()
    reader = TraceReader(path)
    assert [event.text for event in reader.events] == ["once"]
    reader.close()


def test_closing_twice_is_harmless_and_the_file_can_be_copied_alone(path, tmp_path):
    write_sample(path)
    copy = tmp_path / "elsewhere" / "copy.trace"
    copy.parent.mkdir()
    copy.write_bytes(path.read_bytes())
    reader = TraceReader(copy)
    assert len(reader.events) == 1
    reader.close()


def test_a_folder_that_cannot_be_written_to_is_one_clear_sentence(tmp_path):
    with pytest.raises(TraceError, match=r"could not be written.*Free some disk space or choose another folder"):
        TraceWriter(tmp_path / "missing" / "run.trace")


# Bad files


def rewrite(path, sql, *values):
    db = sqlite3.connect(path)
    db.execute("PRAGMA journal_mode=DELETE")
    db.execute(sql, values)
    db.commit()
    db.close()


def read_all(path):
    reader = TraceReader(path)
    try:
        for value in range(len(reader.values)):
            reader.array(value)
        return reader.source, reader.failure, reader.problems, reader.ghosts
    finally:
        reader.close()


def refused(path, words):
    """Opening fails with a sentence that says what, and what to do; and soon."""
    started = time.monotonic()
    with pytest.raises(TraceError, match=words) as caught:
        read_all(path)
    text = str(caught.value)
    assert str(path) in text
    assert any(word in text for word in ("Choose another file", "Run the program again", "Update GraphLab")), text
    assert "\n" not in text
    assert time.monotonic() - started < 10


def test_missing_file_and_folder_are_refused(tmp_path):
    refused(tmp_path / "nothing.trace", "no trace file")
    refused(tmp_path, "no trace file")


@pytest.mark.parametrize(
    "content", [b"", b"print('hello')\n", bytes(range(256)) * 64, b"SQLite format 3\0" + b"\xff" * 4096]
)
def test_files_that_are_no_trace_are_refused(path, content):
    path.write_bytes(content)
    refused(path, "not a GraphLab trace")


def test_other_databases_are_refused(path):
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE records (id INTEGER PRIMARY KEY, data BLOB)")
    db.close()
    refused(path, "not a GraphLab trace")


def test_a_newer_version_is_refused_with_both_versions(path):
    write_sample(path)
    rewrite(path, "PRAGMA user_version=7")
    refused(path, r"newer GraphLab \(trace format 7, this one reads up to 1\)")


@pytest.mark.parametrize("keep", [100, 5000, 9000])
def test_a_truncated_file_is_refused(path, keep):
    write_sample(path)
    path.write_bytes(path.read_bytes()[:keep])
    refused(path, "not a GraphLab trace|damaged")


def test_a_file_with_bytes_overwritten_never_does_worse_than_a_trace_error(path):
    write_sample(path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(150):
        bad = bytearray(good)
        start = int(rng.integers(0, len(bad)))
        for at in range(start, min(start + int(rng.integers(1, 40)), len(bad))):
            bad[at] = int(rng.integers(0, 256))
        path.write_bytes(bad)
        with contextlib.suppress(TraceError):
            read_all(path)


def test_a_table_replaced_by_an_endless_view_is_refused(path):
    write_sample(path)
    rewrite(path, "DROP TABLE records")
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id, 'event' AS kind FROM n"
    rewrite(path, f"CREATE VIEW records AS {endless}")
    refused(path, "damaged: its tables are not those of a trace")


def test_a_query_that_takes_too_long_is_given_up(path, monkeypatch):
    write_sample(path)
    monkeypatch.setattr(store, "MAX_SECONDS", -1.0)
    rewrite(path, "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n LIMIT 200000) "
                  "INSERT INTO records SELECT i, 'unknown', 0, x'90' FROM n")  # fmt: skip
    refused(path, "damaged: interrupted|not a GraphLab trace")


def test_a_huge_row_is_refused_before_it_is_read(path, monkeypatch):
    monkeypatch.setattr(store, "MAX_BLOB", 100_000)
    write_sample(path)
    rewrite(path, "UPDATE chunks SET data = zeroblob(3000000)")
    refused(path, "damaged: .*too big")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",  # a list that claims four thousand million records
        b"\x91\xdd\xff\xff\xff\xff",
        b"\x91\x80",
        b"\x91" * 100_000,
        msgspec.msgpack.encode([["zero", 1, "relu"]]),
        msgspec.msgpack.encode([[0]]),
    ],
)
def test_records_that_do_not_decode_are_refused(path, data):
    write_sample(path)
    rewrite(path, "UPDATE records SET data = ? WHERE kind = 'event'", data)
    refused(path, "damaged")


def changed(kind, **fields):
    return msgspec.msgpack.encode([msgspec.structs.replace(RECORDS[kind], **fields)])


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("event", {"id": 1}),
        ("event", {"inputs": [1]}),
        ("event", {"outputs": [-2]}),
        ("event", {"values": [9]}),
        ("event", {"span": 1}),
        ("event", {"forward": 5}),
        ("tensor", {"of": 1}),
        ("tensor", {"of": 0}),
        ("tensor", {"base": 0}),
        ("tensor", {"shape": [-3]}),
        ("tensor", {"shape": [1] * 65}),
        ("value", {"tensor": 1}),
        ("value", {"event": -1}),
        ("value", {"dtype": "object"}),
        ("value", {"dtype": "float33"}),
        ("value", {"shape": [10**6, 10**6]}),
        ("value", {"size": 28}),
        ("value", {"chunk": 7}),
        ("value", {"offset": 10**9}),
        ("section", {"end": 2}),
        ("section", {"first": -1}),
        ("section", {"index": 3}),
        ("loss", {"event": 1}),
        ("memory", {"event": -1}),
    ],
)
def test_records_that_point_nowhere_are_refused(path, kind, fields):
    write_sample(path)
    rewrite(path, "UPDATE records SET data = ? WHERE kind = ?", changed(kind, **fields), kind)
    refused(path, "damaged")


def test_an_amendment_of_an_unknown_tensor_is_refused(path):
    write_sample(path)
    rewrite(path, "INSERT INTO records VALUES (99, 'amend', 1, ?)", msgspec.msgpack.encode([(5, {"name": "x"})]))
    refused(path, "damaged")


def test_a_meta_value_of_the_wrong_form_is_refused(path):
    write_sample(path)
    rewrite(path, "INSERT INTO meta VALUES ('failure', ?)", msgspec.msgpack.encode([1, 2]))
    refused(path, "damaged")


def test_a_missing_chunk_is_refused_when_its_value_is_asked_for(path):
    write_sample(path)
    rewrite(path, "DELETE FROM chunks")
    refused(path, "damaged: chunk 0 is missing")


def test_a_chunk_that_is_text_is_refused(path):
    write_sample(path)
    rewrite(path, "UPDATE chunks SET data = 'text'")
    refused(path, "damaged: chunk 0 holds no bytes")


def test_a_kind_of_record_from_a_later_version_is_left_alone(path):
    write_sample(path)
    rewrite(path, "INSERT INTO records VALUES (99, 'dream', 1, ?)", struct.pack("4B", 1, 2, 3, 4))
    reader = TraceReader(path)
    assert len(reader.events) == 1
    reader.close()
