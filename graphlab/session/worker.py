"""The child process: imports everything, waits for one program, runs it recorded, tells how it ended, and is gone.

The main thread listens, keeps time and sends what was printed; the program runs in a thread of its own with a deep
stack. File descriptor 1 is pointed at stderr first, so that nothing but our frames ever reaches the pipe.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import itertools
import operator
import os
import queue
import sys
import threading
import time
import traceback
import warnings
from typing import Any, BinaryIO

import msgspec

from graphlab.i18n import _, set_language
from graphlab.program.language import FILENAME
from graphlab.session.messages import (
    Command,
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
    decode_command,
    limit_sentence,
    read_frame,
    write_frame,
)

STACK_BYTES = 64 * 2**20
BATCH_SECONDS = 0.05
BATCH_CHARACTERS = 8192
TICK = 0.02
GRACE = 1.0
"""How long a program may go on after it was told to end, before the process is ended under it."""


FINISH = 15.0
"""How long the recording of a program that was ended may take to be finished and diagnosed."""


class Ended(BaseException):
    """Raised inside the program from outside to end it: Stop was pressed or a limit was reached."""


class Prints(io.TextIOBase):
    """The program's standard output. Counts characters, and sends them on in batches.

    The first text after a pause goes out at once, from the program's own thread: a call into C may keep the main
    thread from running for long. What follows within `BATCH_SECONDS` is sent by the main thread.
    """

    def __init__(self, limit: int, on_limit: Any, send: Any) -> None:
        self._send = send
        self._sent = 0.0
        self._parts: list[tuple[str, str]] = []  # stream, text
        self.stderr = Errors(self)
        self._n = 0
        self._limit = limit
        self._on_limit = on_limit
        self._lock = threading.Lock()
        self.listener: Any = None  # the recorder's `printed`

    def write(self, text: str) -> int:
        """Take printed text; ends the program when it printed too much."""
        return self.take("stdout", text)

    def take(self, stream: str, text: str) -> int:
        """Take text for "stdout" or "stderr"."""
        if not text.isascii():
            text = text.encode("utf-8", "backslashreplace").decode()  # half a surrogate pair can't be sent
        n = len(text)
        with self._lock:
            if self._limit and self._n + n > self._limit:
                self._parts.append((stream, text[: max(self._limit - self._n, 0)]))
                self._n = self._limit
                is_over = True
            else:
                self._parts.append((stream, text))
                self._n += n
                is_over = False
        if self.listener is not None and stream == "stdout":
            self.listener(text)
        if is_over:
            self._on_limit()
        if time.monotonic() - self._sent > BATCH_SECONDS:
            self.pass_on()
        return n

    def writable(self) -> bool:
        return True

    def pass_on(self) -> None:
        """Send what was written since the last call."""
        with self._lock:
            if not self._parts:
                return
            parts, self._parts = self._parts, []
            self._sent = time.monotonic()
            for stream, group in itertools.groupby(parts, key=operator.itemgetter(0)):
                text = "".join(part for _stream, part in group)
                for start in range(0, len(text), 2**20):
                    self._send(Printed(text[start : start + 2**20], stream))


class Errors(io.TextIOBase):
    """The program's standard error: warnings, and what it prints there."""

    def __init__(self, prints: Prints) -> None:
        self._prints = prints

    def write(self, text: str) -> int:
        return self._prints.take("stderr", text)

    def writable(self) -> bool:
        return True


class Worker:
    """One run from request to outcome."""

    def __init__(self, commands: BinaryIO, messages: BinaryIO) -> None:
        self._commands_stream = commands
        self._messages = messages
        self._commands: queue.Queue[Command | None] = queue.Queue()
        self._end_reason = ""  # "", "stopped", or the name of a limit
        self._end_since = 0.0
        self._outcome: Outcome | None = None
        self._program: threading.Thread | None = None
        self._is_inside = False  # the program's own code is running: only then may it be interrupted
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._prints = Prints(0, self._end_for_output, self._send)

    def serve(self) -> None:
        """Wait for a program, run it, and return when everything was said."""
        threading.Thread(target=self._listen, daemon=True, name="commands").start()
        preload()
        self._send(Ready())
        command = self._commands.get()
        if not isinstance(command, Start):
            return
        self._run(command.request)

    def _listen(self) -> None:
        try:
            while (frame := read_frame(self._commands_stream)) is not None:
                self._commands.put(decode_command(frame))
        except (FrameError, ValueError, OSError):
            pass  # a window that talks nonsense is as good as gone
        self._commands.put(None)

    def _send(self, message: Message) -> None:
        try:
            with self._sending:
                write_frame(self._messages, message)
        except OSError:
            os._exit(0)  # the window is gone, and nobody waits for us

    def _run(self, request: RunRequest) -> None:
        limits = request.limits
        set_language(request.language)
        limit_memory(limits.memory)
        self._prints = Prints(limits.characters, self._end_for_output, self._send)
        self._send(Started())
        started = time.monotonic()
        threading.stack_size(STACK_BYTES)
        self._program = threading.Thread(target=self._execute, args=(request,), daemon=True, name="program")
        self._program.start()
        last_sent = 0.0
        while self._program.is_alive():
            self._program.join(TICK)
            now = time.monotonic()
            if now - last_sent >= BATCH_SECONDS:
                self._prints.pass_on()
                last_sent = now
            with contextlib.suppress(queue.Empty):
                command = self._commands.get_nowait()
                if command is None:
                    os._exit(0)
                if isinstance(command, Stop):
                    self._end("stopped")
            if limits.seconds and now - started > limits.seconds:
                self._end("seconds")
            if limits.trace and request.record and _file_size(request.trace_path) > limits.trace:
                self._end("trace")
            if self._end_reason and self._outcome is None:
                if now - self._end_since > (GRACE if self._is_inside else FINISH):
                    break  # it caught our exception, or sits in a long call
                self._interrupt()
        self._prints.pass_on()
        outcome = self._outcome or self._ended_outcome(limits)
        self._send(_with_time(outcome, time.monotonic() - started))
        if self._program.is_alive():
            os._exit(0)

    # Ending a program -------------------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        with self._lock:
            if not self._end_reason:
                self._end_reason = reason
                self._end_since = time.monotonic()

    def _end_for_output(self) -> None:
        self._end("characters")
        raise Ended

    def _interrupt(self) -> None:
        with self._lock:
            thread = self._program
            if self._is_inside and thread is not None and thread.ident is not None and not _is_writing(thread.ident):
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Ended))

    def _ended_outcome(self, limits: Limits) -> Outcome:
        reason = self._end_reason
        if not reason or reason == "stopped":
            return Outcome("stopped", _("The program was stopped."))
        return Outcome("limit", limit_sentence(reason, limits), limit=reason)

    # The program's thread ---------------------------------------------------------------------------------------

    def _execute(self, request: RunRequest) -> None:
        from graphlab.session.execution import execute

        try:
            self._outcome = execute(request, self._prints, self)
        except Ended:
            pass  # came between two steps of ours; `_ended_outcome` says what it was
        except MemoryError:
            self._outcome = Outcome("limit", limit_sentence("memory", request.limits), limit="memory")
        except Exception as error:  # our own mistake, at the thread's edge: said, not swallowed
            self._outcome = Outcome(
                "crashed",
                _("GraphLab itself failed while running the program: {error!r}. Please report it.").format(error=error),
                traceback="".join(traceback.format_exception(error)),
            )

    def enter(self) -> None:
        """The program's code begins: from now on it may be interrupted."""
        self._is_inside = True

    def leave(self) -> None:
        """The program's code is over. An interruption that was on its way is taken back."""
        with self._lock:
            self._is_inside = False
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(threading.get_ident()), None)

    def ended(self, limits: Limits) -> Outcome | None:
        """How the program was ended from outside, None if it was not."""
        return self._ended_outcome(limits) if self._end_reason else None


def _with_time(outcome: Outcome, seconds: float) -> Outcome:
    return msgspec.structs.replace(outcome, seconds=round(seconds, 4))


def _is_writing(thread: int) -> bool:
    """Whether a thread is in the middle of recording: an exception there could leave half a record."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code.co_filename != FILENAME:
        if frame.f_globals.get("__name__", "").startswith(("graphlab.record", "graphlab.trace", "graphlab.session")):
            return True
        frame = frame.f_back
    return False


def _file_size(path: str) -> int:
    """Bytes of a trace, with the log that is not folded into it yet."""
    size = 0
    for suffix in ("", "-wal"):
        with contextlib.suppress(OSError):
            size += os.stat(path + suffix).st_size
    return size


def preload() -> None:
    """Import what every run needs, so that a warm worker starts at once."""
    from graphlab.engine.allocation import leave_out_imports
    from graphlab.session import execution

    execution.preload()
    leave_out_imports()


def limit_memory(n_bytes: int) -> None:
    """Allow `n_bytes` more than the process has mapped now (Linux; elsewhere the engine's own limit must do)."""
    if not n_bytes or not sys.platform.startswith("linux"):
        return
    import resource

    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = mapped + n_bytes
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))


def main() -> None:
    """Entry of the child process."""
    commands = os.fdopen(os.dup(0), "rb")
    messages = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    warnings.simplefilter("default")
    Worker(commands, messages).serve()
    os._exit(0)  # daemon threads and what a program left behind need no farewell


if __name__ == "__main__":
    main()
