"""The phases of a run, as the canvas, the timeline and the narration show them: one label and colour role each."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind


class Phase(IntEnum):
    """What part of training a step belongs to. ERROR wins over all where several share a pixel."""

    DATA = 0
    FORWARD = 1
    BACKWARD = 2
    UPDATE = 3
    NOTE = 4  # printed text and warnings
    ERROR = 5


LABELS = {
    Phase.DATA: N_("data"),
    Phase.FORWARD: N_("forward"),
    Phase.BACKWARD: N_("backward"),
    Phase.UPDATE: N_("update"),
    Phase.NOTE: N_("message"),
    Phase.ERROR: N_("error"),
}

# A second signal beside the colour, for those who can't tell the colours apart.
GLYPHS = {
    Phase.DATA: "●",
    Phase.FORWARD: "▶",
    Phase.BACKWARD: "◀",
    Phase.UPDATE: "▲",
    Phase.NOTE: "❯",
    Phase.ERROR: "✕",
}

_BY_KIND = {
    EventKind.CREATE: Phase.DATA,
    EventKind.FORWARD: Phase.FORWARD,
    EventKind.BACKWARD: Phase.BACKWARD,
    EventKind.ACCUMULATE: Phase.BACKWARD,
    EventKind.UPDATE: Phase.UPDATE,
    EventKind.INPLACE: Phase.FORWARD,
    EventKind.PRINT: Phase.NOTE,
    EventKind.WARNING: Phase.NOTE,
    EventKind.ERROR: Phase.ERROR,
}
PHASE_OF_KIND: npt.NDArray[np.uint8] = np.array([_BY_KIND[kind] for kind in EventKind], np.uint8)
"""Phase of each `EventKind`, to be indexed with an array of kinds."""


def kind_of(event: Event) -> int:
    """The kind that decides an event's phase: clearing gradients belongs to the update, though it writes in place."""
    return EventKind.UPDATE if event.op == "zero_grad" else event.kind


def phase_of(event: Event) -> Phase:
    """The phase of an event; a kind that a later version added counts as a message."""
    kind = kind_of(event)
    return Phase(int(PHASE_OF_KIND[kind])) if 0 <= kind < len(PHASE_OF_KIND) else Phase.NOTE
