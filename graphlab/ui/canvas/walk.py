"""From node to node: along edges, to neighbours beside, to what a search finds, to what stays in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from graphlab.ui.canvas.camera import Camera
    from graphlab.ui.canvas.scene import Scene


def center(scene: Scene, node: int) -> tuple[float, float]:
    """The middle of a node in scene units."""
    x0, y0, x1, y1 = scene.rects[node].tolist()
    return (x0 + x1) / 2, (y0 + y1) / 2


def forward_bounds(scene: Scene) -> tuple[float, float, float, float]:
    """The part of the scene that the forward pass takes, with the frames' borders; all of it where there is none."""
    forward = np.array([node.phase == "forward" for node in scene.flow.nodes], np.bool_)
    if not forward.any():
        return scene.geometry.bounds
    x0, y0 = scene.rects[forward, :2].min(axis=0).tolist()
    x1, y1 = scene.rects[forward, 2:].max(axis=0).tolist()
    left, top, right, bottom = scene.geometry.bounds
    return max(x0 - 30, left), max(y0 - 40, top), min(x1 + 30, right), min(y1 + 30, bottom)


def is_in_view(scene: Scene, node: int, camera: Camera, width: float, height: float, margin: float = 0.0) -> bool:
    """Whether all of a node is in view, at least `margin` pixels from the border."""
    x0, y0, x1, y1 = scene.rects[node].tolist()
    left, top = camera.to_widget(x0, y0)
    right, bottom = camera.to_widget(x1, y1)
    return left >= margin and top >= margin and right <= width - margin and bottom <= height - margin


def neighbor(scene: Scene, node: int, dx: int, dy: int) -> int:
    """The next node along an edge (dy: 1 with the arrow, -1 against it) or the nearest beside (dx); -1 for none."""
    x, y = center(scene, node)
    ends, r = scene.edge_ends, scene.rects
    if dy:
        others = ends[ends[:, 0] == node, 1] if dy > 0 else ends[ends[:, 1] == node, 0]
    else:
        middle = (r[:, 0] + r[:, 2]) / 2
        level = (r[:, 1] <= r[node, 3] + 30) & (r[:, 3] >= r[node, 1] - 30)
        others = np.flatnonzero(level & ((middle - x) * dx > 1))
    others = others[others != node]
    if not len(others):
        return -1
    across = (r[others, 0] + r[others, 2]) / 2 - x
    along = ((r[others, 1] + r[others, 3]) / 2 - y) * (3 if dx else 1)
    return int(others[np.argmin(np.hypot(across, along))])


def matching(scene: Scene, text: str) -> list[int]:
    """The nodes whose name, shape, operator or module holds `text`."""
    needle = text.strip().lower()
    if not needle:
        return []
    return [
        i for i, node in enumerate(scene.flow.nodes) if needle in f"{node.label} {node.sublabel} {node.module}".lower()
    ]


def anchor(before: Scene, after: Scene, selected: str, camera: Camera, width: float, height: float) -> str:
    """Key of the node that stays where it is when the picture changes: the selected one if it is in view, else the
    one nearest to the middle of the view that both pictures have; "" for none."""
    if (
        selected in before.index
        and selected in after.index
        and is_in_view(before, before.index[selected], camera, width, height)
    ):
        return selected
    x, y = camera.to_scene(width / 2, height / 2)
    r = before.rects
    distance = np.hypot((r[:, 0] + r[:, 2]) / 2 - x, (r[:, 1] + r[:, 3]) / 2 - y)
    return next((before.keys[i] for i in np.argsort(distance).tolist() if before.keys[i] in after.index), "")


def group_corner(scene: Scene, path: str) -> tuple[float, float] | None:
    """Upper left corner of a module's frame, or of the node that it is folded to."""
    node = scene.index.get(f"module:{path}", -1)
    if node >= 0:
        return float(scene.rects[node, 0]), float(scene.rects[node, 1])
    for box in scene.geometry.picture.groups:
        if scene.flow.groups[box.group].path == path:
            return box.x0, box.y0
    return None
