"""Runs programs in worker processes. Keeps one worker warm, so that Run feels instant.

`Run.poll()` never blocks: a reader thread gathers what the worker says. No Qt here; the window polls from a timer.
"""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import IO, Any

import msgspec

from graphlab import i18n
from graphlab.i18n import _
from graphlab.session.messages import (
    FrameError,
    Limits,
    Message,
    Outcome,
    Printed,
    Ready,
    RunRequest,
    Start,
    Started,
    Stop,
    decode_message,
    limit_sentence,
    read_frame,
    write_frame,
)

__all__ = ["Limits", "Message", "Outcome", "Printed", "Ready", "Run", "RunRequest", "Runner", "Started"]

PATIENCE = 0.4
"""Seconds that a stopped program has to end by itself and leave a whole trace, before its process is ended."""

OVERTIME = 3.0
"""Seconds past the time limit after which the worker is ended from here: it should have done so itself."""

STDERR_TAIL = 4000


class Worker:
    """A child process and the thread that reads it."""

    def __init__(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        # -P: a numpy.py in the folder where GraphLab was started must not be taken for NumPy.
        code = "import sys; sys.path.append(sys.argv[1]); from graphlab.session.worker import main; main()"
        # One core stays with the window. BLAS threads that wait for a core that is taken made a 7 ms step take 230 ms.
        threads = str(max(1, (os.cpu_count() or 2) - 1))
        options: dict[str, Any] = {"env": {"OPENBLAS_NUM_THREADS": threads, **os.environ}}
        if sys.platform == "win32":
            options["creationflags"] = subprocess.CREATE_NO_WINDOW
        else:
            options["start_new_session"] = True  # Ctrl+C in a terminal is ours to handle
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tempfile.gettempdir(),
            **options,
        )
        self.messages: queue.Queue[Message] = queue.Queue()
        self.is_gone = threading.Event()  # nothing more will be read
        self.is_ready = threading.Event()
        self._tail = ""
        self._errors = threading.Thread(target=self._read_errors, daemon=True, name="worker-stderr")
        self._errors.start()
        self._reader = threading.Thread(target=self._read, daemon=True, name="worker-reader")
        self._reader.start()

    @property
    def is_alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def send(self, command: Start | Stop) -> bool:
        """Tell the worker something; False when it is gone."""
        assert self.process.stdin is not None
        try:
            write_frame(self.process.stdin, command)  # type: ignore[arg-type]
        except (OSError, ValueError):
            return False
        return True

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            while (frame := read_frame(self.process.stdout)) is not None:  # type: ignore[arg-type]
                message = decode_message(frame)
                if isinstance(message, Ready):
                    self.is_ready.set()
                self.messages.put(message)
        except (FrameError, msgspec.MsgspecError, OSError, ValueError):
            self.kill()
        self.is_ready.set()
        self.is_gone.set()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(OSError, ValueError):
            while part := self.process.stderr.read1(4096):  # type: ignore[attr-defined]
                self._tail = (self._tail + part.decode("utf-8", "replace"))[-STDERR_TAIL:]

    @property
    def last_words(self) -> str:
        """The end of what the process wrote to its standard error."""
        return self._tail.strip()

    def kill(self) -> None:
        """End the process now."""
        with contextlib.suppress(OSError):
            self.process.kill()

    def close(self) -> None:
        """End the process and wait for it and its threads."""
        self.kill()
        self.release()

    def release(self) -> None:
        """Wait for an ended process and its threads, and close the pipes."""
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
        self._reader.join(5)
        self._errors.join(5)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            _close_quietly(stream)


def _close_quietly(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with contextlib.suppress(OSError):
            stream.close()


class Run:
    """One running or ended program. `trace_path` is its trace ("" when nothing is recorded)."""

    def __init__(self, worker: Worker, request: RunRequest, on_end: Any) -> None:
        self.request = request
        self.outcome: Outcome | None = None
        self._worker = worker
        self._on_end = on_end
        self._started = time.monotonic()
        self._stop_requested = 0.0
        self._lock = threading.Lock()
        self._pending: list[Message] = []  # read by `wait`, not yet given out by `poll`
        worker.send(Start(request))
        self._watch = threading.Thread(target=self._guard, daemon=True, name="run-guard")
        self._watch.start()

    @property
    def trace_path(self) -> str:
        """The trace file, "" when the run is not recorded."""
        return self.request.trace_path if self.request.record else ""

    @property
    def is_over(self) -> bool:
        """Whether the outcome is known."""
        return self.outcome is not None

    @property
    def process_id(self) -> int:
        """The worker's process."""
        return self._worker.process.pid

    def poll(self) -> list[Message]:
        """What the worker said since the last call; never blocks. The last message of a run is its `Outcome`."""
        with self._lock:
            self._gather()
            messages, self._pending = self._pending, []
        return messages

    def stop(self) -> None:
        """End the program. Within a second the outcome is "stopped", whatever the program does."""
        if self.outcome is None and not self._stop_requested:
            self._stop_requested = time.monotonic()
            # A full pipe must not hold up the caller; the guard thread ends the process in any case.
            threading.Thread(target=self._worker.send, args=(Stop(),), daemon=True, name="run-stop").start()

    def wait(self, timeout: float | None = None) -> Outcome:
        """Wait for the end. Raises TimeoutError when it takes longer than `timeout` seconds."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                self._gather()
                if self.outcome is not None:
                    return self.outcome
            left = 0.05 if end is None else min(0.05, end - time.monotonic())
            if left <= 0:
                raise TimeoutError(f"The program still runs after {timeout} s")
            try:
                message = self._worker.messages.get(timeout=left)
            except queue.Empty:
                continue
            with self._lock:
                self._take(message)

    def _gather(self) -> None:
        """Move what the reader thread has gathered to `_pending`. The lock is held."""
        is_gone = self._worker.is_gone.is_set()  # asked first: what came before it is in the queue by now
        while True:
            try:
                self._take(self._worker.messages.get_nowait())
            except queue.Empty:
                break
        if is_gone and self.outcome is None:
            self._take(self._gone_outcome())

    def _take(self, message: Message) -> None:
        if self.outcome is not None or isinstance(message, Ready):
            return
        if isinstance(message, Outcome):
            if self._stop_requested and message.status not in ("ok", "failed", "refused"):
                message = msgspec.structs.replace(message, status="stopped", sentence=_("The program was stopped."))
            self.outcome = message
            self._on_end(self)
        self._pending.append(message)

    def _gone_outcome(self) -> Outcome:
        seconds = round(time.monotonic() - self._started, 3)
        if self._stop_requested:
            return Outcome("stopped", _("The program was stopped."), seconds=seconds)
        limits = self.request.limits
        if limits.seconds and seconds > limits.seconds + OVERTIME - 0.5:
            return Outcome("limit", limit_sentence("seconds", limits), limit="seconds", seconds=seconds)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._worker.process.wait(1)
        code = self._worker.process.returncode
        how = (
            _("signal {number}").format(number=-code)
            if code is not None and code < 0
            else _("code {code}").format(code=code)
        )
        sentence = _(
            "The program's process ended unexpectedly ({how}), perhaps because the computer ran out of memory. "
            "What was recorded up to then is kept; run the program again."
        ).format(how=how)
        return Outcome("crashed", sentence, traceback=self._worker.last_words, seconds=seconds)

    def _guard(self) -> None:
        """Ends the process when it does not end by itself: after Stop, and past the time limit."""
        limits = self.request.limits
        while not self._worker.is_gone.wait(0.05):
            now = time.monotonic()
            late_stop = self._stop_requested and now - self._stop_requested > PATIENCE
            late_limit = limits.seconds and now - self._started > limits.seconds + OVERTIME
            if late_stop or late_limit:
                self._worker.kill()
        self._worker.release()

    def close(self) -> None:
        """End the process, if it still runs, and let go of it. The trace stays."""
        if self.outcome is None:
            self._stop_requested = self._stop_requested or time.monotonic()
        self._worker.close()
        self._watch.join(5)
        with self._lock:
            self._gather()


class Runner:
    """Starts runs and keeps one warm worker. Close it (or use it as a context manager) to leave nothing behind.

    `folder`: where traces go; by default a temporary folder that `close` removes.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, keep_warm: bool = True) -> None:
        self._own_folder = folder is None
        self.folder = Path(tempfile.mkdtemp(prefix="graphlab-") if folder is None else folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._keep_warm = keep_warm
        self._lock = threading.Lock()
        self._spare: Worker | None = None
        self._runs: weakref.WeakSet[Run] = weakref.WeakSet()
        self._n_runs = 0
        self._is_closed = False
        if keep_warm:
            self.warm_up()

    def warm_up(self) -> None:
        """Start a spare worker, if there is none."""
        with self._lock:
            if self._is_closed or (self._spare is not None and self._spare.is_alive):
                return
            dead, self._spare = self._spare, Worker()
        if dead is not None:
            dead.close()

    @property
    def spare(self) -> Worker | None:
        """The worker that waits for the next run."""
        return self._spare

    def start(self, request: RunRequest) -> Run:
        """Run a program. Several may run at once; the second starts cold."""
        with self._lock:
            worker, self._spare = self._spare, None
            self._n_runs += 1
            number = self._n_runs
        if worker is not None and not worker.is_alive:
            worker.close()
            worker = None
        if request.record and not request.trace_path:
            path = self.folder / f"run-{os.getpid()}-{number}.graphlab"
            request = msgspec.structs.replace(request, trace_path=str(path))
            for suffix in ("", "-wal", "-shm"):  # of an earlier process with our number
                Path(request.trace_path + suffix).unlink(missing_ok=True)
        if not request.language:
            request = msgspec.structs.replace(request, language=i18n.language())
        run = Run(worker or Worker(), request, self._ended)
        self._runs.add(run)
        return run

    def _ended(self, _run: Run) -> None:
        # Only now: a spare that imports while the program runs would take a core from it.
        if self._keep_warm and not self._is_closed:
            threading.Thread(target=self.warm_up, daemon=True, name="warm-up").start()

    def discard(self, run: Run) -> None:
        """Let go of a run and delete its trace."""
        run.close()
        if run.trace_path:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    os.unlink(run.trace_path + suffix)

    def close(self) -> None:
        """End everything; the temporary folder with its traces is removed."""
        self._is_closed = True
        with self._lock:
            spare, self._spare = self._spare, None
        if spare is not None:
            spare.close()
        for run in list(self._runs):
            run.close()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
