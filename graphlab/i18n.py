"""Text for readers: `_` translates when called, `N_` marks a text that is translated later.

Translations lie in `graphlab/locale/<language>/LC_MESSAGES/graphlab.mo`; where one is missing the English text is
shown. How to update them: docs/TRANSLATING.md.
"""

import gettext
import re
from collections.abc import Mapping
from pathlib import Path

_LOCALE_DIR = Path(__file__).parent / "locale"
_catalogue: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"

LANGUAGES: Mapping[str, str] = {"en": "English", "zh_CN": "简体中文"}
"""The languages that there are, each by the name that its readers call it."""

VARIABLES = ("GRAPHLAB_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""Where the wanted language is looked for; the first that says something counts."""


_WIDE = "\u2e80-\u9fff\uf900-\ufaff\uff00-\uff60"
_CLOSING = "，。、；：！？）》”"
_PIECE = re.compile(f"\\s+|[（“《]*[{_WIDE}][{_CLOSING}]*|[^\\s{_WIDE}（“《]+[{_CLOSING}]*|[（“《]+")


def pieces(text: str) -> list[str]:
    """The parts of a text between which a line may be broken: words, blanks, and each letter of Chinese."""
    return _PIECE.findall(text)


def is_wide(text: str) -> bool:
    """Whether a text has letters of Chinese, which take two columns and stand without blanks."""
    return re.search(f"[{_WIDE}]", text) is not None


def set_language(language: str) -> None:
    """Show texts in `language` ("en", "zh_CN") from now on; an unknown one falls back to English."""
    global _catalogue, _language
    _language = language if language in LANGUAGES else "en"
    if _language == "en":
        _catalogue = gettext.NullTranslations()
    else:
        _catalogue = gettext.translation("graphlab", _LOCALE_DIR, languages=[_language])


def language() -> str:
    """The language in which texts are shown."""
    return _language


def named(name: str) -> str:
    """The language that a locale's name means ("zh_CN.UTF-8", "zh-Hans", "C"), "" for none of ours.

    Traditional Chinese is another script, and not given as Simplified.
    """
    parts = re.split("[-_.@]", name.lower())
    if parts[0] == "zh":
        return "" if {"tw", "hk", "mo", "hant"} & set(parts) else "zh_CN"
    return "en" if parts[0] in ("en", "c", "posix") else ""


def wanted(environment: Mapping[str, str]) -> str:
    """The language that the environment asks for: ours, "en" for one that we do not have, "" where nothing is said."""
    for variable in VARIABLES:
        if name := environment.get(variable):
            return named(name) or "en"
    return ""


def _(text: str) -> str:
    """The text in the chosen language."""
    return _catalogue.gettext(text) if text else ""  # gettext gives its file's header for the empty text


def ngettext(singular: str, plural: str, n: int) -> str:
    """The singular or plural text in the chosen language, by `n`."""
    return _catalogue.ngettext(singular, plural, n)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark `text` for translation; whoever shows it calls `_`."""
    return text
