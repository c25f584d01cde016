"""`graphlab`: a subcommand goes to the command line, anything else opens the window."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from graphlab.i18n import _, set_language, wanted

COMMANDS = ("run", "explain", "render", "samples")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    set_language(wanted(os.environ) or "en")
    if arguments and (arguments[0] in COMMANDS or arguments[0].startswith("-")):
        from graphlab.cli.command import main as run_command

        return run_command(arguments, _rasterise)
    if len(arguments) > 1:
        from graphlab.cli.command import fail

        return fail(_("at most one FILE can be opened. `graphlab --help` lists the commands."))
    from graphlab.ui.app import main as open_window

    return open_window(arguments)


def _rasterise(svg: str) -> bytes:
    from graphlab.ui.raster import rasterise

    return rasterise(svg)


if __name__ == "__main__":
    sys.exit(main())
