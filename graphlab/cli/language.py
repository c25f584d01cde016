"""The language of the command line: `--language` anywhere in it, and the texts that argparse brings."""

from __future__ import annotations

import gettext
import os
from collections.abc import Sequence
from pathlib import Path

from graphlab import i18n
from graphlab.i18n import N_, _

OPTION = "--language"

ARGPARSE = (
    N_("usage: "),
    N_("options"),
    N_("positional arguments"),
    N_("show this help message and exit"),
    N_("show program's version number and exit"),
    N_("%(prog)s: error: %(message)s\n"),
    N_("argument %(argument_name)s: %(message)s"),
    N_("the following arguments are required: %s"),
    N_("unrecognized arguments: %s"),
    N_("expected one argument"),
    N_("invalid %(type)s value: %(value)r"),
    N_("invalid choice: %(value)r (choose from %(choices)s)"),
)
"""What argparse itself says and asks gettext for."""


def taken(argv: Sequence[str]) -> list[str]:
    """The arguments without `--language`; from now on texts are in its language. Raises ValueError for an unknown."""
    left, language = [], None
    arguments = iter(argv)
    for argument in arguments:
        if argument == "--":
            left += [argument, *arguments]
        elif argument == OPTION:
            language = next(arguments, "")
        elif argument.startswith(OPTION + "="):
            language = argument.partition("=")[2]
        else:
            left.append(argument)
    if language is None:
        language = i18n.wanted(os.environ) or "en"
    elif not i18n.named(language):
        known = ", ".join(i18n.LANGUAGES)
        raise ValueError(
            _("there is no language {name}. Choose one of {known}.").format(name=repr(language), known=known)
        )
    i18n.set_language(i18n.named(language))
    # argparse asks Python's own gettext, which looks for the language in the environment.
    gettext.bindtextdomain("graphlab", str(Path(i18n.__file__).parent / "locale"))
    gettext.textdomain("graphlab")
    os.environ["LANGUAGE"] = i18n.language()
    return left
