"""Programs, projects and traces on disk: opened with care, saved atomically. Nothing in a file is ever executed here.

A program is a .py file; a project is a folder with program.py and project.json; a trace is one SQLite file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from graphlab.i18n import _
from graphlab.session.messages import Limits
from graphlab.trace.store import TraceError, TraceReader

MAX_PROGRAM_BYTES = 4 * 2**20
MAX_SETTINGS_BYTES = 16 * 2**20
PROGRAM = "program.py"
SETTINGS = "project.json"
TRACE_SUFFIX = ".graphlab"
SETTINGS_VERSION = 1

_SQLITE = b"SQLite format 3\0"


class ProjectError(Exception):
    """A file could not be opened or saved: one sentence that says what, where, and what to do."""


class Row(msgspec.Struct, frozen=True):
    """One row of the expression bar's table, as it was typed."""

    name: str
    text: str = ""
    shape: list[int] | None = None
    fill: str = "random"
    requires_grad: bool = False


class Settings(msgspec.Struct, frozen=True):
    """What a project keeps besides its program. Later versions may add fields; unknown ones are left out."""

    version: int = SETTINGS_VERSION
    limits: Limits = msgspec.field(default_factory=Limits)  # `limits.cuda` is the simulated device's capacity
    expression: str = ""
    table: list[Row] = msgspec.field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """What was opened. kind: "program", "project" or "trace"; `source` of a trace: the recorded program."""

    kind: str
    path: Path
    source: str
    settings: Settings = field(default_factory=Settings)
    newline: str = "\n"


def open_document(path: str | os.PathLike[str]) -> Document:
    """Open a .py program, a project folder or a saved trace. Raises `ProjectError`."""
    path = Path(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return _open_folder(path)
        if not stat.S_ISREG(mode):
            raise ProjectError(_("Choose a file. ({path})").format(path=path))
        with path.open("rb") as file:
            head = file.read(len(_SQLITE))
        if head == _SQLITE:
            return _open_trace(path)
        source, newline = _read_program(path)
    except FileNotFoundError:
        raise ProjectError(_("There is no such file. Check the name. ({path})").format(path=path)) from None
    except OSError as error:
        raise ProjectError(
            _("The file cannot be read: {reason}. Choose another one. ({path})").format(
                reason=error.strerror or error, path=path
            )
        ) from None
    except ValueError:  # a zero byte in the path
        raise ProjectError(_("There is no such file. Check the name. ({path})").format(path=repr(str(path)))) from None
    return Document("program", path, source, newline=newline)


def _open_folder(path: Path) -> Document:
    program = path / PROGRAM
    if not program.is_file():
        raise ProjectError(
            _("This folder is not a GraphLab project: it has no {name}. Choose a folder that has one. ({path})").format(
                name=PROGRAM, path=path
            )
        )
    source, newline = _read_program(program)
    return Document("project", path, source, _read_settings(path / SETTINGS), newline)


def _read_program(path: Path) -> tuple[str, str]:
    size = path.stat().st_size
    if size > MAX_PROGRAM_BYTES:
        raise ProjectError(
            _(
                "This file is too large for a program ({size:,} bytes, at most {limit:,}). Choose another. ({path})"
            ).format(size=size, limit=MAX_PROGRAM_BYTES, path=path)
        )
    data = path.read_bytes()
    if b"\0" in data:
        raise ProjectError(_("This is not a text file. Choose a Python program. ({path})").format(path=path))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ProjectError(
            _(
                "This file is not UTF-8 text (line {line}). Save it as UTF-8 in an editor and open it again. ({path})"
            ).format(line=line, path=path)
        ) from None
    newline = "\r\n" if "\r\n" in text else "\n"
    return text.replace("\r\n", "\n").replace("\r", "\n"), newline


def _read_settings(path: Path) -> Settings:
    if not path.exists():
        return Settings()
    if path.stat().st_size > MAX_SETTINGS_BYTES:
        raise ProjectError(
            _("{name} is too large. Delete it to use the defaults. ({path})").format(name=SETTINGS, path=path)
        )
    data = path.read_bytes()
    try:
        version = msgspec.json.decode(data, type=_Version).version
        if version > SETTINGS_VERSION:
            raise ProjectError(
                _(
                    "A newer GraphLab saved this project (version {found}, up to {known} is known). Update it. ({path})"
                ).format(found=version, known=SETTINGS_VERSION, path=path)
            )
        return msgspec.json.decode(data, type=Settings)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProjectError(
            _("{name} is damaged: {error}. Delete it to use the defaults. ({path})").format(
                name=SETTINGS, error=error, path=path
            )
        ) from None


class _Version(msgspec.Struct):
    version: int = SETTINGS_VERSION


def _open_trace(path: Path) -> Document:
    try:
        reader = TraceReader(path, 0.0)  # who shows it reads the rest
    except TraceError as error:
        raise ProjectError(str(error)) from None
    except sqlite3.Error as error:
        raise ProjectError(
            _("This trace is damaged: {error}. Record it again. ({path})").format(error=error, path=path)
        ) from None
    try:
        return Document("trace", path, reader.source)
    except (TraceError, sqlite3.Error) as error:
        raise ProjectError(str(error)) from None
    finally:
        reader.close()


# Saving -------------------------------------------------------------------------------------------------------


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace a file's content in one step: after a crash it is the old one or the new one, never half of it."""
    path = Path(os.path.realpath(path))  # a link stays a link
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        with contextlib.suppress(OSError):  # some file systems don't know it
            handle = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def save_program(path: str | os.PathLike[str], source: str, newline: str = "\n") -> None:
    """Save a program as UTF-8. Raises `ProjectError`; what was there before stays then."""
    try:
        write_atomically(path, source.replace("\n", newline).encode())
    except (OSError, UnicodeEncodeError) as error:
        raise _not_saved(error, path) from None


def save_project(folder: str | os.PathLike[str], source: str, settings: Settings, newline: str = "\n") -> None:
    """Save a project folder: program.py and project.json. Raises `ProjectError`."""
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / PROGRAM, source.replace("\n", newline).encode())
        write_atomically(folder / SETTINGS, msgspec.json.format(msgspec.json.encode(settings), indent=2) + b"\n")
    except (OSError, UnicodeEncodeError) as error:
        raise _not_saved(error, folder) from None


def save_trace(trace: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Copy a trace, also one that still grows, into a file of its own. Raises `ProjectError`."""
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-", suffix=".part")
        os.close(handle)
        try:
            _copy_database(Path(trace), name)
            with open(name, "rb+") as file:
                os.fsync(file.fileno())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise
    except (OSError, sqlite3.Error) as error:
        raise _not_saved(error, path) from None
    _sync_folder(path.parent)


def _copy_database(source: Path, target: str) -> None:
    if not source.is_file():
        raise FileNotFoundError(2, _("the recording is gone"), str(source))
    old = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
    try:
        new = sqlite3.connect(target)
        try:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, that can be copied and read from a read-only place
        finally:
            new.close()
    finally:
        old.close()


def _not_saved(error: Exception, path: object) -> ProjectError:
    reason = getattr(error, "strerror", None) or str(error)
    return ProjectError(
        _("The file could not be saved: {reason}. Choose another place. ({path})").format(reason=reason, path=path)
    )
