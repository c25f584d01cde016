"""The trace file: one SQLite database in WAL mode, appended to by the worker while others read it.

A file is data: what a reader opens is checked for its version, its schema, its sizes and its references before anybody
sees it, and everything wrong with it is a `TraceError`.

Records are stored in chunks, one msgpack array a chunk, because a row a record cost more than the operators that it
records. Values lie as raw little-endian bytes in chunks of their own.
"""

import gc
import math
import os
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import numpy as np
import numpy.typing as npt

from graphlab.i18n import _
from graphlab.trace.check import DTYPES, check_records
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
"""No row of a trace is larger; a file that says so is refused before it is read."""
MAX_SECONDS = 30.0
"""A reader gives up a query of the file after this long: a crafted file could keep SQLite busy for ever."""

ROWS_AT_ONCE = 8
"""Rows of records fetched at once: some milliseconds of decoding, at the 512 records that a recorder puts in a row."""
MAX_TRIES = 8
"""How many rows past its time a reader looks for one to stop at."""

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
_AMENDMENTS = msgspec.msgpack.Decoder(list[tuple[int, dict[str, bool | int | str]]])
_AMENDABLE = {"name": str, "kind": int, "requires_grad": bool}
_NUMBERED = frozenset({"event", "tensor", "value", "section"})
_LISTS = {kind: msgspec.msgpack.Decoder(list[record]) for kind, record in _KINDS.items()}  # type: ignore[valid-type]
_encoder = msgspec.msgpack.Encoder(enc_hook=str)
CACHE_BYTES = 64 * 2**20
T = TypeVar("T")


class TraceError(Exception):
    """A trace could not be read or written; the message says what, found against expected, and what to do."""


class TraceWriter:
    """Appends to a trace. Buffers in memory; nothing but `set_meta` is on disk before `flush`.

    Raises `TraceError` where the file cannot be made or written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.source = ""  # the program's text, once `set_meta` told it
        self._pending: dict[str, list[Any]] = {kind: [] for kind in (*_KINDS, "amend")}
        self._ready: list[tuple[int, bytes | bytearray]] = []  # chunks to be written
        self._chunk = bytearray()
        self._chunk_id = 0
        self._rows: list[tuple[str, int, bytes]] = []  # encoded, to be written
        self._done = dict.fromkeys(_KINDS, 0)  # first id that `put_records` has not had
        self._n_rows = 0
        self._is_closed = False
        try:
            # Whoever shares a writer between threads lets only one at a time flush it.
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._db.execute("PRAGMA page_size=16384")  # rows are large: a byte costs half of what it does at 4096
                self._db.execute("PRAGMA journal_mode=WAL")
                # Folding the log into the file every 4 MB, as is the default, made some flushes ten times slower.
                self._db.execute("PRAGMA wal_autocheckpoint=2048")
                self._db.execute("PRAGMA synchronous=OFF")  # a crash of the machine may lose a run, never an older file
                self._db.execute(f"PRAGMA application_id={APPLICATION_ID}")
                self._db.execute(f"PRAGMA user_version={FORMAT_VERSION}")
                self._db.executescript(_SCHEMA)
            except sqlite3.Error:
                self._db.close()
                raise
        except sqlite3.Error as error:
            raise self._error(error) from error

    def _error(self, error: sqlite3.Error) -> TraceError:
        return TraceError(
            _(
                "The trace could not be written: {error}. Free some disk space or choose another folder. ({path})"
            ).format(error=error, path=self.path)
        )

    def set_meta(self, key: str, value: Any) -> None:
        """Write one named value (JSON-like data or a record) at once."""
        if key == "source":
            self.source = str(value)
        try:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, _encoder.encode(value)))
        except sqlite3.Error as error:
            raise self._error(error) from error

    def add(self, kind: str, record: Base | tuple[Any, ...]) -> None:
        """Append a record of `kind` ("event", "tensor", …): the struct, or a tuple of its fields in order."""
        self._pending[kind].append(record)

    def add_many(self, kind: str, records: Iterable[Base | tuple[Any, ...]]) -> None:
        """Append several records of one kind."""
        self._pending[kind].extend(records)

    def put_records(self, kind: str, records: list[tuple[Any, ...]]) -> None:
        """Append several records of one kind, encoded at once; the list may be used again.

        Records with an id that were given before are left out: who was interrupted may give its list again.
        """
        if kind in _NUMBERED:
            done = self._done[kind]
            if records and records[0][0] < done:
                records = [record for record in records if record[0] >= done]
            if not records:
                return
            end = records[-1][0] + 1
        else:
            end = 0
        self._end_pending(kind)
        row = (kind, len(records), _encoder.encode(records))
        # No call stands between these two, so no interruption from another thread comes between them.
        self._rows += [row]
        self._done[kind] = end

    @property
    def done(self) -> dict[str, int]:
        """For each numbered kind the first id that nobody has given yet."""
        return self._done

    def put_encoded(self, kind: str, first: int, n: int, data: bytes) -> None:
        """Append `n` records of one kind that are encoded already, as one row; `first` is the id of the first."""
        self._end_pending(kind)
        self._rows += [(kind, n, data)]
        self._done[kind] = first + n

    def _end_pending(self, kind: str) -> None:
        pending = self._pending[kind]
        n = len(pending)
        if n:
            self._rows.append((kind, n, _encoder.encode(pending[:n])))
            del pending[:n]  # not what another thread has added meanwhile

    def amend_tensor(self, tensor: int, changes: dict[str, Any]) -> None:
        """Correct what was said of a tensor already written: its "name", "kind" or "requires_grad"."""
        self._pending["amend"].append((tensor, changes))

    def put_bytes(self, data: bytes) -> tuple[int, int, int]:
        """Append a value's bytes; returns chunk, offset and size for its `Value` record."""
        offset = len(self._chunk)
        self._chunk += data
        place = (self._chunk_id, offset, len(data))
        if len(self._chunk) > 2**20:
            self._end_chunk()
        return place

    @property
    def next_chunk(self) -> int:
        """Number of the chunk that `put_chunk` will append next."""
        return self._chunk_id + (1 if self._chunk else 0)

    def put_chunk(self, data: bytes | bytearray, number: int | None = None) -> int:
        """Append a whole chunk of values' bytes, at most `MAX_BLOB`; returns its number.

        `number`: of a chunk that may have been given before, when who gave it was interrupted; it is replaced.
        """
        self._end_chunk()
        if number is not None and number < self._chunk_id:
            self._ready.append((number, data))
            return number
        self._ready.append((self._chunk_id, data))
        self._chunk_id += 1
        return self._chunk_id - 1

    def _end_chunk(self) -> None:
        if self._chunk:
            self._ready.append((self._chunk_id, bytes(self._chunk)))
            self._chunk_id += 1
            self._chunk = bytearray()

    def flush(self) -> None:
        """Put everything pending on disk in one transaction, so that readers see whole events."""
        self._end_chunk()
        for kind in self._pending:
            self._end_pending(kind)
        rows = [(self._n_rows + at, *row) for at, row in enumerate(self._rows, 1)]
        if not rows and not self._ready:
            return
        try:
            if self._db.in_transaction:  # an interruption came in the middle of the last one
                self._db.execute("ROLLBACK")
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO chunks VALUES (?, ?)", self._ready)
            self._db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._error(error) from error
        self._n_rows += len(rows)
        self._rows = []
        self._ready = []

    def close(self) -> None:
        """Flush and close; the WAL is folded into the file, so that it can be copied alone."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self.flush()
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise self._error(error) from error
        finally:
            self._db.close()


class TraceReader:
    """Reads a trace while it grows. Lists are indexed by record id; `refresh` appends what is new.

    Raises `TraceError` for a file that is no trace, is damaged, or was written by a newer version.
    """

    def __init__(self, path: str | os.PathLike[str], seconds: float = math.inf) -> None:
        """Open a trace and read it for about `seconds` (see `refresh`)."""
        self.path = Path(path)
        if not self.path.is_file():
            raise TraceError(_("There is no trace file here. Choose another file. ({path})").format(path=self.path))
        self._deadline = 0.0
        self._db = self._open()
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
        self.is_behind = False
        self._last_record = 0
        self._held: dict[str, list[Any]] = {}  # decoded, not shown yet
        self._amendments: list[tuple[int, dict[str, bool | int | str]]] = []
        self._n_held = self._try_at = 0
        self._chunks: dict[int, bytes] = {}  # the few chunks read last
        try:
            self.refresh(seconds)
        except TraceError:
            self._db.close()
            raise

    def _open(self) -> sqlite3.Connection:
        uri = f"file:{quote(str(self.path.resolve()))}?mode=ro"
        try:
            try:
                return self._checked(sqlite3.connect(uri, uri=True, isolation_level=None))
            except sqlite3.OperationalError:
                # In a folder that cannot be written to, WAL mode needs the promise that nobody writes.
                return self._checked(sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None))
        except (sqlite3.Error, UnicodeDecodeError) as error:  # SQLite's own message may quote the damage
            raise (self._damaged(_("its tables can't be read")) if self._is_marked() else self._foreign()) from error

    def _is_marked(self) -> bool:
        """Whether the file begins like a trace: a database with our number in its header."""
        try:
            with self.path.open("rb") as file:
                start = file.read(72)
        except OSError:
            return False
        return start[:16] == b"SQLite format 3\0" and start[68:] == APPLICATION_ID.to_bytes(4, "big")

    def _checked(self, db: sqlite3.Connection) -> sqlite3.Connection:
        """The connection, if the file behind it is a trace that we can read."""
        try:
            self._deadline = time.monotonic() + MAX_SECONDS
            db.set_progress_handler(lambda: time.monotonic() > self._deadline, 100_000)
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BLOB)
            db.execute("PRAGMA trusted_schema=OFF")
            application = db.execute("PRAGMA application_id").fetchone()[0]
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION_ID:
                raise self._foreign()
            if version > FORMAT_VERSION:
                raise TraceError(
                    _(
                        "This trace was written by a newer GraphLab (trace format {version}, this one reads up to "
                        "{ours}). Update GraphLab to open it. ({path})"
                    ).format(version=version, ours=FORMAT_VERSION, path=self.path)
                )
            # A view in the place of a table could compute for ever.
            tables = dict(
                db.execute("SELECT name, type FROM sqlite_master WHERE name IN ('meta', 'records', 'chunks')")
            )
            if tables != {"meta": "table", "records": "table", "chunks": "table"}:
                raise self._damaged(_("its tables are not those of a trace"))
        except (sqlite3.Error, UnicodeDecodeError, TraceError):
            db.close()
            raise
        return db

    def _foreign(self) -> TraceError:
        return TraceError(_("This file is not a GraphLab trace. Choose another file. ({path})").format(path=self.path))

    def _damaged(self, reason: object) -> TraceError:
        return TraceError(
            _("This trace is damaged: {reason}. Run the program again. ({path})").format(reason=reason, path=self.path)
        )

    def _query(self, sql: str, *values: Any) -> list[Any]:
        self._deadline = time.monotonic() + MAX_SECONDS
        try:
            return self._db.execute(sql, values).fetchall()
        except (sqlite3.Error, OverflowError) as error:
            raise self._damaged(error) from error

    def refresh(self, seconds: float = math.inf) -> bool:
        """Read what was flushed since the last call, for about `seconds`; True when there was anything.

        `is_behind` says that the time was too short; the next call goes on from there. What is shown never refers to
        what is not: records that do are held back until the rest was read.
        """
        was_collecting = gc.isenabled()
        gc.disable()  # records form no cycles, and looking for some took longer than reading
        try:
            return self._read(time.monotonic() + seconds)
        finally:
            if was_collecting:
                gc.enable()

    def _read(self, end: float) -> bool:
        n_tries = 0
        while True:
            rows = self._query(
                "SELECT id, kind, data FROM records WHERE id > ? ORDER BY id LIMIT ?",
                self._last_record,
                ROWS_AT_ONCE if n_tries == 0 else 1,
            )
            for row in rows:
                self._hold(*row)
            self.is_behind = bool(rows)
            if not rows:
                wrong = check_records(self._lists, self._held)
                if wrong:
                    raise self._damaged(wrong)
                return self._show_held()
            if time.monotonic() < end:
                continue
            # Only some rows end with nothing that refers to a later one. Files without such rows are tried again
            # when they are twice as long, so that checking takes no more than a few times what reading does.
            if self._n_held < self._try_at:
                return False
            if not check_records(self._lists, self._held):
                return self._show_held()
            n_tries += 1
            if n_tries == MAX_TRIES:
                self._try_at = 2 * self._n_held
                return False

    def _hold(self, row: int, kind: str, data: bytes) -> None:
        """Decode one row of records."""
        try:
            if kind == "amend":
                self._amendments += _AMENDMENTS.decode(data)
            elif kind in _LISTS:  # a kind that a later version added is left alone
                records = _LISTS[kind].decode(data)
                self._held.setdefault(kind, []).extend(records)
                self._n_held += len(records)
        except (msgspec.MsgspecError, TypeError, ValueError, MemoryError, RecursionError) as error:
            raise self._damaged(error) from error
        self._last_record = row

    def _show_held(self) -> bool:
        """Append what was decoded to the lists; True when there was anything."""
        if not self._held and not self._amendments:
            return False
        for kind, records in self._held.items():
            self._lists[kind].extend(records)
        for tensor, changes in self._amendments:
            if not 0 <= tensor < len(self.tensors):
                raise self._damaged(_("it corrects a tensor that it does not have"))
            known = {name: v for name, v in changes.items() if type(v) is _AMENDABLE.get(name)}
            self.tensors[tensor] = msgspec.structs.replace(self.tensors[tensor], **known)
        self._held, self._amendments, self._n_held, self._try_at = {}, [], 0, 0
        return True

    @property
    def progress(self) -> float:
        """How much of what is in the file was read, from 0 to 1."""
        last = self._query("SELECT max(id) FROM records")[0][0] or 0
        return min(1.0, self._last_record / last) if last > 0 else 1.0

    def meta(self, key: str, kind: type[T]) -> T | None:
        """The value named `key` as type `kind`, or None where the trace has none."""
        rows = self._query("SELECT value FROM meta WHERE key = ?", key)
        if not rows:
            return None
        try:
            return msgspec.msgpack.decode(rows[0][0], type=kind)
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
            raise self._damaged(error) from error

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
    def language(self) -> str:
        """The language in which the problems are told."""
        return self.meta("language", str) or "en"

    @property
    def ghosts(self) -> list[Ghost]:
        """What the program would have done after its failure."""
        return self.meta("ghosts", list[Ghost]) or []

    def array(self, value: int) -> npt.NDArray[Any]:
        """The kept numbers of a value, read-only: the whole array, or a summary's sample (shape `sample_shape`).

        bfloat16 is given as float32, which holds the same numbers.
        """
        record = self.values[value]
        # An empty tensor has no bytes, so its chunk may never have been written.
        data = self._chunk(record.chunk)[record.offset : record.offset + record.size] if record.size else b""
        shape = record.shape if record.form == ValueForm.WHOLE else record.sample_shape
        try:
            array = np.frombuffer(data, dtype=DTYPES[record.dtype]).reshape(shape)
            return array if record.dtype != "bfloat16" else (array.astype(np.uint32) << 16).view(np.float32)
        except (KeyError, TypeError, ValueError) as error:
            raise self._damaged(error) from error

    def _chunk(self, chunk: int) -> bytes:
        data = self._chunks.get(chunk)
        if data is None:
            rows = self._query("SELECT data FROM chunks WHERE id = ?", chunk)
            if not rows:
                raise self._damaged(_("chunk {number} is missing").format(number=chunk))
            if not isinstance(rows[0][0], bytes):
                raise self._damaged(_("chunk {number} holds no bytes").format(number=chunk))
            data = rows[0][0]
            while self._chunks and sum(map(len, self._chunks.values())) + len(data) > CACHE_BYTES:
                self._chunks.pop(next(iter(self._chunks)))
            self._chunks[chunk] = data
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()
