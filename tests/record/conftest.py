"""Runs small real programs on the real engine under a recorder."""

import sys

import pytest

import graphlab.engine
from graphlab.engine import nn, observe
from graphlab.engine.device import CPU, CUDA0, Ledger, count_cpu
from graphlab.record.recorder import Recorder
from graphlab.trace.store import TraceReader, TraceWriter

FILENAME = "<program>"


class Lab:
    """Runs programs; `LOOP(n)` and `ENDLOOP(n)` in them stand for what the compiler puts into loops."""

    def __init__(self, folder, monkeypatch):
        self._folder = folder
        self._readers = []
        self._monkeypatch = monkeypatch
        self.path = None
        monkeypatch.setitem(sys.modules, "torch", graphlab.engine)
        monkeypatch.setitem(sys.modules, "torch.nn", nn)
        monkeypatch.setitem(sys.modules, "torch.nn.functional", nn.functional)

    def forget_memory(self):
        """Count anew: what other tests left alive is no part of the next run."""
        self._monkeypatch.setattr(CPU, "ledger", Ledger(None))
        self._monkeypatch.setattr(CUDA0, "ledger", Ledger(2**33))

    def record(self, source, fails=None, hook=None, may_fail=False, watch=None, **options):
        """The trace of a program; `fails` is the type of exception that it must end with."""
        source = source.strip("\n") + "\n"
        self.path = self._folder / f"run{len(self._readers)}.trace"
        writer = TraceWriter(self.path)
        writer.set_meta("source", source)
        self.recorder = recorder = Recorder(writer, FILENAME, **options)
        names = {
            "LOOP": recorder.loop_started,
            "ENDLOOP": recorder.loop_ended,
            "EMPTY": recorder.loop_emptied,
            "__name__": "__main__",
            "print": lambda *args: [recorder.printed(part) for part in (" ".join(map(str, args)), "\n")],
            "hook": lambda: hook(recorder) if hook is not None else None,
        }
        error = None
        before = observe.set_observer(recorder)
        if watch is not None:
            recorder.watch(watch)
        try:
            exec(compile(source, FILENAME, "exec"), names)
        except Exception as caught:
            error = caught
            if fails is None and not may_fail:
                raise
            recorder.failed_program(error)
        finally:
            observe.set_observer(before)
            names.clear()
        recorder.finish()
        writer.close()
        assert may_fail or (type(error) if error is not None else None) is fails
        reader = TraceReader(self.path)
        self._readers.append(reader)
        return reader

    def close(self):
        for reader in self._readers:
            reader.close()


def _torch_modules():
    return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "torch"}


@pytest.fixture
def lab(tmp_path, monkeypatch):
    before = _torch_modules()
    one = Lab(tmp_path, monkeypatch)
    yield one
    one.close()
    for name in _torch_modules().keys() - {"torch", "torch.nn", "torch.nn.functional"}:
        if name not in before:
            del sys.modules[name]  # found through the engine's folder; the real torch must not meet it
    count_cpu(False)


@pytest.fixture
def tell():
    """`tell(trace, kind=None)`: events as "op(inputs) -> outputs" with tensors' names."""

    def name(trace, tensor):
        if tensor < 0:
            return "-"
        record = trace.tensors[tensor]
        return record.name or (f"grad {name(trace, record.of)}" if record.of >= 0 else "_")

    def told(trace, *kinds):
        return [
            f"{event.op}({', '.join(name(trace, t) for t in event.inputs)})"
            f" -> {', '.join(name(trace, t) for t in event.outputs)}"
            for event in trace.events
            if not kinds or event.kind in kinds
        ]

    return told
