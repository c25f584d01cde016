"""The command line: `graphlab run`, `explain`, `render`, `samples`. Needs no display and imports no Qt."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import graphlab
from graphlab.cli import language
from graphlab.i18n import _

USAGE = 2
"""Exit status for a wrong call and for a file that cannot be read."""


def main(argv: Sequence[str], rasterise: Callable[[str], bytes] | None = None) -> int:
    """Run a subcommand; returns the exit status.

    `rasterise` makes a PNG of an SVG document. It comes from outside, since it needs Qt.
    """
    try:
        argv = language.taken(argv)
    except ValueError as error:
        return fail(str(error))
    parser = _parser()
    try:
        options = parser.parse_args(list(argv))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else USAGE
    try:
        return _dispatch(options, parser, rasterise)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # `graphlab run … | head`: nobody reads any more. Python would complain once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 141


def _dispatch(
    options: argparse.Namespace, parser: argparse.ArgumentParser, rasterise: Callable[[str], bytes] | None
) -> int:
    if options.command == "run":
        from graphlab.cli.run import run

        return run(options.file, options.json, options.trace, options.seconds, options.no_verify)
    if options.command == "explain":
        from graphlab.cli.explain import explain

        return explain(options.text, options.json)
    if options.command == "render":
        from graphlab.cli.render import render

        return render(options.file, options.output, options.dark, options.iteration, options.expand, rasterise)
    if options.command == "samples":
        return _samples(options.copy)
    parser.print_usage(sys.stderr)
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="graphlab",
        description=_("See what PyTorch-style code computes. Without a command, the window opens."),
        epilog=_("graphlab [FILE] opens the window, with FILE in it if given."),
    )
    parser.add_argument("--language", metavar="LANGUAGE", help=_("en or zh_CN; else as the environment says"))
    parser.add_argument("--version", action="version", version=f"graphlab {graphlab.__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    run = commands.add_parser("run", help=_("run a program without a window"), description=_("Run a program."))
    run.add_argument("file", metavar="FILE", help=_("a .py program, a project folder or a saved trace"))
    run.add_argument("--json", action="store_true", help=_("print one JSON object instead of text"))
    run.add_argument("--trace", metavar="OUT", help=_("save the recording to this file"))
    run.add_argument("--seconds", type=_positive, metavar="N", help=_("end the program after N seconds (default 300)"))
    run.add_argument("--no-verify", action="store_true", help=_("do not check fixes by running them"))

    explain = commands.add_parser(
        "explain",
        help=_("explain a diagnosis code or a PyTorch error message"),
        description=_("Explain a diagnosis code (GL101), or a pasted message or traceback; - reads standard input."),
    )
    explain.add_argument("text", nargs="*", metavar="CODE | TEXT | -")
    explain.add_argument("--json", action="store_true", help=_("print one JSON object instead of text"))

    render = commands.add_parser(
        "render",
        help=_("draw the graph of a program into a file"),
        description=_("Run a program without a window and draw its computation graph, or draw a saved trace."),
    )
    render.add_argument("file", metavar="FILE", help=_("a .py program, a project folder or a saved trace"))
    render.add_argument("-o", "--output", required=True, metavar="OUT", help=_("OUT.svg, OUT.png or OUT.dot"))
    render.add_argument("--dark", action="store_true", help=_("light text on dark ground"))
    render.add_argument(
        "--iteration", type=int, metavar="N", help=_("iteration to draw, from 0 as in run --json (default: the first)")
    )
    render.add_argument(
        "--expand", choices=["all"], help=_("unfold all modules (large graphs show only the outermost ones unfolded)")
    )

    samples = commands.add_parser("samples", help=_("list the sample programs, or copy one"))
    samples.add_argument("--copy", nargs=2, metavar=("NAME", "DIR"), help=_("copy the sample NAME into the folder DIR"))
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(_("must be a number above 0"))
    return value


def fail(message: str) -> int:
    """Say what is wrong with the call or a file; returns the exit status for it."""
    print(f"graphlab: {message}", file=sys.stderr)
    return USAGE


def _samples(copy: Sequence[str] | None) -> int:
    from graphlab.session.samples import samples

    if copy is None:
        for sample in samples():
            print(f"{sample.name:<20} {_(sample.title)}: {_(sample.summary)}")
        return 0
    name, folder = copy
    found = next((sample for sample in samples() if sample.name == name), None)
    if found is None:
        return fail(_("there is no sample named {name}. `graphlab samples` lists them.").format(name=name))
    if not Path(folder).is_dir():
        return fail(_("there is no such folder. Make it first. ({path})").format(path=folder))
    target = Path(folder) / found.path.name
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(found.source)
    except FileExistsError:
        return fail(_("the file is there already. Delete it or choose another folder. ({path})").format(path=target))
    except OSError as error:
        return fail(_("the sample cannot be copied: {reason}. ({path})").format(reason=error.strerror, path=target))
    print(target)
    return 0
