"""What a program recorded before a pause is on disk soon, though the program's thread does nothing."""

import contextlib
import subprocess
import sys
import time

import pytest
from test_record_replay import HEAD, MLP, PROGRAMS, assert_same

from graphlab.trace.store import TraceReader

PAUSING = MLP.replace("    loss.backward()", "    if epoch == 30:\n        hook()\n    loss.backward()").replace(
    "N)", "40)"
)


def wait_for(path, n_events):
    """The reader that has seen `n_events`."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        reader = TraceReader(path)
        if len(reader.events) == n_events:
            return reader
        reader.close()
    pytest.fail("the events before the pause never came")


@pytest.mark.parametrize("is_replaying", [True, False])
def test_the_last_events_before_a_pause_are_seen(lab, is_replaying):
    seen = []

    def pause(recorder):
        reader = wait_for(lab.path, recorder.n_events)
        seen.append([reader.array(value.id).tobytes() for value in reader.values])
        seen.append((len(reader.losses), reader.events[-1].op))
        reader.close()

    lab.forget_memory()
    options = {"hook": pause, "watch": 0.005, "is_replaying": is_replaying, "flush_seconds": 1000.0}
    trace = lab.record(HEAD + PAUSING, **options)
    arrays = [trace.array(value.id).tobytes() for value in trace.values]
    assert seen[0] == arrays[: len(seen[0])]
    assert seen[1] == (30, "cross_entropy")
    assert_same(trace, lab.record(HEAD + PAUSING, hook=lambda recorder: None, is_replaying=False))


@pytest.mark.parametrize("name", ["mlp", "linear", "two passes", "prints", "another branch inside", "made inside"])
@pytest.mark.parametrize("is_replaying", [True, False])
def test_a_restless_watch_changes_nothing(lab, monkeypatch, name, is_replaying):
    source = HEAD + PROGRAMS[name].replace("N)", "300)")
    lab.forget_memory()
    full = lab.record(source, is_replaying=False)
    # It flushes whether or not the program rests.
    monkeypatch.setattr("graphlab.record.replaying.Replaying.progress", property(lambda recorder: Changing()))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        watched = lab.record(source, watch=0.0, is_replaying=is_replaying, flush_seconds=0.002)
    finally:
        sys.setswitchinterval(before)
    assert_same(watched, full)


class Changing:
    """Equal to the last look, and not to what was flushed."""

    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return True

    __hash__ = None


def test_the_seed_and_the_versions_are_kept(lab):
    trace = lab.record("import torch\ntorch.manual_seed(1234)\nx = torch.rand(2)")
    assert trace.meta("seed", int) == 1234
    assert set(trace.meta("versions", dict)) == {"graphlab", "numpy", "python"}


ENDLESS = """
import sys
import graphlab.engine
from graphlab.engine import nn, observe
from graphlab.record.recorder import Recorder
from graphlab.trace.store import TraceWriter
sys.modules.update({"torch": graphlab.engine, "torch.nn": nn, "torch.nn.functional": nn.functional})
source = sys.stdin.read()
writer = TraceWriter(sys.argv[1])
writer.set_meta("source", source)
recorder = Recorder(writer, "<program>", flush_seconds=0.002, detail_events=10**9)
recorder.watch(0.001)
observe.set_observer(recorder)
names = {"LOOP": recorder.loop_started, "ENDLOOP": recorder.loop_ended, "__name__": "__main__"}
exec(compile(source, "<program>", "exec"), names)
"""


def test_the_trace_of_a_killed_worker_holds_whole_events(lab, tmp_path):
    source = HEAD.replace("import torch.nn.functional as F\n", "") + MLP
    path = tmp_path / "killed.trace"
    worker = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path)], stdin=subprocess.PIPE)
    worker.stdin.write(source.replace("N)", "10**9)").encode())
    worker.stdin.close()
    log = tmp_path / "killed.trace-wal"
    end = time.monotonic() + 30
    while time.monotonic() < end and not (log.exists() and log.stat().st_size > 1_000_000):
        with contextlib.suppress(subprocess.TimeoutExpired):
            worker.wait(0.01)
    worker.kill()
    worker.wait()
    reader = TraceReader(path)
    n_events = len(reader.events)
    assert n_events >= 500
    lab.forget_memory()
    full = lab.record(source.replace("N)", f"{n_events // 18 + 2})"), is_replaying=False, detail_events=10**9)
    assert reader.events == full.events[:n_events]
    assert reader.tensors == full.tensors[: len(reader.tensors)]
    assert len(reader.values) > n_events
    for here, there in zip(reader.values, full.values):
        assert (here.id, here.tensor, here.event) == (there.id, there.tensor, there.event)
        assert reader.array(here.id).tobytes() == full.array(there.id).tobytes()
    assert reader.losses == full.losses[: len(reader.losses)]
    reader.close()
