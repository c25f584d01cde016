"""The chain rule of one backward step as rich text: in names, and in numbers where they are few."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from graphlab.analysis.chain import Link, chain_rule
from graphlab.i18n import _

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from graphlab.trace.records import Event
    from graphlab.trace.store import TraceReader
    from graphlab.ui.theme import Tokens

_MOST_NUMBERS = 8


def numbers_text(array: npt.NDArray[Any]) -> str:
    """A small array on one line: "−8.8", "[0, 1, 0.5]", "[[1, 2], [3, 4]]"."""
    from graphlab.ui.panels.value_view import number_text

    if array.ndim == 0:
        return number_text(array)
    return "[" + ", ".join(numbers_text(row) if array.ndim > 1 else number_text(row) for row in array) + "]"


def chain_html(trace: TraceReader, event: Event, t: Tokens) -> str:
    """The step's links, one paragraph an input; "" when the event has no chain rule to show."""
    chain = chain_rule(trace, event.id)
    if chain is None:
        return ""
    return "".join(f"<p style='margin:0 0 8px 0'>{_link(link, t)}</p>" for link in chain.links)


def _link(link: Link, t: Tokens) -> str:
    root, out, name = (html.escape(text) for text in (link.root_name, link.output_name, link.input_name))
    orange, muted = t.backward.name(), t.text_muted.name()
    lines = [f"<b style='color:{orange}'>∂{root}/∂{name}</b> = ∂{root}/∂{out} · ∂{out}/∂{name}"]
    if link.rule:
        lines.append(f"<span style='color:{muted}'>= {html.escape(_(link.rule))}</span>")
    numbers = _numbers(link)
    if numbers:
        lines.append(numbers)
    if link.is_summed:
        note = _("summed over the axes that were stretched")
        lines.append(f"<span style='color:{muted}'>{note}</span>")
    return "<br>".join(lines)


def _numbers(link: Link) -> str:
    arrays = [array for array in (link.outgoing, link.incoming, link.local) if array is not None]
    if link.outgoing is None or link.incoming is None or any(array.size > _MOST_NUMBERS for array in arrays):
        return ""
    right = numbers_text(link.incoming)
    if link.local is not None and link.is_exact:
        right += f" · {numbers_text(link.local)}"
        return f"{numbers_text(link.outgoing)} = {right}"
    return f"{right} → {numbers_text(link.outgoing)}"
