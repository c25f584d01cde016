# ruff: noqa: E501 - a table reads best with few lines a row
"""What the reader can choose, in one table, and where it is kept.

`GRAPHLAB_HOME` moves everything that GraphLab keeps for itself (settings, autosaves, traces of runs) into one folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QSettings, Signal

from graphlab.i18n import LANGUAGES, N_


@dataclass(frozen=True)
class Setting:
    """One line of the preferences."""

    key: str
    kind: type
    default: Any
    label: str
    help: str
    group: str
    low: float = 0
    high: float = 0
    step: float = 1
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()


SETTINGS = (
    Setting(
        "look/theme", str, "system", N_("Theme"), N_("Light, dark, or as the desktop has it"), N_("Look"),
        choices=(("system", N_("As the system")), ("light", N_("Light")), ("dark", N_("Dark"))),
    ),
    Setting(
        "look/language", str, "system", N_("Language"), N_("Of the window, the explanations and the narration"), N_("Look"),
        choices=(("system", N_("As the system")), *LANGUAGES.items()),
    ),
    Setting("look/font_size", float, 10.0, N_("Program font size"), N_("Size of the text in the editor and the console"),
            N_("Look"), 6, 40, 1, " pt"),
    Setting("look/follow", bool, True, N_("Graph follows the step"),
            N_("The graph moves to the current step when it is out of view"), N_("Look")),
    Setting("run/time_limit", float, 60.0, N_("Time limit"), N_("A program that runs longer is stopped; what it computed stays"),
            N_("Limits of a run"), 1, 86_400, 5, " s"),
    Setting("run/memory_limit", int, 4096, N_("Memory limit"), N_("Memory that the program may use on this computer"),
            N_("Limits of a run"), 256, 1_048_576, 256, " MiB"),
    Setting("run/output_limit", int, 1024, N_("Output limit"), N_("Text that the program may print before it is stopped"),
            N_("Limits of a run"), 1, 1_048_576, 256, " KiB"),
    Setting("run/gpu_capacity", float, 8.0, N_("Simulated GPU memory"), N_("Capacity of the device “cuda”, which is simulated"),
            N_("Limits of a run"), 0.001, 1024, 1, " GiB"),
    Setting("run/check_fixes", bool, True, N_("Check fixes by running them"),
            N_("Fixes are tried in the background and marked “checked” when the program then runs clean"), N_("Problems")),
)  # fmt: skip

_BY_KEY = {setting.key: setting for setting in SETTINGS}
MAX_RECENT = 10


def config_folder() -> Path:
    """Where settings lie."""
    if home := os.environ.get("GRAPHLAB_HOME"):
        return Path(home)
    import platformdirs

    return platformdirs.user_config_path("graphlab", appauthor=False)


def data_folder() -> Path:
    """Where autosaves and the traces of unsaved runs lie."""
    if home := os.environ.get("GRAPHLAB_HOME"):
        return Path(home)
    import platformdirs

    return platformdirs.user_data_path("graphlab", appauthor=False)


class Settings(QObject):
    """The chosen settings, and what the window remembers by itself.

    Signals:
        changed(str): the setting with this key has another value
    """

    changed = Signal(str)

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = QSettings(str(path or config_folder() / "graphlab.ini"), QSettings.Format.IniFormat)

    def get(self, key: str) -> Any:
        """The value of a setting of the table; its default where the file has none or nonsense."""
        setting = _BY_KEY[key]
        raw = self._store.value(key, None)
        return setting.default if raw is None else _read(setting, raw)

    def set(self, key: str, value: Any) -> None:
        """Choose a value."""
        if value == self.get(key):
            return
        self._store.setValue(key, value)
        self.changed.emit(key)

    def memory(self, key: str, default: Any = None) -> Any:
        """What the window keeps by itself under `window/…`: bytes and texts."""
        return self._store.value(f"window/{key}", default)

    def remember(self, key: str, value: Any) -> None:
        """Keep something under `window/…`."""
        self._store.setValue(f"window/{key}", value)

    def forget(self, key: str) -> None:
        """Drop something under `window/…`."""
        self._store.remove(f"window/{key}")

    @property
    def recent_files(self) -> list[str]:
        """Paths that were opened or saved last, newest first."""
        value = self._store.value("window/recent", [])
        paths = [value] if isinstance(value, str) else list(value or [])
        return [path for path in paths if isinstance(path, str) and path]

    def add_recent(self, path: Path) -> None:
        """Put a path in front of the recent ones."""
        paths = [str(path)] + [old for old in self.recent_files if old != str(path)]
        self._store.setValue("window/recent", paths[:MAX_RECENT])

    def drop_recent(self, path: str) -> None:
        """Forget a path that is no longer there."""
        self._store.setValue("window/recent", [old for old in self.recent_files if old != path])

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()


def _read(setting: Setting, raw: Any) -> Any:
    """An INI value comes back as text; out of range or nonsense is the default."""
    if setting.kind is bool:
        return {"true": True, "false": False}.get(str(raw).lower(), setting.default)
    try:
        value = setting.kind(raw)
    except (TypeError, ValueError):
        return setting.default
    if setting.choices and value not in dict(setting.choices):
        return setting.default
    if setting.high and not setting.low <= value <= setting.high:
        return setting.default
    return value
