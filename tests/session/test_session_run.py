"""Programs in real worker processes: good ones, bad ones, hostile ones. Each is bounded in time."""

import os
import signal
import sys
import threading
import time

import pytest

from graphlab.session.messages import Outcome, Printed, Started
from graphlab.session.runner import Limits, Runner, RunRequest
from graphlab.session.samples import folder
from graphlab.trace.records import EventKind
from graphlab.trace.store import TraceReader

LINEAR = (folder() / "linear_regression.py").read_text()


def test_linear_regression_prints_what_torch_prints(execute) -> None:
    ended = execute(LINEAR)
    assert ended.outcome.status == "ok"
    lines = ended.printed.splitlines()
    assert lines[0] == "Epoch 1: loss = 44.0000, w = 0.4400, b = 0.1200"
    assert lines[9] == "Epoch 10: loss = 0.3860, w = 1.7374, b = 0.4628"


def test_trace_of_a_run_holds_its_events_and_losses(execute) -> None:
    ended = execute(LINEAR)
    reader = TraceReader(ended.run.trace_path)
    assert reader.source == LINEAR
    assert [round(loss.value, 3) for loss in reader.losses[:2]] == [44.0, 25.661] or len(reader.losses) == 10
    assert {loss.name for loss in reader.losses} == {"loss"}
    kinds = {event.kind for event in reader.events}
    assert {EventKind.FORWARD, EventKind.BACKWARD, EventKind.UPDATE, EventKind.PRINT} <= kinds
    assert sum(section.kind == "iteration" for section in reader.sections) == 10
    assert reader.failure is None
    assert reader.meta("outcome", Outcome).status == "ok"
    reader.close()


def test_messages_come_in_order_and_end_with_the_outcome(execute) -> None:
    ended = execute("print('a')\nprint('b', end='')")
    assert isinstance(ended.messages[0], Started)
    assert isinstance(ended.messages[-1], Outcome)
    assert ended.printed == "a\nb"


def test_unrecorded_run_leaves_no_trace(execute) -> None:
    ended = execute("import torch\nprint(torch.ones(2) + 1)", record=False)
    assert ended.printed == "tensor([2., 2.])\n"
    assert ended.run.trace_path == ""


def test_program_without_tensors_runs(execute) -> None:
    ended = execute("total = sum(range(10))\nprint(total)")
    assert ended.outcome.status == "ok"
    assert ended.printed == "45\n"


def test_empty_program_runs(execute) -> None:
    assert execute("").outcome.status == "ok"


def test_prints_arrive_while_the_program_runs(runner: Runner) -> None:
    run = runner.start(RunRequest("import time\nprint('early')\ntime.sleep(30)", limits=Limits(seconds=20)))
    seen = threading.Event()

    def watch() -> None:
        while not seen.is_set() and not run.is_over:
            if any(isinstance(message, Printed) and "early" in message.text for message in run.poll()):
                seen.set()
            seen.wait(0.01)

    thread = threading.Thread(target=watch)
    thread.start()
    assert seen.wait(10)
    assert not run.is_over
    run.stop()
    thread.join(5)
    assert run.wait(5).status == "stopped"


def test_failure_names_type_message_and_line(execute) -> None:
    ended = execute("x = 1\n\ndef f():\n    return x / 0\n\nf()\n")
    outcome = ended.outcome
    assert (outcome.status, outcome.error_type, outcome.line) == ("failed", "ZeroDivisionError", 4)
    assert outcome.sentence == "ZeroDivisionError in line 4: division by zero"
    assert outcome.traceback.startswith('Traceback (most recent call last):\n  File "<program>", line 6, in <module>\n')
    assert "graphlab" not in outcome.traceback


def test_failure_is_diagnosed_in_the_trace_with_what_would_have_followed(execute) -> None:
    ended = execute(
        "import torch\na = torch.ones(2, 3)\nb = torch.ones(4)\nc = a + b\nd = torch.relu(c)\nloss = d.sum()\n"
    )
    reader = TraceReader(ended.run.trace_path)
    assert reader.failure is not None
    assert (reader.failure.kind, reader.failure.line) == ("broadcast", 4)
    assert [(ghost.label, ghost.output) for ghost in reader.ghosts] == [("relu", "d"), ("sum", "loss")]
    assert reader.problems
    assert reader.problems[0].line == 4
    assert reader.problems[0].severity == "error"
    reader.close()


def test_refused_program_never_starts(execute) -> None:
    outcome = execute("import torch\nx = 1\nimport os\n").outcome
    assert outcome.status == "refused"
    assert outcome.line == 3
    assert outcome.sentence == (
        "`import os` is not available in GraphLab: programs here cannot reach files or other programs. Remove line 3."
    )


def test_syntax_error_is_refused_with_its_place(execute) -> None:
    outcome = execute("x = 1\ny = = 2\n").outcome
    assert (outcome.status, outcome.error_type, outcome.line, outcome.column) == ("refused", "SyntaxError", 2, 4)


@pytest.mark.parametrize("call", ["exit()", "quit()", "import sys\nsys.exit()", "raise SystemExit"])
def test_exit_ends_a_program_cleanly(execute, call: str) -> None:
    ended = execute(f"print('before')\n{call}\nprint('after')")
    assert ended.outcome.status == "ok"
    assert ended.printed == "before\n"


def test_exit_with_a_code_is_a_failure(execute) -> None:
    outcome = execute("exit(3)").outcome
    assert (outcome.status, outcome.error_type) == ("failed", "SystemExit")


def test_endless_recursion_is_an_ordinary_error(execute) -> None:
    outcome = execute("def f(n):\n    return f(n + 1)\nf(0)").outcome
    assert (outcome.status, outcome.error_type, outcome.line) == ("failed", "RecursionError", 2)


def test_endless_recursion_through_c_does_not_crash(execute) -> None:
    source = "class A:\n    def __getattr__(self, name):\n        return getattr(self, name + 'x')\nA().y"
    assert execute(source).outcome.error_type == "RecursionError"
    source = "def f(x):\n    return list(map(f, [x]))\nf(1)"
    assert execute(source).outcome.error_type == "RecursionError"
    source = "class A:\n    def __repr__(self):\n        return repr([self])\nprint(A())"
    assert execute(source).outcome.error_type == "RecursionError"


def test_endless_loop_is_ended_by_the_time_limit(execute) -> None:
    ended = execute("import torch\nx = torch.ones(2)\nwhile True:\n    pass", seconds=0.5)
    assert (ended.outcome.status, ended.outcome.limit) == ("limit", "seconds")
    assert ended.outcome.sentence.startswith("The program ran longer than 0.5 s and was ended.")
    assert ended.outcome.seconds < 3


def test_endless_loop_that_catches_everything_is_ended(execute) -> None:
    source = "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
    ended = execute(source, seconds=0.5)
    assert (ended.outcome.status, ended.outcome.limit) == ("limit", "seconds")
    assert ended.outcome.seconds < 4


def test_long_call_into_c_is_ended(execute) -> None:
    ended = execute("x = 3 ** (10 ** 9)", seconds=0.5)
    assert (ended.outcome.status, ended.outcome.limit) == ("limit", "seconds")


def test_endless_printing_is_ended_and_what_was_printed_is_kept(execute) -> None:
    ended = execute("while True:\n    print('x' * 99)", characters=10_000)
    assert (ended.outcome.status, ended.outcome.limit) == ("limit", "characters")
    assert len(ended.printed) == 10_000
    assert "printed more than 10,000 characters" in ended.outcome.sentence


def test_endless_printing_that_catches_everything_is_ended(execute) -> None:
    source = "while True:\n    try:\n        print('x' * 999)\n    except BaseException:\n        pass"
    ended = execute(source, characters=5_000)
    assert ended.outcome.limit == "characters"
    assert len(ended.printed) == 5_000


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is the kernel's")
def test_too_much_memory_is_ended(execute) -> None:
    ended = execute("data = []\nwhile True:\n    data.append(bytearray(10_000_000))", memory=300 * 2**20)
    assert (ended.outcome.status, ended.outcome.limit) == ("limit", "memory")
    assert "needed more than 300 MiB of memory" in ended.outcome.sentence


def test_huge_tensor_fails_as_in_torch(execute) -> None:
    outcome = execute("import torch\nx = torch.ones(100000, 100000)", memory=500 * 2**20).outcome
    assert (outcome.status, outcome.error_type) == ("failed", "RuntimeError")
    assert (
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 40000000000 bytes" in outcome.error_message
    )


def test_trace_limit_ends_a_run(execute) -> None:
    source = "import torch\nx = torch.ones(100, 100)\nwhile True:\n    x = x * 1.0001"
    ended = execute(source, trace=3 * 2**20)
    assert (ended.outcome.status, ended.outcome.limit) == ("limit", "trace")


@pytest.mark.parametrize(
    "source",
    [
        "while True:\n    pass",
        "while True:\n    try:\n        while True: pass\n    except BaseException:\n        pass",
        "import time\ntime.sleep(100)",
        "x = 3 ** (10 ** 9)",
        "while True:\n    print('x')",
        "import torch\nx = torch.ones(3)\nwhile True:\n    x = x + 1",
    ],
    ids=["loop", "stubborn", "sleep", "c", "prints", "tensors"],
)
def test_stop_works_within_a_second(runner: Runner, source: str) -> None:
    source = "print('running')\n" + source
    run = runner.start(RunRequest(source, limits=Limits(seconds=20, characters=10**9)))
    deadline = time.monotonic() + 10
    while not any(isinstance(message, Printed) for message in run.poll()):
        assert time.monotonic() < deadline
    asked = time.monotonic()
    run.stop()
    outcome = run.wait(5)
    assert time.monotonic() - asked < 1.0
    assert (outcome.status, outcome.sentence) == ("stopped", "The program was stopped.")


def test_stop_before_the_program_began(runner: Runner) -> None:
    run = runner.start(RunRequest("while True: pass", limits=Limits(seconds=20)))
    run.stop()
    assert run.wait(3).status == "stopped"


def test_stopped_run_leaves_a_readable_trace(runner: Runner) -> None:
    source = "import torch\nx = torch.ones(3)\nprint('made')\nwhile True:\n    pass"
    run = runner.start(RunRequest(source, limits=Limits(seconds=20)))
    deadline = time.monotonic() + 10
    while not any(isinstance(message, Printed) for message in run.poll()):
        assert time.monotonic() < deadline
    run.stop()
    run.wait(5)
    reader = TraceReader(run.trace_path)
    assert [event.kind for event in reader.events][:2] == [EventKind.CREATE, EventKind.PRINT]
    reader.close()


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_worker_killed_from_outside_is_one_clear_sentence(runner: Runner) -> None:
    source = "import torch\nx = torch.ones(3)\nprint('made')\nwhile True:\n    x = x * 1"
    run = runner.start(RunRequest(source, limits=Limits(seconds=20)))
    deadline = time.monotonic() + 10
    while not any(isinstance(message, Printed) for message in run.poll()):
        assert time.monotonic() < deadline
    reader = TraceReader(run.trace_path)
    while len(reader.events) < 10:
        reader.refresh()
        assert time.monotonic() < deadline
    os.kill(run.process_id, signal.SIGKILL)
    outcome = run.wait(5)
    assert outcome.status == "crashed"
    assert outcome.sentence.startswith("The program's process ended unexpectedly (signal 9)")
    assert isinstance(run.poll()[-1], Outcome)
    reader.refresh()
    assert len(reader.events) >= 10
    reader.close()
    fresh = TraceReader(run.trace_path)
    assert len(fresh.events) == len(reader.events)
    fresh.close()
    run = runner.start(RunRequest("print('next')"))
    assert run.wait(10).status == "ok"


def test_program_cannot_break_the_stream(execute) -> None:
    ended = execute("import sys\nsys.stdout.write('\\x00\\xff' * 1000)\nprint('\\ud800')\nprint('ok')")
    assert ended.outcome.status == "ok"
    assert ended.printed.endswith("ok\n")


def test_exception_with_a_broken_str_is_reported(execute) -> None:
    source = "class E(Exception):\n    def __str__(self):\n        raise ValueError('inner')\nraise E()"
    outcome = execute(source).outcome
    assert (outcome.status, outcome.error_type, outcome.line) == ("failed", "E", 4)


def test_thousands_of_iterations(execute) -> None:
    source = (
        "import torch\nw = torch.tensor(0.0, requires_grad=True)\nfor i in range(3000):\n"
        "    loss = (w - 1) ** 2\n    loss.backward()\n    with torch.no_grad():\n        w -= 0.1 * w.grad\n"
        "        w.grad.zero_()\nprint(round(w.item(), 3))"
    )
    ended = execute(source)
    assert (ended.outcome.status, ended.printed) == ("ok", "1.0\n")
    reader = TraceReader(ended.run.trace_path)
    assert len(reader.losses) == 3000
    reader.close()


def test_twenty_thousand_operators_in_one_iteration(execute) -> None:
    source = (
        "import torch\nx = torch.tensor(1.0, requires_grad=True)\ny = x\nfor i in range(10000):\n"
        "    y = y * 1.0 + 0.0\ny.backward()\nprint(x.grad)"
    )
    ended = execute(source)
    assert (ended.outcome.status, ended.printed) == ("ok", "tensor(1.)\n")
    reader = TraceReader(ended.run.trace_path)
    assert sum(event.kind == EventKind.FORWARD for event in reader.events) == 20_000
    reader.close()


def test_runs_are_repeatable_without_a_seed(execute) -> None:
    source = "import random, torch\nimport numpy as np\nprint(random.random(), np.random.rand(), torch.rand(1))"
    assert execute(source).printed == execute(source).printed != ""


def test_runs_do_not_share_state(execute) -> None:
    execute("leftover = 1")
    assert execute("print(leftover)").outcome.error_type == "NameError"


def test_two_runs_at_once(runner: Runner) -> None:
    runs = [runner.start(RunRequest(f"print({number})")) for number in range(2)]
    assert [run.wait(20).status for run in runs] == ["ok", "ok"]
    assert ["".join(m.text for m in run.poll() if isinstance(m, Printed)) for run in runs] == ["0\n", "1\n"]


def test_poll_never_blocks(runner: Runner) -> None:
    run = runner.start(RunRequest("import time\ntime.sleep(5)", limits=Limits(seconds=10)))
    slowest = 0.0
    for _turn in range(200):
        before = time.perf_counter()
        run.poll()
        slowest = max(slowest, time.perf_counter() - before)
    assert slowest < 0.2
    run.stop()
    assert run.wait(5).status == "stopped"


def test_wait_says_when_it_waited_long_enough(runner: Runner) -> None:
    run = runner.start(RunRequest("import time\ntime.sleep(20)", limits=Limits(seconds=20)))
    with pytest.raises(TimeoutError):
        run.wait(0.1)
    run.stop()
    run.wait(5)


def test_closing_the_runner_leaves_nothing_behind() -> None:
    runner = Runner()
    run = runner.start(RunRequest("while True: pass"))
    spare = runner.spare
    folder = runner.folder
    runner.close()
    assert run.outcome is not None
    assert not folder.exists()
    assert spare is None or not spare.is_alive
    assert not run._worker.is_alive
    workers = [worker for worker in (spare, run._worker) if worker is not None]
    threads = [run._watch, *(thread for worker in workers for thread in (worker._reader, worker._errors))]
    assert not any(thread.is_alive() for thread in threads)


def test_infinities_are_silent_as_in_torch(execute) -> None:
    source = (
        "import torch\nx = torch.tensor([-200.0, 0.0], requires_grad=True)\n"
        "torch.nn.functional.softplus(x).sum().backward()\nprint(torch.ones(1) / 0, x.grad)\n"
    )
    ended = execute(source)
    assert ended.printed == "tensor([inf]) tensor([0.0000, 0.5000])\n"
    assert "".join(message.text for message in ended.messages if isinstance(message, Printed)) == ended.printed
