"""Moves the camera: jumps, flights of 150 ms that any input ends, zoom about a point."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QObject, QTimer, QVariantAnimation, Signal

from graphlab.ui.canvas.camera import MAX_SCALE, MIN_SCALE, Camera

FLIGHT_MS = 150
SETTLE_MS = 70

Box = tuple[float, float, float, float]


class Navigator(QObject):
    """The camera and how it got there.

    Signals:
        moved: the camera is elsewhere
        zoomed(float): the scale changed
        settled: the scale has stood still for a moment
    """

    moved = Signal()
    zoomed = Signal(float)
    settled = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.animated = True
        self.camera = Camera()
        self.is_settled = True
        self._from = self._to = self.camera
        self._about: tuple[float, float] | None = None
        self._flight = QVariantAnimation(self)
        self._flight.setStartValue(0.0)
        self._flight.setEndValue(1.0)
        self._flight.setDuration(FLIGHT_MS)
        self._flight.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._flight.valueChanged.connect(self._fly)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._settle_down)

    @property
    def is_flying(self) -> bool:
        """Whether an animation is under way."""
        return self._flight.state() == QVariantAnimation.State.Running

    @property
    def target(self) -> Camera:
        """Where the camera is or flies to."""
        return self._to if self.is_flying else self.camera

    def stop(self) -> None:
        """End a flight where it is."""
        self._flight.stop()

    def jump(self, camera: Camera) -> None:
        """Be there at once."""
        self._flight.stop()
        self._move(camera)

    def pan(self, dx: float, dy: float) -> None:
        """Move by widget pixels at once."""
        self.jump(self.camera.moved(dx, dy))

    def fly(self, camera: Camera, about: tuple[float, float] | None = None) -> None:
        """Go there in 150 ms; with `about`, that widget place stays where it is meanwhile."""
        self._flight.stop()
        if not self.animated:
            self._move(camera)
            return
        self._from, self._to, self._about = self.camera, camera, about
        self._flight.start()

    def zoom(self, factor: float, x: float, y: float, smooth: bool = True) -> None:
        """Larger or smaller about a widget place; turns of the wheel during a flight add up."""
        wanted = min(max(self.target.scale * factor, MIN_SCALE), MAX_SCALE)
        target = self.camera.zoomed(wanted / self.camera.scale, x, y)
        if smooth:
            self.fly(target, (x, y))
        else:
            self.jump(target)

    def bring_into_view(self, box: Box, width: float, height: float) -> None:
        """Fly so that a box of the scene stands in the inner part of the view, the shortest way, same zoom."""
        left, top = self.camera.to_widget(box[0], box[1])
        right, bottom = self.camera.to_widget(box[2], box[3])
        self.fly(self.camera.moved(_shift(left, right, width), _shift(top, bottom, height)))

    def _fly(self, share: float) -> None:
        a, b = self._from, self._to
        if share >= 1:
            self._move(b)
            return
        scale = a.scale * (b.scale / a.scale) ** share
        if self._about is not None:
            self._move(a.zoomed(scale / a.scale, *self._about))
            return
        # The place under the middle moves evenly over the screen while the scale changes.
        part = share if abs(b.scale - a.scale) < 1e-9 else (1 / a.scale - 1 / scale) / (1 / a.scale - 1 / b.scale)
        self._move(Camera(a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part, scale))

    def _move(self, camera: Camera) -> None:
        if camera == self.camera:
            return
        is_zoom = camera.scale != self.camera.scale
        self.camera = camera
        if is_zoom:
            self.unsettle()
            self.zoomed.emit(camera.scale)
        self.moved.emit()

    def unsettle(self) -> None:
        """Expect more movement; `settled` follows when there was none for a moment."""
        self.is_settled = False
        self._settle.start()

    def _settle_down(self) -> None:
        self.is_settled = True
        self.settled.emit()


def _shift(low: float, high: float, size: float) -> float:
    """How far to move so that [low, high] lies in the inner part of [0, size]."""
    margin = min(size * 0.22, max((size - (high - low)) / 2, 0))
    if low < margin:
        return margin - low
    return min(size - margin - high, 0.0)
