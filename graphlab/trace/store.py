"""The trace file: one SQLite database in WAL mode, appended to by the worker while others read it.

Records are stored in chunks, one msgpack array a chunk, because a row a record cost more than the operators that it
records. Values lie as raw little-endian bytes in chunks of their own.
"""

import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from graphlab.trace.records import (
    FORMAT_VERSION,
    Base,
    Event,
    Failure,
    Ghost,
    Loss,
    Memory,
    Module,
    Problem,
    Section,
    Span,
    Tensor,
    Value,
    ValueForm,
)

APPLICATION_ID = 0x474C6162  # "GLab", so that `file` and we tell a trace from other SQLite files
MAX_BLOB = 256 * 2**20

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE records (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL);
CREATE TABLE chunks (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
"""

_KINDS: dict[str, type[Base]] = {
    "event": Event,
    "tensor": Tensor,
    "value": Value,
    "span": Span,
    "loss": Loss,
    "memory": Memory,
    "module": Module,
    "section": Section,
}
_LISTS = {kind: msgspec.msgpack.Decoder(list[record]) for kind, record in _KINDS.items()}  # type: ignore[valid-type]
_encoder = msgspec.msgpack.Encoder()
T = TypeVar("T")


class TraceError(Exception):
    """A trace could not be read or written; the message says what, found against expected, and what to do."""


class TraceWriter:
    """Appends to a trace. Buffers in memory; nothing is on disk before `flush`."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")  # a crash of the machine may lose a run, never an older file
        self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        self._db.execute(f"PRAGMA user_version={FORMAT_VERSION}")
        self._db.executescript(_SCHEMA)
        self._pending: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
        self._chunk = bytearray()
        self._chunk_id = 0

    def set_meta(self, key: str, value: Any) -> None:
        """Write one named value (JSON-like data or a record) at once."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, _encoder.encode(value)))

    def add(self, kind: str, record: Base | tuple[Any, ...]) -> None:
        """Append a record of `kind` ("event", "tensor", …): the struct, or a tuple of its fields in order."""
        self._pending[kind].append(record)

    def add_many(self, kind: str, records: Iterable[Base | tuple[Any, ...]]) -> None:
        """Append several records of one kind."""
        self._pending[kind].extend(records)

    def put_bytes(self, data: bytes) -> tuple[int, int, int]:
        """Append a value's bytes; returns chunk, offset and size for its `Value` record."""
        offset = len(self._chunk)
        self._chunk += data
        place = (self._chunk_id, offset, len(data))
        if len(self._chunk) > 2**20:
            self._write_chunk()
        return place

    def _write_chunk(self) -> None:
        if self._chunk:
            self._db.execute("INSERT INTO chunks VALUES (?, ?)", (self._chunk_id, bytes(self._chunk)))
            self._chunk_id += 1
            self._chunk = bytearray()

    def flush(self) -> None:
        """Put everything pending on disk in one transaction, so that readers see whole events."""
        self._db.execute("BEGIN")
        self._write_chunk()
        for kind, records in self._pending.items():
            if records:
                self._db.execute(
                    "INSERT INTO records (kind, n, data) VALUES (?, ?, ?)",
                    (kind, len(records), _encoder.encode(records)),
                )
                records.clear()
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Flush and close; the WAL is folded into the file, so that it can be copied alone."""
        self.flush()
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._db.close()


class TraceReader:
    """Reads a trace while it grows. Lists are indexed by record id; `refresh` appends what is new.

    Raises `TraceError` for a file that is no trace, is damaged, or was written by a newer version.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise TraceError(f"There is no trace file here. Choose another file. ({self.path})")
        self._db = sqlite3.connect(f"file:{_uri_path(self.path)}?mode=ro", uri=True, isolation_level=None)
        try:
            application = self._db.execute("PRAGMA application_id").fetchone()[0]
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise TraceError(f"This file is not a GraphLab trace. Choose another file. ({self.path})") from error
        if application != APPLICATION_ID:
            self._db.close()
            raise TraceError(f"This file is not a GraphLab trace. Choose another file. ({self.path})")
        if version > FORMAT_VERSION:
            self._db.close()
            raise TraceError(
                f"This trace was written by a newer GraphLab (trace format {version}, this one reads up to "
                f"{FORMAT_VERSION}). Update GraphLab to open it. ({self.path})"
            )
        self.events: list[Event] = []
        self.tensors: list[Tensor] = []
        self.values: list[Value] = []
        self.spans: list[Span] = []
        self.losses: list[Loss] = []
        self.memory: list[Memory] = []
        self.modules: list[Module] = []
        self.sections: list[Section] = []
        self._lists: dict[str, list[Any]] = {
            "event": self.events,
            "tensor": self.tensors,
            "value": self.values,
            "span": self.spans,
            "loss": self.losses,
            "memory": self.memory,
            "module": self.modules,
            "section": self.sections,
        }
        self._last_record = 0
        self._chunks: dict[int, bytes] = {}  # the few chunks read last
        self.refresh()

    def refresh(self) -> bool:
        """Read what was flushed since the last call; True when there was anything."""
        try:
            rows = self._db.execute(
                "SELECT id, kind, data FROM records WHERE id > ? ORDER BY id", (self._last_record,)
            ).fetchall()
            for row_id, kind, data in rows:
                decoder = _LISTS.get(kind)
                if decoder is not None:  # a kind that a later version added is left alone
                    self._lists[kind].extend(decoder.decode(data))
                self._last_record = row_id
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            raise TraceError(f"This trace is damaged: {error}. Run the program again. ({self.path})") from error
        return bool(rows)

    def meta(self, key: str, kind: type[T]) -> T | None:
        """The value named `key` as type `kind`, or None where the trace has none."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        try:
            return msgspec.msgpack.decode(row[0], type=kind)
        except msgspec.MsgspecError as error:
            raise TraceError(f"This trace is damaged: {error}. Run the program again. ({self.path})") from error

    @property
    def source(self) -> str:
        """The program's text as it was run, "" where unknown."""
        return self.meta("source", str) or ""

    @property
    def failure(self) -> Failure | None:
        """How the program failed, None while it runs or when it ended well."""
        return self.meta("failure", Failure)

    @property
    def problems(self) -> list[Problem]:
        """The diagnoses, in the order of importance."""
        return self.meta("problems", list[Problem]) or []

    @property
    def ghosts(self) -> list[Ghost]:
        """What the program would have done after its failure."""
        return self.meta("ghosts", list[Ghost]) or []

    def array(self, value: int) -> npt.NDArray[Any]:
        """The kept numbers of a value: the whole array, or for a summary its sample (shape `sample_shape`)."""
        record = self.values[value]
        data = self._chunk(record.chunk)[record.offset : record.offset + record.size]
        shape = record.shape if record.form == ValueForm.WHOLE else record.sample_shape
        try:
            return np.frombuffer(data, dtype=np.dtype(record.dtype).newbyteorder("<")).reshape(shape)
        except (TypeError, ValueError) as error:
            raise TraceError(f"This trace is damaged: {error}. Run the program again. ({self.path})") from error

    def _chunk(self, chunk: int) -> bytes:
        data = self._chunks.get(chunk)
        if data is None:
            row = self._db.execute("SELECT data FROM chunks WHERE id = ?", (chunk,)).fetchone()
            if row is None:
                raise TraceError(
                    f"This trace is damaged: chunk {chunk} is missing. Run the program again. ({self.path})"
                )
            data = bytes(row[0])
            if len(self._chunks) >= 64:
                self._chunks.pop(next(iter(self._chunks)))
            self._chunks[chunk] = data
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _uri_path(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.resolve()))
