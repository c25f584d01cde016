"""Mouse, touchpad and keyboard of the canvas, turned into wishes that `GraphView` fulfils."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from graphlab.i18n import N_, _
from graphlab.ui.canvas.describe import tooltip
from graphlab.ui.canvas.minimap import Minimap
from graphlab.ui.canvas.navigator import Navigator
from graphlab.ui.canvas.render import portal_rect
from graphlab.ui.canvas.walk import neighbor

if TYPE_CHECKING:
    from graphlab.ui.canvas.camera import Camera
    from graphlab.ui.canvas.lit import Lit
    from graphlab.ui.canvas.scene import Scene
    from graphlab.ui.state import ViewState

PAN_STEP = 60

KEYS = (
    (N_("Arrow keys"), N_("Walk"), N_("Go to the node along the edge, or beside")),
    (N_("N, P"), N_("Next, previous"), N_("Go from node to node in the order of the run")),
    (N_("Home, End"), N_("First, last node"), N_("Go to the first or last node of the run")),
    (N_("Enter"), N_("Go to this step"), N_("Go to the step of the selected node")),
    (N_("Space"), N_("Fold or unfold"), N_("Draw the module of the selected node as one node, and back")),
    (N_("Shift+arrow keys"), N_("Move the view"), N_("Move over the graph")),
    (N_("Escape"), N_("Let go"), N_("Select nothing")),
    (N_("Tab"), N_("Leave"), N_("Go on to the next part of the window")),
)
"""Key, name and meaning of what the graph itself listens to, for the page of shortcuts."""


class CanvasInput(QWidget):
    """The half of `GraphView` that listens. What it wishes for is listed under "wishes" and done by `GraphView`."""

    _state: ViewState
    _scene: Scene | None
    _lit: Lit | None
    gradient_path_requested = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._navigator = Navigator(self)
        self._minimap = Minimap()
        self._has_view = False  # the camera was placed by a fit or by the user
        self._matches: list[int] = []
        self._hover = -1
        self._press: QPointF | None = None
        self._is_panning = False
        self._is_on_map = False

    @property
    def camera(self) -> Camera:
        """Where the view is and how large."""
        return self._navigator.camera

    # Mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._is_on_map = self._minimap.place.contains(event.position())
            if self._is_on_map:
                self._go_to_map_place(event.position())
                return
            self._press = event.position()
            self._is_panning = event.button() == Qt.MouseButton.MiddleButton
            self._navigator.stop()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._is_on_map:
            self._go_to_map_place(place)
            return
        if self._press is not None and event.buttons() & (Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton):
            delta = place - self._press
            if self._is_panning or delta.manhattanLength() >= QGuiApplication.styleHints().startDragDistance():
                self._is_panning = True
                self.setCursor(Qt.CursorShape.ClosedHandCursor)
                self._has_view = True
                self._press = place
                self._navigator.pan(delta.x(), delta.y())
            return
        hover = self._index_at(place)
        if hover != self._hover:
            self._hover = hover
            self.update()
        is_active = hover >= 0 or self._fold_at(place) or self._portal_at(place) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if is_active else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._is_on_map = False
        was_click = self._press is not None and not self._is_panning
        self._press, self._is_panning = None, False
        self.unsetCursor()
        if was_click and event.button() == Qt.MouseButton.LeftButton:
            self._click(event.position())

    def _go_to_map_place(self, place: QPointF) -> None:
        middle = (self.width() / 2, self.height() / 2)
        self.set_camera(self.camera.placing(self._minimap.scene_place(place), middle))

    def _click(self, place: QPointF) -> None:
        path = self._fold_at(place)
        portal = self._portal_at(place)
        if path:
            self.toggle_group(path)
        elif self._index_at(place) >= 0:
            self._choose(self._index_at(place))
        elif portal is not None:
            self._navigator.fly(self.camera.placing(portal, (place.x(), place.y())))
        else:
            self._state.select_node("")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._fold_at(event.position()):
            self._seek_to(self._index_at(event.position()))

    def _portal_at(self, place: QPointF) -> tuple[float, float] | None:
        """Where the other half of the cut edge at a place is."""
        if self._scene is None or self.camera.scale < 0.3:
            return None
        for portal in self._scene.geometry.picture.portals:
            if portal_rect(self.camera, portal.from_place).contains(place):
                return portal.to_place
            if portal_rect(self.camera, portal.to_place).contains(place):
                return portal.from_place
        return None

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()

    def wheelEvent(self, event: QWheelEvent) -> None:
        place = event.position()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            steps = event.angleDelta().y() / 120
            self._zoom(1.2**steps, place, smooth=abs(steps) >= 1)
        else:
            pixels = event.pixelDelta()
            delta = QPointF(pixels) if not pixels.isNull() else QPointF(event.angleDelta()) * 0.6
            if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not delta.x():
                delta = QPointF(delta.y(), 0)
            self._has_view = True
            self._navigator.pan(delta.x(), delta.y())
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._zoom(1 + event.value(), event.position(), smooth=False)
            return True
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            node = self._index_at(QPointF(event.pos()))
            if node >= 0 and self._scene is not None and self._state.trace is not None:
                value = self._value_id(node) if self._happened[node] else -1
                text = tooltip(self._state.trace, self._scene, node, value) + self._lit_tip(node)
                QToolTip.showText(event.globalPos(), text, self, self._rect(node).toAlignedRect())
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def _lit_tip(self, node: int) -> str:
        """What the lit path says of a node, as rich text; "" for a node that isn't marked."""
        if self._lit is None or node != self._lit.place:
            return ""
        return "<br>" + "<br>".join(html.escape(sentence.replace("`", "")) for sentence in self._lit.sentences)

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
            if int(scene.tensors[node]) >= 0:
                tensor = int(scene.tensors[node])
                menu.addAction(_("Show gradient path"), lambda: self.gradient_path_requested.emit(tensor))
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
            if not modifiers & Qt.KeyboardModifier.ShiftModifier:
                self._walk(dx, dy)
            else:
                self._has_view = True
                self._navigator.fly(self._navigator.target.moved(-dx * PAN_STEP, -dy * PAN_STEP))
        elif key in (Qt.Key.Key_N, Qt.Key.Key_P) and not modifiers:
            self._choose_beside(1 if key == Qt.Key.Key_N else -1)
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and not modifiers and self._scene is not None:
            self._choose(0 if key == Qt.Key.Key_Home else self._scene.n_nodes - 1)
        elif key == Qt.Key.Key_Space and self._scene is not None and self._selected() >= 0:
            self._fold_selected(self._scene)
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

    def _walk(self, dx: int, dy: int) -> None:
        """Go on to the neighbour of the selected node; without one to a node of the current step, or the first."""
        if self._scene is None or not self._scene.n_nodes:
            return
        if self._selected() >= 0:
            self._choose(neighbor(self._scene, self._selected(), dx, dy))
        else:
            self._choose(max(self._scene.flow.node_of_event.get(self._state.event, 0), 0))

    def _fold_selected(self, scene: Scene) -> None:
        """Unfold the selected module, or fold the one that the selected node stands in."""
        path = scene.flow.nodes[self._selected()].module
        if path:
            self.toggle_group(path)
            self._state.select_node(f"module:{path}" if path in self.collapsed else "")

    # Tab leaves the canvas, as it leaves a list or a tree; arrows walk in it, N and P go on in the order of the run.

    def _choose_beside(self, step: int) -> None:
        """Select the node that comes `step` later in the order of the run."""
        scene, selected = self._scene, self._selected()
        if scene is not None and scene.n_nodes:
            target = selected + step if selected >= 0 else (0 if step > 0 else scene.n_nodes - 1)
            self._choose(min(max(target, 0), scene.n_nodes - 1))

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.update()
