"""Makes scenes beside the window: the graph of a section and its layout, newest request first, kept by structure."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from graphlab.analysis.flow import FlowGraph, flow_graph
from graphlab.layout import Cancelled, arrange
from graphlab.layout.prepare import References, references, with_references
from graphlab.ui.canvas.describe import category_role
from graphlab.ui.canvas.scene import Face, Geometry, Ints, Scene, layout_graph, make_geometry, make_scene, measure

if TYPE_CHECKING:
    from graphlab.trace.store import TraceReader

SMALL = 1500  # events whose graph is built at once: below 20 ms
KEPT_SCENES = 48
KEPT_LAYOUTS = 24

FlowKey = tuple[int, int, int, frozenset[str]]


class Snapshot:
    """What `flow_graph` reads of a trace. Its lists only ever grow, but its database belongs to the window's thread."""

    def __init__(self, trace: TraceReader) -> None:
        self.events = trace.events
        self.tensors = trace.tensors
        self.spans = trace.spans
        self.modules = trace.modules
        self.sections = trace.sections
        self.losses = trace.losses
        self.values = trace.values
        self.ghosts = trace.ghosts
        self.failure = trace.failure
        self.source = trace.source


@dataclass(slots=True)
class Layout:
    """What is kept for a structure."""

    faces: list[Face]
    face_of: Ints
    geometry: Geometry
    references: References

    def scene(self, flow: FlowGraph) -> Scene:
        """The scene of a graph that has this structure."""
        return make_scene(with_references(flow, self.references), self.faces, self.face_of, self.geometry)


@dataclass(slots=True)
class Job:
    """One request."""

    number: int
    key: FlowKey
    trace: Snapshot
    section: int
    collapsed: frozenset[str]
    flow: FlowGraph | None = None
    layouts: dict[str, Layout] = field(default_factory=dict)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's cycle collector from stopping the window for 60 ms to look through 100,000 new objects.

    They hold no cycles, so reference counts free them all the same after `gc.freeze` has set them aside.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


class Loader(QObject):
    """Answers requests for scenes; only the newest one is answered.

    Signals:
        scene_ready(Scene): the newest request is done
        failed(str): it could not be done; the sentence says why
        busy_changed(bool): a request is or no longer is on its way
    """

    scene_ready = Signal(object)
    failed = Signal(str)
    busy_changed = Signal(bool)
    _done = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._number = 0
        self._lock = threading.Lock()  # one layout at a time: two would only slow each other down
        self._scenes: OrderedDict[FlowKey, Scene] = OrderedDict()
        self._layouts: OrderedDict[str, Layout] = OrderedDict()
        self._is_busy = False
        self._wanted: FlowKey | None = None
        self._done.connect(self._take)

    @property
    def is_busy(self) -> bool:
        """Whether a request is on its way."""
        return self._is_busy

    def cancel(self) -> None:
        """Give up the request on its way."""
        self._number += 1
        self._set_busy(False)

    def clear(self) -> None:
        """Forget the graphs of the trace before; layouts stay, they depend on the structure alone."""
        self.cancel()
        self._scenes.clear()

    def forget_words(self) -> None:
        """Forget layouts too: the words on edges take their room in them."""
        self.clear()
        self._layouts.clear()

    def request(
        self,
        trace: TraceReader,
        section: int,
        collapsed: frozenset[str],
        n_events: int,
    ) -> None:
        """Ask for the scene of a section; answered at once when it is at hand, else by `scene_ready` later."""
        key = (id(trace), section, n_events, collapsed)
        if self._is_busy and key == self._wanted:
            return
        self._number += 1
        self._wanted = key
        scene = self._scenes.get(key)
        flow = None
        if scene is None and n_events <= SMALL:
            try:
                flow = flow_graph(trace, section, collapsed)
            except (LookupError, TypeError, ValueError) as error:  # a trace from elsewhere that contradicts itself
                self._set_busy(False)
                self.failed.emit(f"{type(error).__name__}: {error}")
                return
            layout = self._layouts.get(flow.signature)
            if layout is not None:
                self._layouts.move_to_end(flow.signature)
                scene = layout.scene(flow)
                self._keep(key, scene)
        if scene is not None:
            self._set_busy(False)
            self.scene_ready.emit(scene)
            return
        job = Job(self._number, key, Snapshot(trace), section, collapsed, flow, dict(self._layouts))
        self._set_busy(True)
        threading.Thread(target=self._work, args=(job,), name="graph layout", daemon=True).start()

    def _work(self, job: Job) -> None:
        """Runs beside the window; touches nothing of Qt but the signal."""
        try:
            with self._lock, _no_collection():
                result: Any = self._make(job)
        except Cancelled:
            result = None
        except Exception as error:  # the thread's edge: a defect must reach the user, not a lost thread
            result = error
        with suppress(RuntimeError):  # the window is gone
            self._done.emit(job, result[0] if isinstance(result, tuple) else result, result)

    def _make(self, job: Job) -> tuple[Scene, Layout]:
        def is_cancelled() -> bool:
            return job.number != self._number

        if is_cancelled():
            raise Cancelled
        flow = job.flow or flow_graph(job.trace, job.section, job.collapsed)  # type: ignore[arg-type]
        layout = job.layouts.get(flow.signature)
        if layout is None:
            boxes = references(flow, is_cancelled)
            drawn = with_references(flow, boxes)
            faces, face_of = measure(drawn, category_role)
            graph = layout_graph(drawn, faces, face_of)
            picture = arrange(graph, is_cancelled=is_cancelled)
            layout = Layout(faces, face_of, make_geometry(drawn, graph, picture), boxes)
        if is_cancelled():
            raise Cancelled
        return layout.scene(flow), layout

    def _take(self, job: Job, scene: object, result: object) -> None:
        if isinstance(scene, Scene) and isinstance(result, tuple):
            self._keep(job.key, scene)
            self._layouts[scene.flow.signature] = result[1]
            if len(self._layouts) > KEPT_LAYOUTS:
                self._layouts.popitem(last=False)
        if job.number != self._number:
            return
        self._set_busy(False)
        if isinstance(scene, Scene):
            self.scene_ready.emit(scene)
        elif isinstance(result, Exception):
            self.failed.emit(f"{type(result).__name__}: {result}")

    def _keep(self, key: FlowKey, scene: Scene) -> None:
        self._scenes[key] = scene
        if len(self._scenes) > KEPT_SCENES:
            self._scenes.popitem(last=False)

    def _set_busy(self, is_busy: bool) -> None:
        if is_busy != self._is_busy:
            self._is_busy = is_busy
            self.busy_changed.emit(is_busy)
