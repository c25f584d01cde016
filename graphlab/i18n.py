"""Text for readers: `_` translates when called, `N_` marks a text that is translated later.

Translations lie in `graphlab/locale/<language>/LC_MESSAGES/graphlab.mo`; without one the English text is shown.
"""

import gettext
from pathlib import Path

_LOCALE_DIR = Path(__file__).parent / "locale"
_catalogue: gettext.NullTranslations = gettext.NullTranslations()


def set_language(language: str) -> None:
    """Show texts in `language` ("en", "zh_CN") from now on; an unknown one falls back to English."""
    global _catalogue
    _catalogue = gettext.translation("graphlab", _LOCALE_DIR, languages=[language], fallback=True)


def _(text: str) -> str:
    """The text in the chosen language."""
    return _catalogue.gettext(text)


def ngettext(singular: str, plural: str, n: int) -> str:
    """The singular or plural text in the chosen language, by `n`."""
    return _catalogue.ngettext(singular, plural, n)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark `text` for translation; whoever shows it calls `_`."""
    return text
