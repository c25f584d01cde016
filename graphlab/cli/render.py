"""`graphlab render`: the graph of one iteration as a picture. PNG is painted by the caller, since Qt lives in ui."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

from graphlab.analysis.flow import FlowGraph, flow_graph
from graphlab.analysis.sections import sections
from graphlab.cli.command import fail
from graphlab.cli.run import EXIT
from graphlab.i18n import _
from graphlab.layout.svg import to_dot, to_svg
from graphlab.session.projects import Document, ProjectError, open_document, write_atomically
from graphlab.session.runner import Outcome, Run, Runner, RunRequest
from graphlab.trace.records import Section
from graphlab.trace.store import TraceError, TraceReader

Rasterise = Callable[[str], bytes]
"""Makes a PNG of an SVG document. Raises OSError when it cannot."""

FOLD_ABOVE = 150
"""Graphs of more nodes are drawn with the modules inside the outermost ones folded."""

LONGEST_MESSAGE = 200

SUFFIXES = (".svg", ".png", ".dot")


class NothingToDrawError(Exception):
    """The recording has no such graph; the sentence says why."""


def render(
    path: str, out: str, is_dark: bool, iteration: int | None, expand: str | None, rasterise: Rasterise | None = None
) -> int:
    """Draw FILE into `out`; the exit status is that of `graphlab run`, or 2 when nothing could be drawn."""
    suffix = Path(out).suffix.lower()
    if suffix not in SUFFIXES:
        return fail(_("the picture's name must end in .svg, .png or .dot. ({path})").format(path=out))
    if suffix == ".png" and rasterise is None:
        return fail(_("PNG is not available here. Choose a name that ends in .svg. ({path})").format(path=out))
    if not Path(out).absolute().parent.is_dir():
        return fail(_("there is no folder for the picture. Make it first. ({path})").format(path=out))
    try:
        document = open_document(path)
    except ProjectError as error:
        return fail(str(error))
    flow: FlowGraph | None
    try:
        if document.kind == "trace":
            flow, status = _flow(str(path), iteration, expand), 0
        else:
            flow, status = _recorded(document, iteration, expand)
        if flow is None:
            return status
        data = _drawn(flow, suffix, is_dark, document.path.stem, rasterise)
    except (NothingToDrawError, TraceError) as error:
        return fail(str(error))
    except OSError as error:
        return fail(_("the picture could not be painted: {reason}").format(reason=error))
    try:
        write_atomically(out, data)
    except OSError as error:
        return fail(
            _("the picture could not be saved: {reason}. Choose another place. ({path})").format(
                reason=error.strerror or error, path=out
            )
        )
    return status


def _recorded(document: Document, iteration: int | None, expand: str | None) -> tuple[FlowGraph | None, int]:
    """Run a program and read its graph: all that was computed when it failed. None when there is nothing."""
    limits = document.settings.limits
    with Runner(keep_warm=False) as runner:
        run = runner.start(RunRequest(document.source, diagnose=False, limits=limits))
        outcome = _wait(run)
        if outcome.status == "failed":
            place = _(" (line {line})").format(line=outcome.line) if outcome.line else ""
            message = textwrap.shorten(outcome.error_message, LONGEST_MESSAGE, placeholder=" …")
            print(f"graphlab: {outcome.error_type}: {message}{place}", file=sys.stderr)
        elif outcome.sentence:
            print(f"graphlab: {outcome.sentence}", file=sys.stderr)
        status = EXIT[outcome.status]
        if outcome.status == "refused" or not Path(run.trace_path).exists():
            return None, status
        try:
            return _flow(run.trace_path, iteration, expand), status
        except NothingToDrawError as error:
            return None, status or fail(str(error))


def _wait(run: Run) -> Outcome:
    """The end of a run. What it prints is fetched so that it does not gather, and left out."""
    while True:
        try:
            run.wait(0.05)
        except TimeoutError:
            pass
        except KeyboardInterrupt:
            run.stop()
        for message in run.poll():
            if isinstance(message, Outcome):
                return message


def _flow(trace: str, iteration: int | None, expand: str | None) -> FlowGraph:
    """The graph that is to be drawn. Raises `NothingToDrawError` and `TraceError`."""
    reader = TraceReader(trace)
    try:
        section = _section(reader, iteration)
        try:
            flow = flow_graph(reader, section.index)
            if expand != "all" and len(flow.nodes) > FOLD_ABOVE:
                inner = frozenset(group.path for group in flow.groups if group.parent)
                flow = flow_graph(reader, section.index, inner) if inner else flow
        except (LookupError, TypeError, ValueError):  # a file from elsewhere that contradicts itself
            raise NothingToDrawError(
                _("this trace contradicts itself and cannot be drawn. Record it again. ({path})").format(path=trace)
            ) from None
        if not flow.nodes:
            raise NothingToDrawError(_("there is nothing to draw: the program made no tensors."))
        return flow
    finally:
        reader.close()


def _section(reader: TraceReader, iteration: int | None) -> Section:
    """The stretch of the run to draw: the iteration asked for, else where it failed, the first one, or the longest."""
    every = sections(reader)
    if not every:
        raise NothingToDrawError(_("there is nothing to draw: the program made no tensors."))
    turns = [section for section in every if section.iteration >= 0]
    if iteration is not None:
        found = next((section for section in turns if section.iteration == iteration), None)
        if found is None:
            raise NothingToDrawError(_no_such_iteration(turns, iteration))
        if not found.detailed:
            kept = [section.iteration for section in turns if section.detailed]
            near = min(kept, key=lambda number: abs(number - iteration), default=0)
            raise NothingToDrawError(
                _("the steps of iteration {n} were not kept in this long run; the nearest kept one is {near}.").format(
                    n=iteration, near=near
                )
            )
        return found
    failure = reader.failure
    if failure is not None and failure.event >= 0:
        failed = next((section for section in every if section.first <= failure.event < section.end), None)
        if failed is not None:
            return failed
    if turns:
        return turns[0]
    return max(every, key=lambda section: section.end - section.first)


def _no_such_iteration(turns: list[Section], iteration: int) -> str:
    if not turns:
        return _("there is no iteration {n}: this program trains nothing. Leave --iteration out.").format(n=iteration)
    return _("there is no iteration {n}: they run from 0 to {last}.").format(n=iteration, last=turns[-1].iteration)


def _drawn(flow: FlowGraph, suffix: str, is_dark: bool, name: str, rasterise: Rasterise | None) -> bytes:
    if suffix == ".dot":
        return to_dot(flow, is_dark).encode()
    svg = to_svg(flow, is_dark, title=_("Computation graph of {name}").format(name=name))
    if suffix == ".svg":
        return svg.encode()
    assert rasterise is not None
    return rasterise(svg)
