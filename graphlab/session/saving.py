"""The files of `torch.save` and `torch.load`: in the folder `saved` of the program's project, and nowhere else."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from graphlab.engine.errors import make
from graphlab.engine.ops.activation import warn
from graphlab.session.projects import write_atomically

FOLDER = "saved"
MAX_FILE = 2**30
MAX_FILES = 200
MAX_PARTS = 4

_PART = re.compile(r"[^\W_][\w .+-]{0,99}", re.ASCII)
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


class Folder:
    """The door to one project's saved files.

    `is_trial`: what is written is kept in memory only, as for a fix that is tried out.
    """

    def __init__(self, project: str | os.PathLike[str], is_trial: bool = False) -> None:
        self._root = Path(os.path.realpath(project))
        self._trial: dict[str, bytes] | None = {} if is_trial else None

    def read(self, name: str) -> bytes:
        """The content of a saved file."""
        parts = _parts(name)
        if self._trial is not None and "/".join(parts) in self._trial:
            return self._trial["/".join(parts)]
        path = self._checked(parts, name)
        if not path.exists():
            raise FileNotFoundError(2, "No such file or directory", name)
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        try:
            with os.fdopen(os.open(path, flags), "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size > MAX_FILE:
                    raise _failed(f"{name} is too large to be loaded ({size:,} bytes, at most {MAX_FILE:,}).")
                return file.read(MAX_FILE)
        except OSError as error:
            raise _failed(f"{name} could not be read: {error.strerror}.") from None

    def write(self, name: str, data: bytes) -> None:
        """Replace the content of a saved file, all at once."""
        parts = _parts(name)
        if len(data) > MAX_FILE:
            raise _failed(f"{name} is too large to be saved ({len(data):,} bytes, at most {MAX_FILE:,}).")
        if self._trial is not None:
            self._trial["/".join(parts)] = data
            return
        path = self._checked(parts, name)
        if not path.exists() and _n_files(self._root / FOLDER) >= MAX_FILES:
            raise _failed(
                f"{name} was not saved: the project has {MAX_FILES} saved files already. Delete some of them."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, data)
        except OSError as error:
            raise _failed(f"{name} could not be saved: {error.strerror}.") from None

    def _checked(self, parts: list[str], name: str) -> Path:
        """The path, if nothing on the way leads out of the project."""
        path = self._root
        for at, part in enumerate([FOLDER, *parts]):
            path = path / part
            try:
                mode = os.lstat(path).st_mode
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _failed(f"{name} could not be reached: {error.strerror}.") from None
            is_last = at == len(parts)
            if not (stat.S_ISREG(mode) if is_last else stat.S_ISDIR(mode)):
                raise _failed(f"{name} was not opened: {part} in the project's folder is a link or no plain file.")
        return path


class Memory:
    """The door of a program that has no folder of its own: its files last as long as its run."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, ...], bytes] = {}

    def read(self, name: str) -> bytes:
        """The content of a file that this run wrote."""
        data = self._files.get(tuple(_parts(name)))
        if data is None:
            raise FileNotFoundError(2, "No such file or directory", name)
        return data

    def write(self, name: str, data: bytes) -> None:
        """Keep the content of a file."""
        parts = tuple(_parts(name))
        if sum(len(kept) for path, kept in self._files.items() if path != parts) + len(data) > MAX_FILE:
            raise _failed(f"{name} was not kept: files of one run may have {MAX_FILE:,} bytes together.")
        if not self._files:
            warn(
                f"{name} is kept for this run only: the program has no folder of its own. Save it as a project, and "
                "its files stay.",
                "no_folder",
            )
        self._files[parts] = data


def _parts(name: str) -> list[str]:
    """The folders and the file that a name means below the project's folder of saved files."""
    parts = [part for part in name.replace("\\", "/").split("/") if part != "."]
    is_plain = all(_PART.fullmatch(part) and part[-1] not in " ." and not _DEVICES.fullmatch(part) for part in parts)
    if not parts or len(parts) > MAX_PARTS or not is_plain:
        raise _failed(
            f"{name[:200]!r} cannot be a file name here: use letters, digits, '-', '_' and '.', as in 'model.pt'. "
            "Files lie in the project's own folder."
        )
    return parts


def _failed(sentence: str) -> BaseException:
    return make(RuntimeError, sentence, kind="saved_file")


def _n_files(folder: Path) -> int:
    return sum(len(files) for _path, _folders, files in os.walk(folder))
