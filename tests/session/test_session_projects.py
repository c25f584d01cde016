import os
import sqlite3
import stat
from pathlib import Path

import pytest

from graphlab.session import projects
from graphlab.session.messages import Limits
from graphlab.session.projects import (
    ProjectError,
    Row,
    Settings,
    open_document,
    save_program,
    save_project,
    save_trace,
    write_atomically,
)
from graphlab.trace.store import TraceReader, TraceWriter


def test_program_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_bytes("\ufeffx = 'é'\r\ny = 1\r\n".encode())
    document = open_document(path)
    assert (document.kind, document.source, document.newline) == ("program", "x = 'é'\ny = 1\n", "\r\n")
    save_program(path, document.source + "z = 2\n", document.newline)
    assert path.read_bytes() == "x = 'é'\r\ny = 1\r\nz = 2\r\n".encode()


def test_project_round_trip(tmp_path: Path) -> None:
    settings = Settings(limits=Limits(cuda=2**30), expression="y = w * x", table=[Row("x", "1 2"), Row("w", shape=[2])])
    save_project(tmp_path / "p", "print(1)\n", settings)
    document = open_document(tmp_path / "p")
    assert (document.kind, document.source, document.settings) == ("project", "print(1)\n", settings)


def test_project_without_settings_has_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("x = 1")
    assert open_document(tmp_path).settings == Settings()


def test_fields_of_later_versions_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("x = 1")
    (tmp_path / "project.json").write_text('{"version": 1, "expression": "y", "something new": [1]}')
    assert open_document(tmp_path).settings.expression == "y"


def make_trace(path: Path) -> None:
    writer = TraceWriter(path)
    writer.set_meta("source", "x = 1\n")
    writer.flush()
    writer.close()


def test_trace_is_opened_with_its_program(tmp_path: Path) -> None:
    make_trace(tmp_path / "a.graphlab")
    document = open_document(tmp_path / "a.graphlab")
    assert (document.kind, document.source) == ("trace", "x = 1\n")


def newer_trace(path: Path) -> None:
    make_trace(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version=99")
    db.close()


def damaged_trace(path: Path) -> None:
    make_trace(path)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)


def folder_with(settings: bytes):
    def make(path: Path) -> None:
        path.mkdir()
        (path / "program.py").write_text("x = 1")
        (path / "project.json").write_bytes(settings)

    return make


BAD = {
    "missing": (lambda path: None, "There is no such file. Check the name."),
    "binary": (lambda path: path.write_bytes(b"\x7fELF\0\0\1"), "This is not a text file. Choose a Python program."),
    "not utf-8": (
        lambda path: path.write_bytes(b"x = 1\ny = '\xe9'\n"),
        "This file is not UTF-8 text (line 2). Save it as UTF-8 in an editor and open it again.",
    ),
    "huge": (
        lambda path: path.write_bytes(b"x" * (projects.MAX_PROGRAM_BYTES + 1)),
        "This file is too large for a program (4,194,305 bytes, at most 4,194,304). Choose another.",
    ),
    "plain folder": (
        lambda path: path.mkdir(),
        "This folder is not a GraphLab project: it has no program.py. Choose a folder that has one.",
    ),
    "other database": (
        lambda path: sqlite3.connect(path).executescript("CREATE TABLE t (x);").connection.close(),
        "This file is not a GraphLab trace. Choose another file.",
    ),
    "newer trace": (newer_trace, "This trace was written by a newer GraphLab (trace format 99"),
    "damaged trace": (damaged_trace, "This trace is damaged"),
    "half a trace": (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\1" * 9), "This file is not a GraphLab"),
    "half settings": (folder_with(b'{"version": 1, "limits": {"sec'), "project.json is damaged"),
    "wrong settings": (folder_with(b'{"limits": "all"}'), "project.json is damaged"),
    "nested settings": (folder_with(b"[" * 100_000), "project.json is damaged"),
    "newer settings": (folder_with(b'{"version": 2}'), "A newer GraphLab saved this project (version 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_one_sentence_with_their_path(tmp_path: Path, name: str) -> None:
    make, start = BAD[name]
    path = tmp_path / "thing"
    make(path)
    with pytest.raises(ProjectError) as caught:
        open_document(path)
    assert str(caught.value).startswith(start)
    assert "thing" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="special files")
def test_special_files_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ProjectError):
            open_document(path)


@pytest.mark.skipif(os.name != "posix", reason="links")
def test_link_in_a_circle_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(ProjectError, match="The file cannot be read"):
        open_document(tmp_path / "a")


def test_path_with_a_zero_byte_is_one_sentence() -> None:
    with pytest.raises(ProjectError):
        open_document("a\0b")


def test_failed_save_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.py"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProjectError, match="No space left on device"):
        save_program(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.py"]


def test_save_into_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="The file could not be saved: No such file or directory"):
        save_program(tmp_path / "no" / "a.py", "x")


@pytest.mark.skipif(os.name != "posix", reason="modes and links")
def test_saving_keeps_mode_and_links(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("old")
    path.chmod(0o640)
    (tmp_path / "link.py").symlink_to(path)
    write_atomically(tmp_path / "link.py", b"new")
    assert (tmp_path / "link.py").is_symlink()
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_trace_that_still_grows_is_copied_whole(tmp_path: Path) -> None:
    writer = TraceWriter(tmp_path / "run.graphlab")
    writer.set_meta("source", "x = 1")
    writer.flush()
    save_trace(tmp_path / "run.graphlab", tmp_path / "copy.graphlab")
    writer.close()
    reader = TraceReader(tmp_path / "copy.graphlab")
    assert reader.source == "x = 1"
    reader.close()
    assert sorted(name for name in os.listdir(tmp_path) if "copy" in name) == ["copy.graphlab"]


def test_trace_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="the recording is gone"):
        save_trace(tmp_path / "no.graphlab", tmp_path / "copy.graphlab")
    assert os.listdir(tmp_path) == []
