"""The language of the window: which one is wanted, and how texts that stay in it change with it.

`say` gives a widget or action its text now, and again whenever the reader chooses another language; `again` does so
for a method that sets several or computes them. Texts that are made anew each time they are shown need neither.
"""

from __future__ import annotations

import os
import re
import weakref
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QObject, QTranslator
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from graphlab import i18n
from graphlab.i18n import _

SYSTEM = "system"
_KEPT = "_said"  # on the object itself, so that it goes with it
_speakers: weakref.WeakSet[QObject] = weakref.WeakSet()
_translators: list[QTranslator] = []
_shown = "en"  # what Qt and the widgets were told last; the process may speak another language before there is a window


def wanted(choice: str) -> str:
    """The language for a choice of the preferences: itself, or for "system" what environment and desktop say."""
    if choice != SYSTEM:
        return choice
    if found := i18n.wanted(os.environ):
        return found
    names = QLocale.system().uiLanguages()
    return next((language for name in names if (language := i18n.named(name))), "en")


def use(language: str) -> bool:
    """Show all texts in a language from now on; False when they are shown in it already."""
    global _shown
    if language == i18n.language() == _shown:
        return False
    _shown = language
    i18n.set_language(language)
    _translate_qt(language)
    for owner in list(_speakers):
        if isValid(owner):
            for name, words in list(getattr(owner, _KEPT).items()):
                _set(owner, name, words)
    for widget in QApplication.allWidgets():
        widget.update()  # what paints its words itself
    return True


def say(setter: Callable[[Any], object], words: str | Callable[[], Any]) -> None:
    """Call a setter of a Qt object with a text marked by `N_`, or with what a function makes, now and in each
    language that is chosen later. The last words that a setter was given count."""
    _set(_keep(setter, words), setter.__name__, words)


def again(method: Callable[[], object], now: bool = True) -> None:
    """Call a method of a Qt object now, if asked to, and whenever another language is chosen."""
    owner = _keep(method, None)
    if now:
        _set(owner, method.__name__, None)


def plain_name(text: str) -> str:
    """The name of a command or menu without its mnemonic: "&File" and "文件(&F)" as "File" and "文件"."""
    return re.sub(r"\(&\w\)|&", "", text)


def _keep(method: Callable[..., object], words: str | Callable[[], Any] | None) -> QObject:
    owner: QObject = method.__self__  # type: ignore[attr-defined]
    if not hasattr(owner, _KEPT):
        setattr(owner, _KEPT, {})
    getattr(owner, _KEPT)[method.__name__] = words
    _speakers.add(owner)
    return owner


def _set(owner: QObject, name: str, words: str | Callable[[], Any] | None) -> None:
    method = getattr(owner, name)
    if words is None:
        method()
    else:
        method(_(words) if isinstance(words, str) else words())


def _translate_qt(language: str) -> None:
    """Qt's own texts: the buttons of its dialogs, the menus of its fields."""
    app = QCoreApplication.instance()
    if app is None:
        return
    while _translators:
        app.removeTranslator(_translators.pop())
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    translator = QTranslator(app)
    if language != "en" and translator.load(f"qtbase_{language}", folder):
        app.installTranslator(translator)
        _translators.append(translator)
