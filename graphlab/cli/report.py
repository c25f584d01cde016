"""Problems and explanations as text for a terminal."""

from __future__ import annotations

import textwrap

from graphlab.cli.wrapping import wrapped
from graphlab.explain import Explanation, as_text, softmax
from graphlab.explain.pages import Page
from graphlab.i18n import N_, _
from graphlab.program.edits import EditError, diff
from graphlab.trace.records import Fix, Problem

WIDTH = 96
_SEVERITY = {"error": N_("error"), "warning": N_("warning"), "hint": N_("hint")}
_APPLICABILITY = {"safe": N_("safe"), "maybe": N_("maybe"), "needs-input": N_("needs-input")}


def problem_text(problem: Problem, source: str) -> str:
    """One problem: head, the line of the program, the axes drawing, what, why, what to do, and fixes as diffs."""
    head = f"{_(_SEVERITY.get(problem.severity, problem.severity))}[{problem.code}]: {problem.title}"
    parts = [head]
    lines = source.splitlines()
    if 0 < problem.line <= len(lines):
        parts.append(f"  {problem.line:>4} | {lines[problem.line - 1].rstrip()}")
    parts.append("")
    parts.append(_wrapped(problem.what))
    if problem.picture is not None:
        parts += ["", textwrap.indent(as_text(problem.picture), "    "), ""]
    if problem.softmax is not None and problem.softmax.choices:
        parts += ["", textwrap.indent(softmax.as_text(problem.softmax), "    "), ""]
    if problem.why:
        parts.append(_wrapped(problem.why, _("Why: ")))
    if problem.fix:
        parts.append(_wrapped(problem.fix, _("Fix: ")))
    parts += [_fix_text(fix, source) for fix in problem.fixes]
    return "\n".join(parts)


def _fix_text(fix: Fix, source: str) -> str:
    state = _("checked by a re-run") if fix.verified else _(_APPLICABILITY.get(fix.applicability, fix.applicability))
    head = f"  * {fix.title} [{state}]"
    if not fix.edits:
        return head
    try:
        change = diff(source, fix.edits, context=0)
    except EditError:
        return head
    body = "\n".join(line for line in change.splitlines() if not line.startswith("@@"))
    return f"{head}\n{textwrap.indent(body, '      ')}"


def explanation_text(explanation: Explanation) -> str:
    """A page of the catalogue, or what is known of a pasted text."""
    head = f"{explanation.code}: {explanation.title}" if explanation.code else explanation.title
    parts = [head, ""]
    parts.append(_wrapped(explanation.what))
    if explanation.picture is not None:
        parts += ["", textwrap.indent(as_text(explanation.picture), "    "), ""]
    if explanation.why:
        parts.append(_wrapped(explanation.why, _("Why: ")))
    if explanation.fix:
        parts.append(_wrapped(explanation.fix, _("Fix: ")))
    return "\n".join(part for part in parts if part is not None).rstrip()


def page_text(page: Page) -> str:
    """The page of a diagnosis: its words, the program that shows it, PyTorch's message, the drawing."""
    parts = [f"{page.code}: {page.title}", "", _wrapped(page.what)]
    if page.why:
        parts.append(_wrapped(page.why, _("Why: ")))
    if page.fix:
        parts.append(_wrapped(page.fix, _("Fix: ")))
    parts += ["", _wrapped(_("A program that shows it, and the lines that mend it:")), ""]
    parts += [f"      {line}".rstrip() for line in page.change]
    if page.message:
        parts += ["", _wrapped(_("What PyTorch says to it:")), "", textwrap.indent(page.message, "      ")]
    if page.picture is not None:
        parts += ["", textwrap.indent(as_text(page.picture), "    ")]
    if page.softmax is not None:
        parts += ["", textwrap.indent(softmax.as_text(page.softmax), "    ")]
    return "\n".join(parts)


def _wrapped(text: str, label: str = "") -> str:
    paragraphs = (label + text).splitlines() or [""]
    return "\n".join(wrapped(paragraph, WIDTH, "  ") for paragraph in paragraphs)
