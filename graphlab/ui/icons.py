# ruff: noqa: E501 - a table reads best with few lines a row
"""Icons by name, in the colours of the theme. qtawesome is imported with the first one: it takes 0.1 s."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from PySide6.QtGui import QIcon

from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from qtawesome.iconic_font import IconicFont

NAMES = {
    "new": "ph.file-plus", "open": "ph.folder-open", "save": "ph.floppy-disk", "image": "ph.image",
    "sample": "ph.graduation-cap", "run": "ph.play", "stop": "ph.stop", "first": "ph.skip-back", "last": "ph.skip-forward",
    "back": "ph.caret-left", "forward": "ph.caret-right", "into": "ph.arrow-elbow-right-down", "out": "ph.arrow-elbow-left-up",
    "iteration_next": "ph.caret-double-right", "iteration_previous": "ph.caret-double-left",
    "continue": "ph.fast-forward", "reverse_continue": "ph.rewind", "fit": "ph.corners-out",
    "zoom_in": "ph.magnifying-glass-plus", "zoom_out": "ph.magnifying-glass-minus", "search": "ph.magnifying-glass",
    "explain": "ph.chat-text", "palette": "ph.command", "keyboard": "ph.keyboard", "settings": "ph.gear", "info": "ph.info",
    "error": "ph.x-circle", "warning": "ph.warning", "hint": "ph.lightbulb", "check": "ph.check-circle", "copy": "ph.copy",
    "clear": "ph.trash", "close": "ph.x", "undo": "ph.arrow-u-up-left", "redo": "ph.arrow-u-up-right", "theme": "ph.moon",
    "up": "ph.caret-up", "down": "ph.caret-down", "wrench": "ph.wrench", "breakpoint": "ph.record", "home": "ph.house",
    "code": "ph.code", "graph": "ph.graph", "float": "ph.arrow-square-out", "right": "ph.arrow-right", "pin": "ph.push-pin",
}  # fmt: skip


def icon(name: str, theme: str, color: str = "text") -> QIcon:
    """The icon `name` of the table above; `color` is a field of the tokens."""
    t = tokens(theme)
    return _font().icon(NAMES[name], color=getattr(t, color), color_disabled=t.disabled)


@cache
def _font() -> IconicFont:
    """The one icon font of ours: all twelve of qtawesome took 60 ms to load."""
    import qtawesome
    from qtawesome.iconic_font import IconicFont

    return IconicFont(*(font for font in qtawesome._BUNDLED_FONTS if font[0] == "ph"))
