"""The graph canvas: a plain widget that paints the visible part of a scene, with its own hit-testing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import (
    QEasingCurve,
    QEvent,
    QPoint,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    QTimer,
    QVariantAnimation,
    Signal,
)
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from graphlab.analysis.sections import section_at, section_of
from graphlab.i18n import _
from graphlab.ui.canvas import overlay
from graphlab.ui.canvas.camera import MAX_SCALE, MIN_SCALE, Camera, fitting
from graphlab.ui.canvas.describe import accessible_text, categories, graph_text, tooltip
from graphlab.ui.canvas.faces import fold_rect
from graphlab.ui.canvas.loader import Loader
from graphlab.ui.canvas.render import TITLE_SCALE, Renderer, View, portal_rect
from graphlab.ui.canvas.scene import Scene
from graphlab.ui.canvas.values import Pictures, Shown
from graphlab.ui.theme import tokens

if TYPE_CHECKING:
    from pathlib import Path

    from graphlab.ui.state import ViewState

PAN_STEP = 60
READABLE = 0.45  # a graph that would have to be smaller than this is shown from its current step on
SETTLE_MS = 70
FOLLOW_MS = 150


class GraphView(QWidget):
    """The drawn graph of the section that holds the current event.

    Signals:
        layout_ready: a new picture is shown (also one that was at hand)
        busy_changed(bool): a layout is on its way
        source_requested(int): the user wants to see the program text of an event
        zoom_changed(float): the scale, 1.0 is 100 %
    """

    layout_ready = Signal()
    busy_changed = Signal(bool)
    source_requested = Signal(int)
    zoom_changed = Signal(float)

    def __init__(self, state: ViewState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("graph_view")
        self.setAccessibleName(_("Graph"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(160, 120)
        self.follow = True  # pan to the current step when it is out of view
        self.animated = True
        self._state = state
        self._renderer = Renderer()
        self._pictures = Pictures()
        self._scene: Scene | None = None
        self._camera = Camera()
        self._has_view = False  # the camera was placed by a fit or by the user
        self._collapsed: frozenset[str] = frozenset()
        self._anchor: tuple[str, QPointF] | None = None  # what must stay under the mouse when a module folds
        self._matches: list[int] = []
        self._match = -1
        self._hover = -1
        self._press: QPointF | None = None
        self._is_panning = False
        self._failure = ""
        self._frame: QImage | None = None
        self._frame_camera = Camera()
        self._frame_complete = True
        self._settled = True
        self._happened = np.zeros(0, np.bool_)
        self._edge_happened = np.zeros(0, np.bool_)
        self._current: list[int] = []

        self._loader = Loader(self)
        self._loader.scene_ready.connect(self._show_scene)
        self._loader.failed.connect(self._show_failure)
        self._loader.busy_changed.connect(self._show_busy)
        self._growth = QTimer(self, singleShot=True, interval=150)
        self._growth.timeout.connect(self._request)
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MS)
        self._settle.timeout.connect(self._settle_down)
        self._more = QTimer(self, singleShot=True, interval=0)
        self._more.timeout.connect(self._redraw)
        self._flight = QVariantAnimation(self, startValue=0.0, endValue=1.0, duration=FOLLOW_MS)
        self._flight.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._flight.valueChanged.connect(self._fly)
        self._flight_from = self._flight_to = self._camera
        self._zoom_point: tuple[float, float] | None = None

        state.trace_changed.connect(self._start_over)
        state.trace_grown.connect(self._take_growth)
        state.section_changed.connect(self._request)
        state.event_changed.connect(self._show_event)
        state.node_selected.connect(self._show_selection)
        state.tensor_selected.connect(self._show_tensor)
        state.theme_changed.connect(self._redraw)
        self._start_over()

    # From the state

    def _start_over(self) -> None:
        self._loader.clear()
        self._pictures.clear()
        self._failure = ""
        if self._state.trace is None:
            self._scene = None
            self._redraw()
        else:
            self._request()

    def _take_growth(self) -> None:
        if not self._growth.isActive():
            self._growth.start()

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
        self._loader.request(trace, section, self._collapsed, stretch.end - stretch.first, categories())

    def _show_busy(self, is_busy: bool) -> None:
        self.busy_changed.emit(is_busy)
        self.update()

    def _show_failure(self, message: str) -> None:
        self._failure = _("The graph could not be drawn. {error}").format(error=message)
        self.update()

    def _show_scene(self, scene: Scene) -> None:
        before, self._scene = self._scene, scene
        self._failure = ""
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
        anchor, self._anchor = self._anchor, None
        if anchor is not None:
            place = self._group_corner(scene, anchor[0])
            if place is not None:
                self._stop_flight()
                self._camera = self._camera.placing(place, (anchor[1].x(), anchor[1].y()))
                return
        if before is None or not before.n_nodes or not self._has_view:
            self._place_first(scene)
            return
        if before.geometry is scene.geometry:
            return
        key = self._anchor_key(before, scene)
        if not key:
            self._place_first(scene)
            return
        old, new = _center(before, before.index[key]), _center(scene, scene.index[key])
        self._stop_flight()
        self._camera = self._camera.placing(new, self._camera.to_widget(*old))

    def _anchor_key(self, before: Scene, scene: Scene) -> str:
        """The node that stays where it is: the selected one, else that nearest to the middle which both have."""
        selected = self._state.node
        if selected in before.index and selected in scene.index and self._is_in_view(before, before.index[selected]):
            return selected
        x, y = self._camera.to_scene(self.width() / 2, self.height() / 2)
        r = before.rects
        distance = np.hypot((r[:, 0] + r[:, 2]) / 2 - x, (r[:, 1] + r[:, 3]) / 2 - y)
        for i in np.argsort(distance).tolist():
            if before.keys[i] in scene.index:
                return before.keys[i]
        return ""

    def _place_first(self, scene: Scene) -> None:
        self._stop_flight()
        camera = fitting(scene.geometry.bounds, self.width(), self.height())
        if camera.scale < READABLE and scene.n_nodes:
            y0 = scene.geometry.bounds[1]
            camera = Camera(0, 0, 0.8)
            current = scene.flow.node_of_event.get(self._state.event, -1)
            if current >= 0:
                camera = camera.placing(_center(scene, current), (self.width() / 2, self.height() / 2))
            else:
                top = int(np.argmin(scene.rects[:, 1]))
                camera = camera.placing((_center(scene, top)[0], y0), (self.width() / 2, 28.0))
        self._camera = camera
        self._has_view = self.width() > 50 and self.isVisible()
        self.zoom_changed.emit(camera.scale)

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
        if scene is None:
            return
        self._happened = scene.events <= event if event >= 0 else np.ones(scene.n_nodes, np.bool_)
        ends = scene.edge_ends
        self._edge_happened = self._happened[ends[:, 0]] & self._happened[ends[:, 1]]
        current = set(np.flatnonzero(scene.events == event).tolist()) if event >= 0 else set()
        if event in scene.flow.node_of_event:
            current.add(scene.flow.node_of_event[event])
        self._current = sorted(current)

    def _show_selection(self, key: str) -> None:
        scene = self._scene
        if scene is not None and key in scene.index:
            node = scene.index[key]
            if not self._is_in_view(scene, node):
                self._pan_to(node)
            self.setAccessibleDescription(accessible_text(self._state.trace, scene, node))
        self.update()

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
        if trace is None or scene is None or scene.tensors[node] < 0:
            return -1
        event = self._state.event
        if event < 0:
            stretch = section_at(trace, scene.flow.section)
            event = stretch.end - 1 if stretch is not None else len(trace.events) - 1
        value = value_at(trace, int(scene.tensors[node]), event)
        return -1 if value is None else value.id

    # What tests and other parts ask

    @property
    def scene(self) -> Scene | None:
        """The shown scene."""
        return self._scene

    @property
    def camera(self) -> Camera:
        """Where the view is and how large."""
        return self._camera

    @property
    def is_busy(self) -> bool:
        """Whether a layout is on its way."""
        return self._loader.is_busy

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
        x0, y0 = self._camera.to_scene(0, 0)
        x1, y1 = self._camera.to_scene(self.width(), self.height())
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
        left, top = self._camera.to_widget(x0, y0)
        return QRectF(left, top, (x1 - x0) * self._camera.scale, (y1 - y0) * self._camera.scale)

    def _index_at(self, point: QPointF) -> int:
        if self._scene is None:
            return -1
        return self._scene.node_at(*self._camera.to_scene(point.x(), point.y()))

    def _is_in_view(self, scene: Scene, node: int, margin: float = 0.0) -> bool:
        x0, y0, x1, y1 = scene.rects[node].tolist()
        left, top = self._camera.to_widget(x0, y0)
        right, bottom = self._camera.to_widget(x1, y1)
        return left >= margin and top >= margin and right <= self.width() - margin and bottom <= self.height() - margin

    # Moving the view

    def fit(self) -> None:
        """Show the whole graph."""
        if self._scene is not None and self._scene.n_nodes:
            self._has_view = True
            self._fly_to(fitting(self._scene.geometry.bounds, self.width(), self.height()))

    def zoom_in(self) -> None:
        """Larger, about the middle."""
        self._zoom_about(1.25, self.width() / 2, self.height() / 2)

    def zoom_out(self) -> None:
        """Smaller, about the middle."""
        self._zoom_about(0.8, self.width() / 2, self.height() / 2)

    def reveal(self, key: str) -> None:
        """Pan to a node when it is out of view."""
        if self._scene is not None and key in self._scene.index:
            self._pan_to(self._scene.index[key])

    def set_camera(self, camera: Camera) -> None:
        """Jump to a place, without animation."""
        self._stop_flight()
        self._has_view = True
        self._move_to(camera)

    def _zoom_about(self, factor: float, x: float, y: float, smooth: bool = True) -> None:
        start = self._flight_to if self._flight.state() == QVariantAnimation.State.Running else self._camera
        wanted = min(max(start.scale * factor, MIN_SCALE), MAX_SCALE) / self._camera.scale
        self._has_view = True
        target = self._camera.zoomed(wanted, x, y)
        if smooth:
            self._fly_to(target, (x, y))
        else:
            self._stop_flight()
            self._move_to(target)

    def _fly_to(self, camera: Camera, about: tuple[float, float] | None = None) -> None:
        self._flight.stop()
        if not self.animated or not self.isVisible():
            self._move_to(camera)
            return
        self._flight_from, self._flight_to, self._zoom_point = self._camera, camera, about
        self._flight.start()

    def _fly(self, share: float) -> None:
        a, b = self._flight_from, self._flight_to
        scale = a.scale * (b.scale / a.scale) ** share
        if self._zoom_point is not None:
            x, y = self._zoom_point
            self._move_to(a.zoomed(scale / a.scale, x, y) if share < 1 else b)
            return
        # The middle moves evenly on the screen while the scale changes.
        part = share if abs(b.scale - a.scale) < 1e-9 else (1 / a.scale - 1 / scale) / (1 / a.scale - 1 / b.scale)
        self._move_to(Camera(a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part, scale) if share < 1 else b)

    def _stop_flight(self) -> None:
        self._flight.stop()

    def _move_to(self, camera: Camera) -> None:
        if camera == self._camera:
            return
        zoomed = camera.scale != self._camera.scale
        self._camera = camera
        if zoomed:
            self._settled = False
            self._settle.start()
            self.zoom_changed.emit(camera.scale)
        self.update()

    def _settle_down(self) -> None:
        self._settled = True
        self._redraw()

    def _follow_current(self) -> None:
        if self.follow and self._current and self._scene is not None:
            node = self._scene.flow.node_of_event.get(self._state.event, self._current[0])
            if not self._is_in_view(self._scene, node, 12):
                self._pan_to(node)

    def _pan_to(self, node: int) -> None:
        """Bring a node into the inner part of the view by the shortest way, at the same zoom."""
        assert self._scene is not None
        x0, y0, x1, y1 = self._scene.rects[node].tolist()
        camera = self._camera
        left, top = camera.to_widget(x0, y0)
        right, bottom = camera.to_widget(x1, y1)
        dx = _shift(left, right, self.width())
        dy = _shift(top, bottom, self.height())
        self._fly_to(camera.moved(dx, dy))

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
            place = self._group_corner(self._scene, path)
            if place is not None:
                self._anchor = (path, QPointF(*self._camera.to_widget(*place)))
        self.set_collapsed(self._collapsed ^ {path})

    def _group_corner(self, scene: Scene, path: str) -> tuple[float, float] | None:
        """Upper left corner of a module's frame, or of the node that it is folded to."""
        node = scene.index.get(f"module:{path}", -1)
        if node >= 0:
            return float(scene.rects[node, 0]), float(scene.rects[node, 1])
        for box in scene.geometry.picture.groups:
            if scene.flow.groups[box.group].path == path:
                return box.x0, box.y0
        return None

    def _fold_at(self, point: QPointF) -> str:
        """Path of the module whose −/+ sign or title is at a place."""
        scene, camera = self._scene, self._camera
        if scene is None or camera.scale < TITLE_SCALE:
            return ""
        x, y = camera.to_scene(point.x(), point.y())
        for box in reversed(scene.geometry.picture.groups):
            if fold_rect(box.x0, box.y0).adjusted(-3, -3, 3, 3).contains(x, y):
                return scene.flow.groups[box.group].path
        node = scene.node_at(x, y)
        if node >= 0 and scene.flow.nodes[node].kind == "module" and x - scene.rects[node, 0] < 32:
            return scene.keys[node].removeprefix("module:").removesuffix(":backward")
        return ""

    # Search

    def find(self, text: str) -> int:
        """Highlight the nodes whose name, operator or shape holds `text`, go to the first; returns their number."""
        scene = self._scene
        needle = text.strip().lower()
        self._matches, self._match = [], -1
        if scene is not None and needle:
            self._matches = [
                i
                for i, node in enumerate(scene.flow.nodes)
                if needle in f"{node.label} {node.sublabel} {node.module}".lower()
            ]
            if self._matches:
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

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = event.position()
            self._is_panning = event.button() == Qt.MouseButton.MiddleButton
            self._stop_flight()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._press is not None and event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton):
            delta = place - self._press
            if self._is_panning or delta.manhattanLength() >= QGuiApplication.styleHints().startDragDistance():
                self._is_panning = True
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self._has_view = True
                self._press = place
                self._move_to(self._camera.moved(delta.x(), delta.y()))
            return
        hover = self._index_at(place)
        if hover != self._hover:
            self._hover = hover
            self.update()
        is_active = hover >= 0 or self._fold_at(place)
        self.setCursor(Qt.CursorShape.PointingHandCursor if is_active else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        was_click = self._press is not None and not self._is_panning
        self._press, self._is_panning = None, False
        self.unsetCursor()
        if was_click and event.button() == Qt.MouseButton.LeftButton:
            self._click(event.position())

    def _click(self, place: QPointF) -> None:
        path = self._fold_at(place)
        portal = self._portal_at(place)
        if path:
            self.toggle_group(path)
        elif self._index_at(place) >= 0:
            self._choose(self._index_at(place))
        elif portal is not None:
            self._fly_to(self._camera.placing(portal, (place.x(), place.y())))
        else:
            self._state.select_node("")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._fold_at(event.position()):
            self._seek_to(self._index_at(event.position()))

    def _portal_at(self, place: QPointF) -> tuple[float, float] | None:
        """Where the other half of the cut edge at a place is."""
        if self._scene is None or self._camera.scale < 0.3:
            return None
        for portal in self._scene.geometry.picture.portals:
            if portal_rect(self._camera, portal.from_place).contains(place):
                return portal.to_place
            if portal_rect(self._camera, portal.to_place).contains(place):
                return portal.from_place
        return None

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        place = event.position()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            steps = event.angleDelta().y() / 120
            self._zoom_about(1.2**steps, place.x(), place.y(), smooth=abs(steps) >= 1)
        else:
            pixels = event.pixelDelta()
            delta = QPointF(pixels) if not pixels.isNull() else QPointF(event.angleDelta()) * 0.6
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not delta.x():
                delta = QPointF(delta.y(), 0)
            self._stop_flight()
            self._has_view = True
            self._move_to(self._camera.moved(delta.x(), delta.y()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom_about(1 + event.value(), event.position().x(), event.position().y(), smooth=False)
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            node = self._index_at(QPointF(event.pos()))
            if node >= 0 and self._scene is not None and self._state.trace is not None:
                value = self._value_id(node) if self._happened[node] else -1
                text = tooltip(self._state.trace, self._scene, node, value)
                QToolTip.showText(event.globalPos(), text, self, self._rect(node).toAlignedRect())
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.context_menu(self._index_at(QPointF(event.pos())))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(event.globalPos())

    def context_menu(self, node: int) -> QMenu:
        """The menu of a node (-1: of the canvas)."""
        menu = QMenu(self)
        scene = self._scene
        if scene is not None and node >= 0:
            record = scene.flow.nodes[node]
            menu.addAction(_("Go to this step"), lambda: self._seek_to(node)).setEnabled(record.event >= 0)
            menu.addAction(_("Show in the program"), lambda: self.source_requested.emit(record.event)).setEnabled(
                record.event >= 0
            )
            menu.addAction(_("Copy name"), lambda: QGuiApplication.clipboard().setText(record.label))
            if record.module:
                menu.addAction(
                    _("Collapse {module}").format(module=record.module), lambda: self.toggle_group(record.module)
                )
            menu.addSeparator()
        for path in sorted(self._collapsed):
            menu.addAction(_("Expand {module}").format(module=path), lambda path=path: self.toggle_group(path))
        menu.addAction(_("Show the whole graph"), self.fit)
        return menu

    # Keyboard

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, modifiers = event.key(), event.modifiers()
        arrows = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        if key in arrows:
            dx, dy = arrows[Qt.Key(key)]
            if self._selected() >= 0 and not modifiers & Qt.KeyboardModifier.ShiftModifier:
                self._walk(dx, dy)
            else:
                self._has_view = True
                self._fly_to(self._camera.moved(-dx * PAN_STEP, -dy * PAN_STEP))
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif key == Qt.Key.Key_Minus:
            self.zoom_out()
        elif key == Qt.Key.Key_0 and modifiers & Qt.KeyboardModifier.ControlModifier:
            self.fit()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._selected() >= 0:
            self._seek_to(self._selected())
        elif key == Qt.Key.Key_Escape and (self._state.node or self._matches):
            self._matches = []
            self._state.select_node("")
            self.update()
        else:
            super().keyPressEvent(event)

    def focusNextPrevChild(self, is_next: bool) -> bool:
        """Tab goes from node to node in the order of the run, and out of the canvas at either end."""
        scene, selected = self._scene, self._selected()
        if scene is None or not scene.n_nodes:
            return super().focusNextPrevChild(is_next)
        target = selected + (1 if is_next else -1) if selected >= 0 else (0 if is_next else scene.n_nodes - 1)
        if not 0 <= target < scene.n_nodes:
            return super().focusNextPrevChild(is_next)
        self._choose(target)
        return True

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()

    def _walk(self, dx: int, dy: int) -> None:
        """Go along an edge (up, down), or to the nearest node beside."""
        scene, node = self._scene, self._selected()
        assert scene is not None
        x, y = _center(scene, node)
        ends, r = scene.edge_ends, scene.rects
        if dy:
            others = ends[ends[:, 0] == node, 1] if dy > 0 else ends[ends[:, 1] == node, 0]
        else:
            middle = (r[:, 0] + r[:, 2]) / 2
            level = (r[:, 1] <= r[node, 3] + 30) & (r[:, 3] >= r[node, 1] - 30)
            others = np.flatnonzero(level & ((middle - x) * dx > 1))
        others = others[others != node]
        if not len(others):
            return
        centers = np.stack([(r[others, 0] + r[others, 2]) / 2, (r[others, 1] + r[others, 3]) / 2], axis=1)
        weight = np.array([1.0, 3.0]) if dx else np.array([1.0, 1.0])
        self._choose(int(others[np.argmin(np.hypot(*((centers - (x, y)) * weight).T))]))

    def _choose(self, node: int) -> None:
        """Select a node, and the tensor that it is or makes."""
        scene, trace = self._scene, self._state.trace
        if scene is None or trace is None:
            return
        tensor, event = int(scene.tensors[node]), int(scene.events[node])
        self._state.select_node(scene.keys[node], event)
        if tensor < 0 and 0 <= event < len(trace.events):
            tensor = next((output for output in trace.events[event].outputs if output >= 0), -1)
        if tensor >= 0:
            self._state.select_tensor(tensor)
        self.setAccessibleDescription(accessible_text(trace, scene, node))
        self.update()

    def _seek_to(self, node: int) -> None:
        if self._scene is not None and node >= 0 and self._scene.events[node] >= 0:
            self._state.seek(int(self._scene.events[node]))

    # Painting

    def sizeHint(self) -> QSize:
        return QSize(900, 600)

    def resizeEvent(self, event: QResizeEvent) -> None:
        if not self._has_view and self._scene is not None and self._scene.n_nodes:
            self._place_first(self._scene)
        elif event.oldSize().isValid():  # keep the middle in the middle
            change = event.size() - event.oldSize()
            self._camera = self._camera.moved(change.width() / 2, change.height() / 2)
        self._redraw()

    def _redraw(self) -> None:
        self._frame = None
        self.update()

    def view(self, settled: bool = True) -> View:
        """What a frame shows now."""
        return View(
            camera=self._camera,
            tokens=tokens(self._state.theme),
            ratio=self.devicePixelRatioF(),
            happened=self._happened,
            edge_happened=self._edge_happened,
            value=self._value,
            settled=settled,
            tile_seconds=0.012 if self._settled else 0.004,
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        t = tokens(self._state.theme)
        scene = self._scene
        if scene is None or not scene.n_nodes:
            painter.fillRect(self.rect(), t.canvas)
            overlay.paint_empty(painter, QRectF(self.rect()), t, self._state.trace is not None)
        else:
            self._update_frame(scene)
            assert self._frame is not None
            painter.drawImage(0, 0, self._frame)
            view = self.view(self._settled)
            overlay.paint_current(painter, self._renderer, scene, view, self._current)
            overlay.paint_marks(painter, scene, view, self._matches, self._hover, self._selected(), self.hasFocus())
            overlay.paint_legend(painter, scene, view, QRectF(self.rect()))
        if self._loader.is_busy:
            overlay.paint_notice(painter, QRectF(self.rect()), t, _("Arranging the graph…"))
        elif self._failure:
            overlay.paint_notice(painter, QRectF(self.rect()), t, self._failure, failed=True)

    def _update_frame(self, scene: Scene) -> None:
        """Bring the base frame up to date: nothing, shift and fill the edges, or paint anew."""
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        frame = self._frame
        if frame is not None and frame.size() == size and frame.devicePixelRatio() == ratio:
            if self._frame_camera == self._camera:
                return
            if self._frame_camera.scale == self._camera.scale and self._shift_frame(scene, frame, ratio):
                return
        else:
            frame = QImage(size, QImage.Format.Format_RGB32)
            frame.setDevicePixelRatio(ratio)
        painter = QPainter(frame)
        self._renderer.paint(painter, scene, self.view(self._settled), QRectF(self.rect()))
        painter.end()
        self._frame, self._frame_camera = frame, self._camera
        if self._renderer.atlas.is_incomplete and self._settled:
            self._more.start()

    def _shift_frame(self, scene: Scene, frame: QImage, ratio: float) -> bool:
        """Pan by moving the last frame and painting only what came into view."""
        old, new = self._frame_camera, self._camera
        dx = (old.x - new.x) * new.scale
        dy = (old.y - new.y) * new.scale
        px, py = round(dx * ratio), round(dy * ratio)
        # Whole device pixels only, or text would smear; the camera is moved by the rest.
        self._camera = new = Camera(old.x - px / ratio / new.scale, old.y - py / ratio / new.scale, new.scale)
        dx, dy = px / ratio, py / ratio
        if abs(dx) > self.width() * 0.6 or abs(dy) > self.height() * 0.6:
            return False
        shifted = QImage(frame.size(), frame.format())
        shifted.setDevicePixelRatio(ratio)
        painter = QPainter(shifted)
        painter.drawImage(QPointF(dx, dy), frame)
        view, width, height = self.view(self._settled), float(self.width()), float(self.height())
        if px:
            left = 0.0 if dx > 0 else width + dx
            self._renderer.paint(painter, scene, view, QRectF(left, 0, abs(dx), height))
        if py:
            top = 0.0 if dy > 0 else height + dy
            self._renderer.paint(painter, scene, view, QRectF(0, top, width, abs(dy)))
        painter.end()
        self._frame, self._frame_camera = shifted, new
        if self._renderer.atlas.is_incomplete:
            self._settled = False
            self._settle.start()
        return True

    def export_image(self, path: str | Path) -> None:
        """Write the whole graph as an SVG or PNG file, by the name's ending. Raises OSError when that fails."""
        from graphlab.ui.canvas.export import export

        if self._scene is not None:
            export(self._scene, self.view(), path)


def _center(scene: Scene, node: int) -> tuple[float, float]:
    x0, y0, x1, y1 = scene.rects[node].tolist()
    return (x0 + x1) / 2, (y0 + y1) / 2


def _shift(low: float, high: float, size: float) -> float:
    """How far to move so that [low, high] lies in the inner part of [0, size]."""
    margin = min(size * 0.22, max((size - (high - low)) / 2, 0))
    if low < margin:
        return margin - low
    return min(size - margin - high, 0.0)
