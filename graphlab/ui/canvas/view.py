"""The graph canvas: a plain widget that paints the visible part of a scene, with its own hit-testing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import (
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from graphlab.analysis.sections import section_at, section_of
from graphlab.i18n import N_, _
from graphlab.ui.canvas import overlay
from graphlab.ui.canvas.camera import Camera, fitting
from graphlab.ui.canvas.describe import accessible_text, graph_text
from graphlab.ui.canvas.faces import fold_rect
from graphlab.ui.canvas.frame import Frame
from graphlab.ui.canvas.inputs import CanvasInput
from graphlab.ui.canvas.lit import Lit, lit_in, paint_lit
from graphlab.ui.canvas.loader import Loader
from graphlab.ui.canvas.render import TITLE_SCALE, Renderer, View
from graphlab.ui.canvas.scene import Scene
from graphlab.ui.canvas.values import Pictures, Shown
from graphlab.ui.canvas.walk import anchor, center, forward_bounds, group_corner, is_in_view, matching
from graphlab.ui.language import again, say
from graphlab.ui.painting import guarded
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from pathlib import Path

    from graphlab.ui.state import ViewState

PAN_STEP = 60
GROWTH_MS = 150
AFTER_FLIGHT_MS = 60  # without a further frame a flight is over, and what was left out is painted
COMFORTABLE = 0.85  # the scale of a first view of the beginning, where there is room for it
READABLE = 0.6  # names are 8 pixels high; a graph that would have to be smaller is not shown as a whole at first


class GraphView(CanvasInput):
    """The drawn graph of the section that holds the current event.

    Signals:
        layout_ready: a new picture is shown (also one that was at hand)
        busy_changed(bool): a layout is on its way
        source_requested(int): the user wants to see the program text of an event
        zoom_changed(float): the scale, 1.0 is 100 %
        gradient_path_requested(int): light the way of the gradient to this tensor
    """

    layout_ready = Signal()
    busy_changed = Signal(bool)
    source_requested = Signal(int)
    zoom_changed = Signal(float)

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph_view")
        say(self.setAccessibleName, N_("Graph"))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.follow = True
        """Setting "look/follow": whether the view pans to the current step when it is out of view."""
        self._state = state
        self._renderer = Renderer()
        self._frame = Frame(self._renderer)
        self._pictures = Pictures()
        self._scene: Scene | None = None
        self._collapsed: frozenset[str] = frozenset()
        self._anchor: tuple[str, tuple[float, float]] | None = None  # what stays under the mouse when a module folds
        self._match = -1
        self._failure = ""
        self._is_stale = False  # the picture is still that of the trace before
        self._happened = np.zeros(0, np.bool_)
        self._edge_happened = np.zeros(0, np.bool_)
        self._current: list[int] = []
        self._lit: Lit | None = None  # the path that is lit, as far as it lies in this scene

        self._loader = Loader(self)
        self._loader.scene_ready.connect(self._show_scene)
        self._loader.failed.connect(self._show_failure)
        self._loader.busy_changed.connect(self._show_busy)
        self._navigator.moved.connect(self.update)
        self._navigator.zoomed.connect(self.zoom_changed)
        self._navigator.settled.connect(self._redraw)
        self._growth = self._timer(GROWTH_MS, self._show_growth)
        self._more = self._timer(0, self._redraw)
        state.trace_changed.connect(self._start_over)
        state.trace_grown.connect(self._take_growth)
        state.section_changed.connect(self._request)
        state.event_changed.connect(self._show_event)
        state.node_selected.connect(self._show_selection)
        state.tensor_selected.connect(self._show_tensor)
        state.theme_changed.connect(self._redraw)
        state.path_changed.connect(self._show_path)
        self._start_over()
        again(self._say_again, now=False)

    def _timer(self, interval: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval)
        timer.timeout.connect(slot)
        return timer

    @property
    def animated(self) -> bool:
        """Whether the view flies instead of jumping."""
        return self._navigator.animated

    @animated.setter
    def animated(self, is_animated: bool) -> None:
        self._navigator.animated = is_animated

    # From the state

    def _start_over(self) -> None:
        self._loader.clear()
        self._pictures.clear()
        self._failure = ""
        self._is_stale = True
        if self._state.trace is None:
            self._scene = None
            self._redraw()
        else:
            self._request()

    def _say_again(self) -> None:
        """Another language: words stand on edges and in small pictures, and in what a screen reader is told."""
        self._loader.forget_words()
        self._pictures.clear()
        self._request()

    def _take_growth(self) -> None:
        if not self._growth.isActive():
            self._growth.start()

    def _show_growth(self) -> None:
        if self._loader.is_busy:  # else a program that runs on would cancel every layout before it is done
            self._growth.start()
        else:
            self._request()

    def _section(self) -> int:
        """The section to show: that of the current event, else the first iteration."""
        trace = self._state.trace
        if trace is None:
            return -1
        if self._state.event >= 0:
            return section_of(trace, self._state.event)
        first = next((i for i, section in enumerate(trace.sections) if section.kind == "iteration"), -1)
        return first if first >= 0 else section_of(trace, 0)

    def _request(self) -> None:
        trace, section = self._state.trace, self._section()
        stretch = section_at(trace, section) if trace is not None else None
        if trace is None or stretch is None:
            return
        self._loader.request(trace, section, self._collapsed, stretch.end - stretch.first)

    def _show_busy(self, is_busy: bool) -> None:
        self.busy_changed.emit(is_busy)
        self.update()

    def _show_failure(self, message: str) -> None:
        self._failure = _("The graph could not be drawn. {error}").format(error=message)
        self.update()

    def _show_scene(self, scene: Scene) -> None:
        before, was_stale = self._scene, self._is_stale
        if scene is before and not was_stale:
            self.layout_ready.emit()
            return
        self._failure, self._is_stale = "", False
        if not scene.n_nodes and before is not None and not was_stale:
            self._take_event()  # a stretch that only prints: what was computed before stays in sight
            self._redraw()
            self.layout_ready.emit()
            return
        self._scene = scene
        self._hover = -1
        self._matches = [i for i in self._matches if i < scene.n_nodes]
        self._keep_view(before, scene)
        self._take_event()
        self._redraw()
        if self._state.event >= 0:
            self._follow_current()
        self.setAccessibleDescription(accessible_text(self._state.trace, scene, self._selected()))
        self.layout_ready.emit()

    def _keep_view(self, before: Scene | None, scene: Scene) -> None:
        """Keep zoom, and what the user looks at in its place; the first picture is fitted."""
        fold, self._anchor = self._anchor, None
        corner = group_corner(scene, fold[0]) if fold is not None else None
        if fold is not None and corner is not None:
            self._navigator.jump(self.camera.placing(corner, fold[1]))
        elif before is None or not before.n_nodes or not self._has_view:
            self._place_first(scene)
        elif before.geometry is not scene.geometry:
            key = anchor(before, scene, self._state.node, self.camera, self.width(), self.height())
            if key:
                old, new = center(before, before.index[key]), center(scene, scene.index[key])
                self._navigator.jump(self.camera.placing(new, self.camera.to_widget(*old)))
            else:
                self._place_first(scene)

    def _place_first(self, scene: Scene) -> None:
        """All of the graph where its names can then be read, else all of the forward pass, else the beginning."""
        camera = fitting(scene.geometry.bounds, self.width(), self.height())
        if camera.scale < READABLE and scene.n_nodes:
            bounds = forward_bounds(scene)
            camera = fitting(bounds, self.width(), self.height(), 1.0)
            if camera.scale < READABLE:
                camera = self._beginning(scene, bounds)
        self._navigator.jump(camera)
        self._has_view = self.width() > 50 and self.isVisible()

    def _beginning(self, scene: Scene, bounds: tuple[float, float, float, float]) -> Camera:
        """Readable, and from the top on, or from the current step on where that is further down."""
        for x0, _y0, x1, _y1 in (scene.geometry.bounds, bounds):  # both columns where their names can be read
            fitted = (self.width() - 40) / max(x1 - x0, 1.0)
            if fitted >= READABLE:
                break
        camera = Camera(0, 0, min(max(fitted, READABLE + 0.05), COMFORTABLE))
        current = scene.flow.node_of_event.get(self._state.event, -1)
        if fitted < camera.scale:
            middle = center(scene, current if current >= 0 else int(np.argmin(scene.rects[:, 1])))[0]
        else:
            middle = (x0 + x1) / 2
        camera = camera.placing((middle, bounds[1]), (self.width() / 2, 28.0))
        if current >= 0 and not is_in_view(scene, current, camera, self.width(), self.height(), 12):
            camera = camera.placing((middle, center(scene, current)[1]), (self.width() / 2, self.height() / 2))
        return camera

    def _show_event(self, event: int) -> None:
        trace = self._state.trace
        if trace is None:
            return
        if self._scene is None or self._scene.flow.section != self._section():
            self._request()
        self._take_event()
        self._redraw()
        self._follow_current()

    def _take_event(self) -> None:
        """Work out what has happened at the current event and which nodes are its step."""
        scene, event = self._scene, self._state.event
        if scene is None or self._is_stale:
            return
        self._happened = scene.events <= event if event >= 0 else np.ones(scene.n_nodes, np.bool_)
        ends = scene.edge_ends
        self._edge_happened = self._happened[ends[:, 0]] & self._happened[ends[:, 1]]
        current = set(np.flatnonzero(scene.events == event).tolist()) if event >= 0 else set()
        if event in scene.flow.node_of_event:
            current.add(scene.flow.node_of_event[event])
        self._current = sorted(current)
        self._take_path()

    def _show_selection(self, key: str) -> None:
        scene = self._scene
        if scene is not None and key in scene.index:
            node = scene.index[key]
            if not self._is_in_view(node):
                self._pan_to(node)
            self._tell(accessible_text(self._state.trace, scene, node))
        self.update()

    def _show_path(self) -> None:
        """Light the path of the state, and bring it into view: all of it where it can then be read, else its mark."""
        self._take_path()
        lit, scene = self._lit, self._scene
        if lit is not None and scene is not None and lit.nodes:
            rects = scene.rects[lit.nodes]
            low, high = rects[:, :2].min(axis=0).tolist(), rects[:, 2:].max(axis=0).tolist()
            whole = fitting((*low, *high), self.width(), self.height(), self.camera.scale, overlay.NOTICE_ROOM)
            if whole.scale >= READABLE:
                if not all(self._is_in_view(node, overlay.NOTICE_ROOM) for node in lit.nodes):
                    self._navigator.fly(whole)
            elif lit.place >= 0:
                feeding = [int(scene.edge_ends[edge, 0]) for edge in lit.edges if scene.edge_ends[edge, 1] == lit.place]
                self._bring_into_view([lit.place, *feeding], overlay.NOTICE_ROOM)
        self.update()

    def _take_path(self) -> None:
        trace, path = self._state.trace, self._state.path
        is_shown = trace is not None and self._scene is not None and path is not None and not self._is_stale
        self._lit = lit_in(self._scene, trace, path) if is_shown else None

    def _show_tensor(self, tensor: int) -> None:
        """Select a node of the tensor that another panel chose."""
        scene = self._scene
        nodes = scene.flow.nodes_of_tensor.get(tensor, []) if scene is not None else []
        if scene is None or not nodes:
            return
        selected = self._selected()
        if selected in nodes:
            return
        ends = scene.edge_ends
        if selected >= 0 and np.isin(ends[ends[:, 0] == selected, 1], nodes).any():
            return  # the operator that made it is selected, which shows the same
        self._state.select_node(scene.keys[nodes[-1]], int(scene.events[nodes[-1]]))

    def _selected(self) -> int:
        return self._scene.index.get(self._state.node, -1) if self._scene is not None else -1

    # Values

    def _value(self, node: int) -> Shown | None:
        """The picture of a node's value at the current event, None where it has none."""
        value = self._value_id(node)
        trace = self._state.trace
        return self._pictures.of(trace, value, self._state.theme) if trace is not None and value >= 0 else None

    def _value_id(self, node: int) -> int:
        from graphlab.analysis.values import value_at

        trace, scene = self._state.trace, self._scene
        if trace is None or scene is None or self._is_stale or scene.tensors[node] < 0:
            return -1
        event = self._state.event
        if event < 0:
            stretch = section_at(trace, scene.flow.section)
            event = stretch.end - 1 if stretch is not None else len(trace.events) - 1
        # A leaf's `.grad` and the one contribution that becomes it share a node; the newer of the two counts.
        tensors = (int(scene.tensors[node]), *scene.others.get(node, ()))
        values = [value for tensor in tensors if (value := value_at(trace, tensor, event)) is not None]
        return max(values, key=lambda value: value.event).id if values else -1

    # What tests and other parts ask

    @property
    def scene(self) -> Scene | None:
        """The shown scene."""
        return self._scene

    @property
    def is_busy(self) -> bool:
        """Whether a layout is on its way."""
        return self._loader.is_busy

    @property
    def lit_keys(self) -> list[str]:
        """The nodes of the lit path, as far as they are in this picture."""
        return [self._scene.keys[i] for i in self._lit.nodes] if self._scene is not None and self._lit else []

    @property
    def lit_place(self) -> str:
        """The node that is marked on the lit path, "" for none."""
        return (
            self._scene.keys[self._lit.place] if self._scene is not None and self._lit and self._lit.place >= 0 else ""
        )

    @property
    def lit_notice(self) -> str:
        """The sentence that stands over the lit path, "" where none is lit."""
        return self._lit.notice if self._lit is not None else ""

    @property
    def current_keys(self) -> list[str]:
        """The nodes of the current step."""
        return [self._scene.keys[i] for i in self._current] if self._scene is not None else []

    def node_at(self, point: QPoint | QPointF) -> str:
        """Key of the node at a widget place, "" where there is none."""
        node = self._index_at(QPointF(point))
        return self._scene.keys[node] if self._scene is not None and node >= 0 else ""

    def rect_of(self, key: str) -> QRect:
        """Where a node stands, in widget coordinates; empty for an unknown key."""
        if self._scene is None or key not in self._scene.index:
            return QRect()
        return self._rect(self._scene.index[key]).toAlignedRect()

    def visible_keys(self) -> list[str]:
        """The nodes that are at least partly in view."""
        if self._scene is None:
            return []
        x0, y0 = self.camera.to_scene(0, 0)
        x1, y1 = self.camera.to_scene(self.width(), self.height())
        return [self._scene.keys[i] for i in self._scene.nodes_in(x0, y0, x1, y1).tolist()]

    def has_happened(self, key: str) -> bool:
        """Whether a node's step is not after the current event."""
        return bool(self._happened[self._scene.index[key]]) if self._scene is not None else False

    def shown_value(self, key: str) -> str:
        """The number that stands in a node, or "heat map 3×2" of the cells drawn; "" when it shows none."""
        if self._scene is None or key not in self._scene.index:
            return ""
        node = self._scene.index[key]
        if not self._scene.faces[self._scene.face_of[node]].has_value or not self._happened[node]:
            return ""
        shown = self._value(node)
        if shown is None:
            return ""
        return shown if isinstance(shown, str) else f"heat map {shown.height()}×{shown.width()}"

    def span_of(self, key: str) -> int:
        """The piece of program text that made a node, -1 when unknown."""
        trace, scene = self._state.trace, self._scene
        if trace is None or scene is None or key not in scene.index:
            return -1
        event = int(scene.events[scene.index[key]])
        return trace.events[event].span if 0 <= event < len(trace.events) else -1

    def text(self) -> str:
        """The picture as text, one node a line; the current step marked * and what failed !."""
        return graph_text(self._scene, set(self._current)) if self._scene is not None else ""

    def _rect(self, node: int) -> QRectF:
        assert self._scene is not None
        x0, y0, x1, y1 = self._scene.rects[node].tolist()
        left, top = self.camera.to_widget(x0, y0)
        return QRectF(left, top, (x1 - x0) * self.camera.scale, (y1 - y0) * self.camera.scale)

    def _index_at(self, point: QPointF) -> int:
        if self._scene is None:
            return -1
        return self._scene.node_at(*self.camera.to_scene(point.x(), point.y()))

    def _is_in_view(self, node: int, margin: float = 0.0) -> bool:
        assert self._scene is not None
        return is_in_view(self._scene, node, self.camera, self.width(), self.height(), margin)

    # Moving the view

    def fit(self) -> None:
        """Show the whole graph."""
        if self._scene is not None and self._scene.n_nodes:
            self._has_view = True
            self._navigator.fly(fitting(self._scene.geometry.bounds, self.width(), self.height()))

    def zoom_in(self) -> None:
        """Larger, about the middle."""
        self._zoom(1.25, QPointF(self.width() / 2, self.height() / 2))

    def zoom_out(self) -> None:
        """Smaller, about the middle."""
        self._zoom(0.8, QPointF(self.width() / 2, self.height() / 2))

    def _zoom(self, factor: float, place: QPointF, smooth: bool = True) -> None:
        self._has_view = True
        self._navigator.zoom(factor, place.x(), place.y(), smooth)

    def reveal(self, key: str) -> None:
        """Pan to a node when it is out of view."""
        if self._scene is not None and key in self._scene.index:
            self._pan_to(self._scene.index[key])

    def set_camera(self, camera: Camera) -> None:
        """Jump to a place, without animation."""
        self._has_view = True
        self._navigator.jump(camera)

    def _follow_current(self) -> None:
        if self.follow and self._current and self._scene is not None:
            node = self._scene.flow.node_of_event.get(self._state.event, self._current[0])
            results = [other for other in self._current if other != node]
            self._bring_into_view([node, *results], 12 if self._state.path is None else overlay.NOTICE_ROOM)

    def _bring_into_view(self, nodes: list[int], margin: float) -> None:
        """Pan until these nodes are in view, or only the first of them where there is no room for all."""
        assert self._scene is not None
        rects = self._scene.rects[nodes]
        (x0, y0), (x1, y1) = rects[:, :2].min(axis=0).tolist(), rects[:, 2:].max(axis=0).tolist()
        scale = self.camera.scale
        if (x1 - x0) * scale > self.width() - 2 * margin or (y1 - y0) * scale > self.height() - 2 * margin:
            nodes, (x0, y0, x1, y1) = nodes[:1], rects[0].tolist()
        if not all(self._is_in_view(node, margin) for node in nodes):
            self._navigator.bring_into_view((x0, y0, x1, y1), self.width(), self.height())

    def _pan_to(self, node: int) -> None:
        assert self._scene is not None
        x0, y0, x1, y1 = self._scene.rects[node].tolist()
        self._navigator.bring_into_view((x0, y0, x1, y1), self.width(), self.height())

    # Modules

    @property
    def collapsed(self) -> frozenset[str]:
        """Paths of the modules that are drawn as one node."""
        return self._collapsed

    def set_collapsed(self, paths: frozenset[str]) -> None:
        """Fold exactly these modules."""
        if paths != self._collapsed:
            self._collapsed = paths
            self._request()

    def toggle_group(self, path: str) -> None:
        """Fold or unfold a module; its title stays where it is."""
        if self._scene is not None:
            place = group_corner(self._scene, path)
            if place is not None:
                self._anchor = (path, self.camera.to_widget(*place))
        self.set_collapsed(self._collapsed ^ {path})

    def _fold_at(self, point: QPointF) -> str:
        """Path of the module whose −/+ sign or title is at a place."""
        scene, camera = self._scene, self.camera
        if scene is None or camera.scale < TITLE_SCALE:
            return ""
        x, y = camera.to_scene(point.x(), point.y())
        for box in reversed(scene.geometry.picture.groups):
            if fold_rect(box.x0, box.y0).adjusted(-3, -3, 3, 3).contains(x, y):
                return scene.flow.groups[box.group].module
        node = scene.node_at(x, y)
        if node >= 0 and scene.flow.nodes[node].kind == "module" and x - scene.rects[node, 0] < 32:
            return scene.flow.nodes[node].module
        return ""

    # Search

    def find(self, text: str) -> int:
        """Highlight the nodes whose name, operator or shape holds `text`, go to the first; returns their number."""
        self._matches = matching(self._scene, text) if self._scene is not None else []
        self._match = -1
        self.find_next()
        self.update()
        return len(self._matches)

    def find_next(self, step: int = 1) -> str:
        """Go to the next match (or the one before, with -1) and select it; returns its key."""
        if not self._matches or self._scene is None:
            return ""
        self._match = (self._match + step) % len(self._matches)
        key = self._scene.keys[self._matches[self._match]]
        self._choose(self._matches[self._match])
        return key

    # Choosing

    def _choose(self, node: int) -> None:
        """Select a node, and the tensor that it is or makes."""
        scene, trace = self._scene, self._state.trace
        if scene is None or trace is None or self._is_stale or node < 0:
            return
        tensor, event = int(scene.tensors[node]), int(scene.events[node])
        self._state.select_node(scene.keys[node], event)
        if tensor < 0 and 0 <= event < len(trace.events):
            tensor = next((output for output in trace.events[event].outputs if output >= 0), -1)
        if tensor >= 0:
            self._state.select_tensor(tensor)
        self.update()

    def _tell(self, text: str) -> None:
        """Let a screen reader say it."""
        self.setAccessibleDescription(text)
        if QAccessible.isActive():
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def _seek_to(self, node: int) -> None:
        if self._scene is not None and not self._is_stale and node >= 0 and self._scene.events[node] >= 0:
            self._state.seek(int(self._scene.events[node]))

    # Painting

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if not self._has_view and self._scene is not None and self._scene.n_nodes:
            self._place_first(self._scene)
        elif event.oldSize().isValid():  # keep the middle in the middle
            change = event.size() - event.oldSize()
            self._navigator.pan(change.width() / 2, change.height() / 2)
        self._redraw()

    def _redraw(self) -> None:
        self._frame.drop()
        self.update()

    def view(self) -> View:
        """What a frame shows now."""
        is_settled = self._navigator.is_settled
        return View(
            camera=self.camera,
            tokens=tokens(self._state.theme),
            ratio=self.devicePixelRatioF(),
            happened=self._happened,
            edge_happened=self._edge_happened,
            value=self._value,
            settled=is_settled,
            tile_seconds=0.012 if is_settled else 0.004,
        )

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        t = tokens(self._state.theme)
        scene = self._scene
        if scene is None or not scene.n_nodes:
            painter.fillRect(self.rect(), t.canvas)
            overlay.paint_empty(painter, QRectF(self.rect()), t, self._state.trace is not None)
        else:
            view = self.view()
            painter.drawImage(0, 0, self._frame.image(scene, view, self.size(), self.devicePixelRatioF()))
            if self._frame.is_incomplete and self._navigator.is_settled:
                self._more.start(AFTER_FLIGHT_MS if self._navigator.is_flying else 0)
            view = replace(view, camera=self._frame.camera)
            if self._lit is not None:
                paint_lit(painter, self._renderer, scene, view, self._lit, QRectF(self.rect()))
            overlay.paint_current(painter, self._renderer, scene, view, self._current)
            overlay.paint_marks(painter, scene, view, self._matches, self._hover, self._selected(), self.hasFocus())
            overlay.paint_legend(painter, scene, view, QRectF(self.rect()))
            lit = [self._rect(node) for node in self._current[:8]]
            self._minimap.paint(painter, self._renderer, scene, view, QRectF(self.rect()), lit)
        if self._loader.is_busy:
            overlay.paint_notice(painter, QRectF(self.rect()), t, _("Arranging the graph…"))
        elif self._failure:
            overlay.paint_notice(painter, QRectF(self.rect()), t, self._failure, failed=True)
        elif self._lit is not None:
            overlay.paint_notice(painter, QRectF(self.rect()), t, self._lit.notice, failed=self._lit.is_bad)

    def export_image(self, path: str | Path) -> None:
        """Write the whole graph as an SVG or PNG file, by the name's ending. Raises OSError when that fails."""
        from graphlab.ui.canvas.export import export

        if self._scene is not None:
            export(self._scene, self.view(), path)
