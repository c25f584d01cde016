"""Which part of the scene is seen, and how large."""

from __future__ import annotations

from dataclasses import dataclass, replace

MIN_SCALE = 0.0005
MAX_SCALE = 4.0


@dataclass(frozen=True, slots=True)
class Camera:
    """Widget place = (scene place - origin) * scale."""

    x: float = 0.0
    y: float = 0.0
    scale: float = 1.0

    def to_widget(self, x: float, y: float) -> tuple[float, float]:
        """A scene place in widget coordinates."""
        return (x - self.x) * self.scale, (y - self.y) * self.scale

    def to_scene(self, x: float, y: float) -> tuple[float, float]:
        """A widget place in scene coordinates."""
        return x / self.scale + self.x, y / self.scale + self.y

    def moved(self, dx: float, dy: float) -> Camera:
        """Moved by widget pixels, as if the paper were dragged."""
        return replace(self, x=self.x - dx / self.scale, y=self.y - dy / self.scale)

    def zoomed(self, factor: float, x: float, y: float) -> Camera:
        """Zoomed so that what is under the widget place (x, y) stays there."""
        scale = min(max(self.scale * factor, MIN_SCALE), MAX_SCALE)
        sx, sy = self.to_scene(x, y)
        return Camera(sx - x / scale, sy - y / scale, scale)

    def placing(self, scene: tuple[float, float], widget: tuple[float, float]) -> Camera:
        """The same zoom with a scene place at a widget place."""
        return replace(self, x=scene[0] - widget[0] / self.scale, y=scene[1] - widget[1] / self.scale)


def fitting(
    bounds: tuple[float, float, float, float], width: float, height: float, limit: float = 1.25, above: float = 0.0
) -> Camera:
    """The camera that shows all of `bounds` in the middle, not larger than `limit`; `above` pixels stay free at the
    top."""
    margin = 28.0
    x0, y0, x1, y1 = bounds
    room_x, room_y = max(width - 2 * margin, 20.0), max(height - above - 2 * margin, 20.0)
    scale = min(room_x / max(x1 - x0, 1.0), room_y / max(y1 - y0, 1.0), limit)
    scale = min(max(scale, MIN_SCALE), MAX_SCALE)
    return Camera((x0 + x1) / 2 - width / 2 / scale, (y0 + y1) / 2 - (height + above) / 2 / scale, scale)
