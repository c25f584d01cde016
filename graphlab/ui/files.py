"""What is open: a program, saved or not, or a trace. Opens, saves, autosaves, and asks before anything is lost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QLockFile, QObject, QTimer
from PySide6.QtWidgets import QFileDialog, QMessageBox

from graphlab.i18n import N_, _
from graphlab.ui.settings import data_folder

if TYPE_CHECKING:
    from graphlab.session.messages import Limits
    from graphlab.session.projects import Document
    from graphlab.session.projects import Settings as ProjectSettings
    from graphlab.trace.store import TraceReader
    from graphlab.ui.reading import Opening
    from graphlab.ui.window import MainWindow

AUTOSAVE_DELAY = 1500  # ms after the last change
AUTOSAVE_MAX = 16 * 2**20  # bytes; larger ones are not ours


class Files(QObject):
    """The document of one window. Its text lives in the editor; its path and kind live here."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._kind = ""  # "", "program", "project", "trace"
        self._path: Path | None = None
        self._title = ""
        self._newline = "\n"
        self._project: ProjectSettings | None = None
        self._opening: Opening | None = None
        self._percent = -1
        self._autosave = Autosave(self)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(AUTOSAVE_DELAY)
        self._timer.timeout.connect(self._write_autosave)
        window.editor.document().contentsChanged.connect(self._text_changed)

    @property
    def is_open(self) -> bool:
        """Whether anything is open."""
        return self._kind != ""

    @property
    def path(self) -> Path | None:
        """Where the document lies; None while it was never saved."""
        return self._path

    @property
    def name(self) -> str:
        """What the title bar says."""
        if not self.is_open:
            return ""
        return self._path.name if self._path is not None else self._title or _("Untitled")

    @property
    def is_modified(self) -> bool:
        """Whether there is something that was not saved."""
        return self.is_open and self._window.editor.document().isModified()

    @property
    def folder(self) -> str:
        """The open project's folder, "" where no project is open: its programs may save there."""
        return str(self._path) if self._kind == "project" and self._path is not None else ""

    @property
    def limits(self) -> Limits | None:
        """The limits that the open project keeps, None where the preferences hold."""
        return self._project.limits if self._kind == "project" and self._project is not None else None

    def _text_changed(self) -> None:
        editor = self._window.editor
        if self._kind == "" and editor.toPlainText():
            # Text put into the editor from outside (a script, a builder) opens a program.
            self._kind = "program"
            self._window.show_work()
        if self.is_modified:
            self._timer.start()

    # Opening

    def new(self) -> None:
        """An empty program."""
        if self.may_discard():
            self._open_program("", None)
            self._window.show_panel("editor")

    def open(self) -> None:
        """Ask for a file and open it."""
        folder = str(self._path.parent) if self._path is not None else self._window.settings.memory("folder", "")
        path, _filter = QFileDialog.getOpenFileName(
            self._window,
            _("Open"),
            folder,
            _("Programs and traces (*.py *.graphlab)") + ";;" + _("All files (*)"),
        )
        if path:
            self.open_path(Path(path))

    def open_sample(self, name: str) -> None:
        """Open a copy of a sample as an unsaved program."""
        from graphlab.session.samples import samples

        for sample in samples():
            if sample.name == name:
                if self.may_discard():
                    self._open_program(sample.source, None, sample.title)
                return
        self._say(lambda: _("There is no sample named “{name}”").format(name=name))

    def open_path(self, path: Path) -> bool:
        """Open a program, project folder or trace. What cannot be read gets one sentence, and all stays as it was."""
        from graphlab.session.projects import ProjectError, open_document
        from graphlab.trace.store import TraceError, TraceReader
        from graphlab.ui.reading import SLICE, Opening

        self._cancel_opening()
        try:
            document = open_document(path)
            reader = TraceReader(path, SLICE) if document.kind == "trace" else None
        except (ProjectError, TraceError) as error:
            self._refuse(path, str(error))
            return False
        if reader is not None and reader.is_behind:
            self._opening = Opening(reader, self)
            self._opening.progressed.connect(self._show_progress)
            self._opening.failed.connect(lambda text: self._refuse(path, text))
            self._opening.finished.connect(lambda reader: self._show_document(document, reader))
            self._show_progress(reader.progress)
            self._opening.start()
            return True
        return self._show_document(document, reader)

    def _show_document(self, document: Document, reader: TraceReader | None) -> bool:
        """Show what was opened, a trace once it was read."""
        self._opening = None
        self._window.message_bar.dismiss(topic="opening")
        if not self.may_discard():
            if reader is not None:
                reader.close()
            return False
        self._open_program(document.source, document.path)
        self._kind, self._newline, self._project = document.kind, document.newline, document.settings
        if reader is not None:
            self._window.controller.show_saved(reader)
        self._window.show_work()
        return True

    @property
    def is_opening(self) -> bool:
        """Whether a large trace is being read; what was open before is still there."""
        return self._opening is not None

    def _show_progress(self, part: float) -> None:
        percent = int(100 * part)
        if self._opening is None or percent == self._percent:
            return
        self._percent = percent
        text = partial(_opening, self._opening_name, percent)
        if self._window.message_bar.topic == "opening":
            self._window.message_bar.update_text(text)
        else:
            self._window.message_bar.say(text, actions=[(N_("Cancel"), self._cancel_opening)], topic="opening")

    @property
    def _opening_name(self) -> str:
        path = self._opening.path if self._opening is not None else None
        return path.name if path is not None else ""

    def _cancel_opening(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            self._opening.deleteLater()
            self._opening = None
            self._window.message_bar.dismiss(topic="opening")
        self._percent = -1

    def _refuse(self, path: Path, text: str) -> None:
        """Say why a file cannot be opened; all stays as it was."""
        self._cancel_opening()
        self._say(text)
        self._window.settings.drop_recent(str(path))

    def take_built(self, source: str) -> None:
        """The builder made this program: put it into the editor as one change, and run it."""
        if not self.is_open:
            self._open_program("", None)
            self._window.docks["builder"].raise_()
        self._window.editor.replace_text(source)
        self._window.controller.run()

    def _open_program(self, source: str, path: Path | None, title: str = "") -> None:
        self._cancel_opening()
        window = self._window
        window.controller.leave()
        self._kind, self._path, self._title = "program", path, title
        self._newline, self._project = "\n", None
        window.editor.setReadOnly(False)
        window.editor.setPlainText(source)
        window.editor.document().setModified(False)
        window.message_bar.dismiss()
        window.show_work()
        window.docks["editor"].raise_()
        if path is not None:
            self._remember(path)

    def _remember(self, path: Path) -> None:
        self._window.settings.add_recent(path.resolve())
        self._window.settings.remember("folder", str(path.resolve().parent))

    def _say(self, text: str | Callable[[], str]) -> None:
        self._window.message_bar.say(text, "error", topic="file")

    # Saving

    def save(self) -> bool:
        """Save under the name it has, or ask for one. True when it is on disk."""
        if self._kind not in ("program", "project") or self._path is None:
            return self.save_as()
        return self._write(self._path)

    def save_as(self) -> bool:
        """Ask for a name and save the program, or with the ending of traces the run, under it."""
        folder = Path(self._window.settings.memory("folder", "") or ".")
        default = self._path if self._kind == "program" and self._path is not None else folder / "program.py"
        path, _filter = QFileDialog.getSaveFileName(
            self._window,
            _("Save as"),
            str(default),
            _("Program (*.py)") + ";;" + _("Run with its program, as a trace (*.graphlab)"),
        )
        if not path:
            return False
        chosen = Path(path)
        if not chosen.suffix:
            chosen = chosen.with_suffix(".graphlab" if "*.graphlab" in _filter else ".py")
        if chosen.suffix == ".graphlab":
            return self.save_trace(chosen)
        self._kind = "program"
        return self._write(chosen)

    def save_trace(self, path: Path) -> bool:
        """Save the shown run as a trace; the program keeps its own name."""
        from graphlab.session.projects import ProjectError, save_trace

        trace = self._window.state.trace
        if trace is None:
            self._say(lambda: _("There is no run to save yet. Run the program first."))
            return False
        try:
            save_trace(trace.path, path)
        except ProjectError as error:
            self._say(str(error))
            return False
        self._remember(path)
        self._window.message_bar.say(lambda: _("The run was saved. ({path})").format(path=path), topic="file")
        return True

    def _write(self, path: Path) -> bool:
        from graphlab.session.projects import ProjectError, Settings, save_program, save_project

        text = self._window.editor.toPlainText()
        try:
            if self._kind == "project":
                save_project(path, text, self._project or Settings(), self._newline)
            else:
                save_program(path, text, self._newline)
        except ProjectError as error:
            self._say(str(error))
            return False
        self._path = path
        self._window.editor.document().setModified(False)
        self._autosave.remove()
        self._remember(path)
        self._window.message_bar.dismiss(topic="file")
        self._window.refresh()
        return True

    def export_image(self) -> None:
        """Ask for a name and save the drawn graph."""
        stem = self._path.with_suffix("").name if self._path is not None else "graph"
        folder = self._window.settings.memory("folder", "") or "."
        path, _filter = QFileDialog.getSaveFileName(
            self._window,
            _("Export image"),
            str(Path(folder) / f"{stem}.svg"),
            _("SVG drawing (*.svg)") + ";;" + _("PNG picture (*.png)"),
        )
        if path:
            if not Path(path).suffix:
                path += ".png" if "*.png" in _filter else ".svg"
            try:
                self._window.graph.export_image(path)
            except OSError as error:
                reason = error.strerror or str(error)
                self._say(partial(_not_saved, reason, path))

    # Closing

    def close(self) -> None:
        """Close the document and show the start page."""
        if not self.is_open or not self.may_discard():
            return
        self._kind, self._path, self._title = "", None, ""
        window = self._window
        window.controller.leave()
        window.editor.setPlainText("")
        window.editor.document().setModified(False)
        self._autosave.remove()
        window.message_bar.dismiss()
        window.show_start()

    def may_discard(self) -> bool:
        """True when nothing unsaved is lost: nothing was changed, it was saved now, or the reader gives it up."""
        if not self.is_modified:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            _("Save changes?"),
            _("“{name}” has changes that were not saved.").format(name=self.name),
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            return self.save()
        return answer == buttons.Discard

    def close_for_good(self) -> None:
        """The window closes: nothing is left to recover."""
        self._timer.stop()
        self._cancel_opening()
        self._autosave.close()

    # Autosave

    def _write_autosave(self) -> None:
        if self.is_modified:
            self._autosave.write(self._window.editor.toPlainText(), self._path, self.name)

    def offer_recovery(self) -> None:
        """Say so when an earlier window ended with unsaved work."""
        lost = self._autosave.find_lost()
        if lost is not None:
            self._window.message_bar.say(
                lambda: _("GraphLab ended with unsaved changes in “{name}”").format(name=lost["name"]),
                "warning",
                [(N_("Restore"), lambda: self._recover(lost)), (N_("Discard"), lambda: self._autosave.forget(lost))],
                topic="recovery",
            )

    def _recover(self, lost: dict[str, str]) -> None:
        if not self.may_discard():
            return
        path = Path(lost["path"]) if lost["path"] else None
        self._open_program(lost["text"], path, lost["name"])
        self._window.editor.document().setModified(True)
        self._autosave.write(lost["text"], path, lost["name"])
        self._autosave.forget(lost)
        self._window.refresh()


class Autosave:
    """One file per window with what was not saved, and a lock that says whether that window still lives."""

    def __init__(self, owner: QObject) -> None:
        self._folder = data_folder() / "autosave"
        self._stem = f"{os.getpid()}-{time.time_ns()}"
        self._lock: QLockFile | None = None
        self._owner = owner

    @property
    def _file(self) -> Path:
        return self._folder / f"{self._stem}.json"

    def write(self, text: str, path: Path | None, name: str) -> None:
        """Keep a text. A full disk is no reason to disturb the reader: saving will say it."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if self._lock is None:
                self._lock = QLockFile(str(self._folder / f"{self._stem}.lock"))
                self._lock.setStaleLockTime(0)
                self._lock.tryLock(0)
            part = self._file.with_suffix(".part")
            part.write_text(json.dumps({"text": text, "path": str(path or ""), "name": name}), encoding="utf-8")
            os.replace(part, self._file)
        except OSError:
            return

    def remove(self) -> None:
        """Nothing is unsaved any more."""
        self._file.unlink(missing_ok=True)

    def close(self) -> None:
        """The window closes."""
        self.remove()
        if self._lock is not None:
            self._lock.unlock()
            self._lock = None

    def find_lost(self) -> dict[str, str] | None:
        """The newest text whose window is gone."""
        if not self._folder.is_dir():
            return None
        for file in sorted(self._folder.glob("*.json"), key=_age):
            if file != self._file and not self._is_alive(file) and (lost := _read(file)) is not None:
                return lost
        return None

    @staticmethod
    def _is_alive(file: Path) -> bool:
        lock = QLockFile(str(file.with_suffix(".lock")))
        lock.setStaleLockTime(0)
        if not lock.tryLock(0):
            return True
        lock.unlock()
        return False

    @staticmethod
    def forget(lost: dict[str, str]) -> None:
        """Delete a text that was restored or given up."""
        Path(lost["file"]).unlink(missing_ok=True)


def _age(file: Path) -> float:
    try:
        return -file.stat().st_mtime
    except OSError:
        return 0.0


def _read(file: Path) -> dict[str, str] | None:
    """The autosave in a file, None when it is none."""
    try:
        if file.stat().st_size > AUTOSAVE_MAX:
            return None
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in ("text", "path", "name")):
        return None
    return {"text": data["text"], "path": data["path"], "name": data["name"], "file": str(file)}


def _not_saved(reason: str, path: str) -> str:
    return _("The image could not be saved: {reason}. ({path})").format(reason=reason, path=path)


def _opening(name: str, percent: int) -> str:
    return _("Opening {name}: {percent} %").format(name=name, percent=percent)
