"""What the window's process and the worker tell each other: typed messages in length-prefixed msgpack frames.

Nothing is ever unpickled: a frame that does not fit its type is an error, and the worker is ended.
"""

import struct
from typing import BinaryIO

import msgspec

from graphlab.i18n import N_

MAX_FRAME = 64 * 2**20
_LENGTH = struct.Struct("<I")


class Limits(msgspec.Struct, frozen=True):
    """How far a run may go. A value of 0 means no limit."""

    seconds: float = 300.0
    memory: int = 4 * 2**30  # bytes, on top of what the worker holds before the program starts
    characters: int = 1_000_000  # printed
    trace: int = 2 * 2**30  # bytes of the trace file
    cuda: int = 8 * 2**30  # capacity of the simulated cuda device, in bytes
    recursion: int = 1000  # Python's own default


class RunRequest(msgspec.Struct, frozen=True):
    """Run this program."""

    source: str
    record: bool = True
    diagnose: bool = True
    limits: Limits = Limits()
    trace_path: str = ""  # "" lets the runner choose a temporary place
    folder: str = ""  # of the project that the program belongs to, "" for none: where `torch.save` may write
    is_trial: bool = False  # what it saves is not kept
    language: str = ""  # in which the program's problems are told; "" lets the runner take the one of its process


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The worker has imported everything and waits."""


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The program begins."""


class Printed(msgspec.Struct, frozen=True, tag="printed"):
    """The program printed `text` (gathered over some milliseconds). Warnings go to "stderr", as in Python."""

    text: str
    stream: str = "stdout"


class Outcome(msgspec.Struct, frozen=True, tag="ended"):
    """How a run ended.

    status: "ok", "failed" (an exception of the program's own), "refused" (not in the language), "stopped", "limit",
    "crashed" (the process is gone). `sentence` says it plainly, with what to do.
    """

    status: str
    sentence: str = ""
    error_type: str = ""
    error_message: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0
    traceback: str = ""
    limit: str = ""  # which limit: "seconds", "memory", "characters", "trace"
    seconds: float = 0.0
    peak_memory: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def is_clean(self) -> bool:
        """Whether the program ran to its end."""
        return self.status == "ok"


class Start(msgspec.Struct, frozen=True, tag="start"):
    """To the worker: run this."""

    request: RunRequest


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """To the worker: end the program now."""


Message = Ready | Started | Printed | Outcome
Command = Start | Stop

LIMIT_WORDS = {
    "seconds": N_("The program ran longer than {seconds:g} s and was ended. Make it do less, or raise the time limit."),
    "memory": N_(
        "The program needed more than {memory} of memory and was ended. Use smaller tensors or raise the limit."
    ),
    "characters": N_(
        "The program printed more than {characters:,} characters and was ended. Print less, say every 100th turn."
    ),
    "trace": N_("The record of the program grew over {trace} and the program was ended. Use fewer iterations."),
}

_encoder = msgspec.msgpack.Encoder()


class FrameError(Exception):
    """The other side sent something that is no frame."""


def write_frame(stream: BinaryIO, message: Message | Command) -> None:
    """Send one message."""
    data = _encoder.encode(message)
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame, or None when the other side is gone. Raises `FrameError` for an impossible length."""
    head = _read_exactly(stream, _LENGTH.size)
    if head is None:
        return None
    (size,) = _LENGTH.unpack(head)
    if size > MAX_FRAME:
        raise FrameError(f"A frame of {size} bytes was announced; at most {MAX_FRAME} are allowed")
    return _read_exactly(stream, size)


def _read_exactly(stream: BinaryIO, size: int) -> bytes | None:
    parts = []
    while size:
        part = stream.read(size)
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


decode_message = msgspec.msgpack.Decoder(Message).decode
decode_command = msgspec.msgpack.Decoder(Command).decode


def bytes_text(n: int) -> str:
    """A number of bytes as people read it: "512 MiB", "1.5 GiB"."""
    size = float(n)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.4g} GiB"


def limit_sentence(limit: str, limits: Limits) -> str:
    """What is said when a limit ended the program."""
    from graphlab.i18n import _

    return _(LIMIT_WORDS[limit]).format(
        seconds=limits.seconds,
        memory=bytes_text(limits.memory),
        characters=limits.characters,
        trace=bytes_text(limits.trace),
    )
