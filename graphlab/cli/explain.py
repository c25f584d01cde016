"""`graphlab explain`: a page of the catalogue, or what a pasted message means."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from graphlab.cli.command import fail
from graphlab.cli.report import explanation_text, page_text
from graphlab.explain import DIAGNOSES, explain_code, explain_text, pages
from graphlab.i18n import _

MAX_BYTES = 4 * 2**20


def explain(words: Sequence[str], as_json: bool) -> int:
    """Explain a code, a text, or ("-") standard input; 0 when it is known, 1 when it is not."""
    if not words:
        if as_json or sys.stdin is None or not sys.stdin.isatty():
            words = ["-"]
        else:
            for entry in DIAGNOSES.values():
                print(f"{entry.code}  {_(entry.title)}")
            return 0
    if list(words) == ["-"]:
        data = sys.stdin.buffer.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            return fail(
                _("the text is too long (more than {n} MiB). Paste the traceback only.").format(n=MAX_BYTES >> 20)
            )
        text = data.decode("utf-8", "replace")
    else:
        text = " ".join(words)
    page = pages.page(text) if len(text) < 16 else None
    if page is not None and not as_json:
        print(page_text(page))
        return 0
    found = explain_code(text) if len(text) < 16 else None
    if found is None:
        found = explain_text(text)
    if as_json:
        fields = {name: getattr(found, name) for name in ("code", "title", "what", "why", "fix", "facts")}
        print(msgspec.json.encode(fields).decode())
    else:
        print(explanation_text(found))
    return 0 if found.code is not None else 1
