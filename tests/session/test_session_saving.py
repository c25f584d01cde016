"""torch.save and torch.load of programs in their projects: only there, and nothing gets out."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

from graphlab.engine import serialization
from graphlab.session import execution
from graphlab.session.messages import Limits
from graphlab.session.runner import Runner, RunRequest
from graphlab.session.saving import MAX_FILES, Folder, Memory
from graphlab.trace.records import EventKind
from graphlab.trace.store import TraceReader

SAVE = """import torch
import torch.nn as nn
model = nn.Linear(2, 1)
torch.save({"model": model.state_dict(), "epoch": 3}, "checkpoints/model.pt")
print("saved")
"""
LOAD = """import torch
import torch.nn as nn
saved = torch.load("checkpoints/model.pt", weights_only=True, map_location="cpu")
model = nn.Linear(2, 1)
print(model.load_state_dict(saved["model"]), saved["epoch"])
print(model(torch.ones(1, 2)).shape)
"""


def run(runner: Runner, source: str, folder: Path | str = "", is_trial: bool = False, record: bool = True):
    run = runner.start(
        RunRequest(source, record=record, folder=str(folder), is_trial=is_trial, limits=Limits(seconds=15))
    )
    outcome = run.wait(20)
    printed = "".join(message.text for message in run.poll() if getattr(message, "stream", "") == "stdout")
    return outcome, printed, run


def test_a_program_saves_into_its_project_and_another_run_loads_it(runner: Runner, tmp_path: Path) -> None:
    outcome, printed, _ = run(runner, SAVE, tmp_path)
    assert (outcome.status, printed) == ("ok", "saved\n")
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()] == [
        "saved/checkpoints/model.pt"
    ]
    outcome, printed, made = run(runner, LOAD, tmp_path)
    assert outcome.status == "ok", outcome.sentence
    assert printed == "<All keys matched successfully> 3\ntorch.Size([1, 1])\n"
    reader = TraceReader(made.trace_path)
    assert any(event.op == "load" for event in reader.events)
    reader.close()


def test_without_a_project_files_last_as_long_as_the_run(runner: Runner) -> None:
    outcome, printed, made = run(runner, SAVE + LOAD)
    assert (outcome.status, printed.splitlines()[0]) == ("ok", "saved")
    with closing(TraceReader(made.trace_path)) as trace:
        told = [event.text for event in trace.events if event.kind == EventKind.WARNING]
    assert len(told) == 1 and "is kept for this run only" in told[0]
    outcome, _, _ = run(runner, LOAD)
    assert (outcome.status, outcome.error_type) == ("failed", "FileNotFoundError")
    assert outcome.line == 3


def test_a_trial_keeps_nothing_but_reads_what_it_wrote(runner: Runner, tmp_path: Path) -> None:
    outcome, printed, _ = run(runner, SAVE + LOAD, tmp_path, is_trial=True)
    assert (outcome.status, printed.splitlines()[0]) == ("ok", "saved")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "outside.pt").write_bytes(b"secret")
    (tmp_path / "project" / "saved").mkdir(parents=True)
    (tmp_path / "project" / "program.py").write_text("print()")
    return Folder(tmp_path / "project")


@pytest.mark.parametrize(
    "name",
    [
        "../outside.pt", "../../outside.pt", "a/../../outside.pt", "/etc/passwd", "//host/share", "\\\\host\\x",
        "C:\\x.pt", "c:x.pt", "..\\outside.pt", "", ".", "..", "./..", "x\0.pt", "x\n.pt", ".hidden", "~/x.pt",
        "$HOME/x", "x.pt:stream", "CON", "nul.pt", "com1.txt", "a/b/c/d/e.pt", "x" * 200, "name.", "name ", "a//b",
        "-rf", "*.pt", "x|y",
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_refused(folder: Folder, tmp_path: Path, name: str) -> None:
    with pytest.raises(RuntimeError, match="cannot be a file name here"):
        folder.write(name, b"x")
    with pytest.raises(RuntimeError, match="cannot be a file name here"):
        folder.read(name)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["outside.pt", "program.py", "project", "saved"]


@pytest.mark.parametrize("name", ["model.pt", "./model.pt", "best model.pth", "a/b/c/model-1_2.tar", "v1.0+x"])
def test_ordinary_names_are_taken(folder: Folder, name: str) -> None:
    folder.write(name, b"one")
    folder.write(name, b"two")
    assert folder.read(name) == b"two"


@pytest.mark.skipif(os.name != "posix", reason="links and pipes of POSIX")
def test_links_and_pipes_are_not_followed(folder: Folder, tmp_path: Path) -> None:
    saved = tmp_path / "project" / "saved"
    (saved / "link.pt").symlink_to(tmp_path / "outside.pt")
    (saved / "dangling.pt").symlink_to(tmp_path / "new.pt")
    (saved / "up").symlink_to(tmp_path)
    os.mkfifo(saved / "pipe.pt")
    (saved / "sub").mkdir()
    for name in ("link.pt", "dangling.pt", "up/outside.pt", "pipe.pt", "sub"):
        for use in (lambda: folder.read(name), lambda: folder.write(name, b"x")):  # noqa: B023 - called at once
            with pytest.raises(RuntimeError, match="is a link or no plain file"):
                use()
    assert (tmp_path / "outside.pt").read_bytes() == b"secret"
    assert not (tmp_path / "new.pt").exists()


@pytest.mark.skipif(os.name != "posix", reason="links of POSIX")
def test_a_folder_of_saved_files_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "project" / "saved").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RuntimeError, match="saved in the project's folder is a link"):
        Folder(tmp_path / "project").write("x.pt", b"x")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_missing_files_are_missing_as_in_python(folder: Folder) -> None:
    with pytest.raises(FileNotFoundError, match=r"\[Errno 2\] No such file or directory: 'nothing.pt'"):
        folder.read("nothing.pt")


def test_number_of_files_is_limited(folder: Folder) -> None:
    for number in range(MAX_FILES):
        folder.write(f"{number}.pt", b"")
    with pytest.raises(RuntimeError, match=f"has {MAX_FILES} saved files already"):
        folder.write("more.pt", b"")
    folder.write("0.pt", b"again")
    assert folder.read("0.pt") == b"again"


def test_large_files_are_refused(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("graphlab.session.saving.MAX_FILE", 10)
    with pytest.raises(RuntimeError, match="too large to be saved"):
        folder.write("x.pt", bytes(11))
    (tmp_path / "project" / "saved" / "y.pt").write_bytes(bytes(11))
    with pytest.raises(RuntimeError, match="too large to be loaded"):
        folder.read("y.pt")


def test_the_next_run_in_a_process_has_no_door_left_open(tmp_path: Path) -> None:
    class Quiet:
        stderr = None
        listener = None

        def write(self, text: str) -> int:
            return len(text)

        def enter(self) -> None: ...
        def leave(self) -> None: ...
        def ended(self, limits: Limits) -> None: ...

    quiet = Quiet()
    quiet.stderr = quiet  # type: ignore[assignment]
    for folder in (str(tmp_path), ""):
        execution.execute(RunRequest("x = 1", record=False, folder=folder), quiet, quiet)
    assert isinstance(serialization.door, Memory)
