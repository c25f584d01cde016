"""Pictures that ship with the window."""

from pathlib import Path

_FOLDER = Path(__file__).parent


def arrow_file(direction: str, theme: str) -> str:
    """Path of the small arrow ("up", "down") for the stylesheet, with forward slashes."""
    return (_FOLDER / f"arrow_{direction}_{theme}.svg").as_posix()


def check_file(theme: str) -> str:
    """Path of the mark in a checked box, with forward slashes."""
    return (_FOLDER / f"check_{theme}.svg").as_posix()


def icon_file() -> str:
    """Path of the application's icon."""
    return (_FOLDER / "graphlab.svg").as_posix()
