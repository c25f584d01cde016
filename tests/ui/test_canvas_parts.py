"""The canvas' parts on their own: camera, labels, values, tiles, navigation, far views."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from canvas_traces import trace_of
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from graphlab.trace.records import EventKind
from graphlab.ui.canvas.atlas import Atlas
from graphlab.ui.canvas.camera import MAX_SCALE, MIN_SCALE, Camera, fitting
from graphlab.ui.canvas.describe import ROLES, category_role, tooltip
from graphlab.ui.canvas.labels import place_labels
from graphlab.ui.canvas.navigator import Navigator
from graphlab.ui.canvas.paths import path_of, smooth_path
from graphlab.ui.canvas.phases import GLYPHS, LABELS, PHASE_OF_KIND, Phase
from graphlab.ui.canvas.render import Renderer, View
from graphlab.ui.canvas.scene import Style
from graphlab.ui.canvas.values import cells_of, heat_image, number_text
from graphlab.ui.theme import heat_colors, tokens

finite = st.floats(-1e5, 1e5)


@given(finite, finite, st.floats(0.001, 4.0), st.floats(0.01, 100.0), st.floats(0, 2000), st.floats(0, 1200))
def test_zoom_keeps_what_is_under_the_cursor(x, y, scale, factor, cx, cy):
    camera = Camera(x, y, scale)
    place = camera.to_scene(cx, cy)
    after = camera.zoomed(factor, cx, cy)
    assert MIN_SCALE <= after.scale <= MAX_SCALE
    assert np.allclose(after.to_widget(*place), (cx, cy), atol=1e-3)


@given(finite, finite, st.floats(0, 1e6), st.floats(0, 1e6))
def test_fit_shows_everything(x, y, width, height):
    camera = fitting((x, y, x + width, y + height), 1600, 900)
    left, top = camera.to_widget(x, y)
    right, bottom = camera.to_widget(x + width, y + height)
    assert left >= -1 and top >= -1 and right <= 1601 and bottom <= 901


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0."), (44.0, "44."), (0.125, "0.125"), (1 / 3, "0.3333"), (-12.3456789, "-12.346"), (1e-7, "1.00e-07"),
        (123456.0, "1.23e+05"), (math.nan, "nan"), (-math.inf, "-inf"), (7, "7"), (10**12, "1.00e+12"), (True, "True"),
        (1 + 2j, "1+2j"),
    ],
)  # fmt: skip
def test_numbers_are_short_and_floats_have_their_point(value, text):
    assert number_text(value) == text


def test_heat_map_sends_zero_to_the_neutral_colour_and_the_extremes_to_the_ends():
    image = heat_image(np.array([[-2.0, 0.0], [2.0, np.nan]]), "light")
    table = heat_colors("light")
    assert (image.width(), image.height()) == (2, 2)

    def color(x, y):
        c = image.pixelColor(x, y)
        return [c.red(), c.green(), c.blue()]

    assert color(0, 0) == table[1][:3].tolist()
    assert color(1, 0) == table[128][:3].tolist()
    assert color(0, 1) == table[255][:3].tolist()
    assert color(1, 1) == [255, 0, 90]


@pytest.mark.parametrize(
    ("shape", "cells"), [((5,), (1, 5)), ((3, 2), (3, 2)), ((2, 3, 4), (6, 4)), ((1000, 3), (24, 3)), ((1, 1), (1, 1))]
)
def test_cells_follow_the_axes(shape, cells):
    assert cells_of(np.ones(shape)).shape == cells


def test_labels_avoid_nodes_and_each_other():
    # Two parallel edges so close that their labels would cover each other, with a node over the first one's middle.
    points = np.array([[0, 0], [0, 100], [10, 0], [10, 100]], float)
    offsets = np.array([0, 2, 4])
    rects = np.array([[-30, 40, 5, 60]], float)
    places = place_labels(points, offsets, rects, np.array([24.0, 24.0]), 14.0)
    assert not np.isnan(places).any()
    for x, y in places:
        assert x + 12 <= -30 or x - 12 >= 5 or y + 7 <= 40 or y - 7 >= 60
    assert abs(places[0, 1] - places[1, 1]) >= 14


def test_labels_without_room_or_text_or_route_are_left_out():
    points = np.array([[0, 0], [0, 100]], float)
    everywhere = np.array([[-100, -100, 100, 200]], float)
    assert np.isnan(place_labels(points, np.array([0, 2]), everywhere, np.array([20.0]), 14.0)).all()
    assert np.isnan(place_labels(points, np.array([0, 2]), np.zeros((0, 4)), np.array([0.0]), 14.0)).all()
    assert np.isnan(place_labels(points[:0], np.array([0, 0]), np.zeros((0, 4)), np.array([20.0]), 14.0)).all()


def test_paths_from_arrays_have_the_points_and_the_lifts():
    path = path_of(np.array([[0, 0], [1, 2], [5, 5], [6, 7]], float), np.array([True, False, True, False]))
    elements = [path.elementAt(i) for i in range(path.elementCount())]
    assert [(e.x, e.y, e.isMoveTo()) for e in elements] == [(0, 0, True), (1, 2, False), (5, 5, True), (6, 7, False)]
    assert path_of(np.zeros((0, 2)), np.zeros(0, bool)).isEmpty()


def test_a_smooth_path_keeps_its_points_and_straight_lines_straight():
    bend = np.linspace(0, np.pi / 2, 9)[1:]
    points = np.concatenate(
        [[(0.0, 0.0), (0.0, 300.0)], np.stack([40 - 40 * np.cos(bend), 300 + 40 * np.sin(bend)], 1)]
    )
    path = smooth_path(points)
    assert path.elementCount() == 3 * (len(points) - 1) + 1
    ends = [(path.elementAt(i).x, path.elementAt(i).y) for i in range(0, path.elementCount(), 3)]
    assert np.allclose(ends, points)
    polygon = path.toSubpathPolygons()[0]
    places = np.array([(p.x(), p.y()) for p in polygon])
    straight = places[places[:, 1] < 300]
    assert np.abs(straight[:, 0]).max() < 0.5
    around = places[places[:, 1] > 300] - (40, 300)
    assert np.abs(np.hypot(around[:, 0], around[:, 1]) - 40).max() < 0.5


def test_a_path_of_one_place_or_none_is_empty():
    assert smooth_path(np.zeros((0, 2))).isEmpty() and smooth_path(np.zeros((3, 2))).isEmpty()


def test_tiles_are_made_once_and_stretched_while_the_zoom_moves(qapp):
    made = []

    def paint(_painter: QPainter, rect: QRectF) -> None:
        made.append(rect)

    atlas = Atlas()
    atlas.begin(1.0, 2.0, "light", True, 10)
    tile, is_exact = atlas.tile("a", (40, 20), paint)
    assert is_exact and (tile.width(), tile.height()) == (84, 44) and tile.devicePixelRatio() == 2
    assert atlas.tile("a", (40, 20), paint)[0] is tile and len(made) == 1
    atlas.begin(1.5, 2.0, "light", False, 10)
    assert atlas.tile("a", (40, 20), paint) == (tile, False)
    atlas.begin(1.5, 2.0, "light", True, 0)  # no time left
    assert atlas.tile("a", (40, 20), paint) == (tile, False) and atlas.is_incomplete
    atlas.begin(1.5, 2.0, "light", True, 10)
    assert atlas.tile("a", (40, 20), paint)[1] and len(made) == 2 and not atlas.is_incomplete
    atlas.begin(1.5, 2.0, "dark", True, 0)
    assert atlas.tile("a", (40, 20), paint) == (None, False)


def test_flights_arrive_and_are_ended_by_a_jump(qtbot):
    navigator = Navigator()
    with qtbot.waitSignal(navigator.settled, timeout=3000):
        navigator.fly(Camera(100, 50, 2.0))
        assert navigator.is_flying and navigator.target == Camera(100, 50, 2.0)
    assert navigator.camera == Camera(100, 50, 2.0) and not navigator.is_flying
    navigator.fly(Camera(0, 0, 2.0))
    navigator.jump(Camera(7, 7, 2.0))
    assert not navigator.is_flying and navigator.camera == Camera(7, 7, 2.0)


def test_turns_of_the_wheel_during_a_flight_add_up(qtbot):
    navigator = Navigator()
    for _ in range(3):
        navigator.zoom(1.2, 400, 300)
    assert navigator.target.scale == pytest.approx(1.2**3)


def test_every_phase_has_label_sign_and_every_kind_a_phase():
    assert set(LABELS) == set(GLYPHS) == set(Phase)
    assert len(set(GLYPHS.values())) == len(Phase), "the sign is what tells phases apart without colour"
    assert len(PHASE_OF_KIND) == len(EventKind)


def test_operator_categories_have_a_colour_of_the_theme():
    from graphlab.engine.ops.op import Category

    assert {category.label for category in Category} <= set(ROLES)
    assert set(ROLES.values()) <= set(tokens("light").categories)
    assert category_role("relu") == "activation" and category_role("no such operator") == "pointwise"


def test_tooltip_says_shape_statistics_and_formula(qtbot, state):
    from graphlab.ui.canvas.view import GraphView

    trace = trace_of("mlp")
    view = GraphView(state)
    qtbot.addWidget(view)
    with qtbot.waitSignal(view.layout_ready, timeout=10_000):
        state.show_trace(trace)
    h = view.scene.index["t:h"]
    text = tooltip(trace, view.scene, h, view._value_id(h))
    assert "<b>h</b> · tensor" in text and "3×16 float32" in text and "min 0." in text
    relu = next(i for i, node in enumerate(view.scene.flow.nodes) if node.label == "relu")
    assert "<code>" in tooltip(trace, view.scene, relu, -1)
    trace.close()


def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "canvas.py"
    spec = importlib.util.spec_from_file_location("canvas_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_every_zoom_paints_the_nodes_where_they_are(qapp, ratio):
    """From tiles over boxes to the raster of the far view: a node's middle is never the background."""
    made = benchmark().scene(3000, 40)
    t = tokens("light")
    size = (1200, 800)
    for scale in (0.02, 0.06, 0.15, 0.3, 0.4, 1.0):
        image = QImage(int(size[0] * ratio), int(size[1] * ratio), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(Qt.GlobalColor.magenta)
        camera = Camera(0, 0, scale).placing((3000.0, 3000.0), (600, 400))
        done = np.ones(made.n_nodes, bool)
        view = View(camera, t, ratio, done, np.ones(len(made.edge_ends), bool), lambda _i: None, True, 60.0)
        painter = QPainter(image)
        Renderer().paint(painter, made, view, QRectF(0, 0, *size))
        painter.end()
        checked = 0
        for node in range(0, made.n_nodes, 7):
            if made.styles[node] == Style.OP:
                continue
            x0, y0, x1, y1 = made.rects[node].tolist()
            x, y = camera.to_widget((x0 + x1) / 2, (y0 + y1) / 2)
            if 4 < x < size[0] - 4 and 4 < y < size[1] - 4:
                around = [
                    image.pixelColor(int(x * ratio) + dx, int(y * ratio) + dy).name()
                    for dx in (-1, 0, 1)
                    for dy in (-1, 0, 1)
                ]
                assert "#ff00ff" not in around, (scale, node)
                assert set(around) != {t.canvas.name()}, (scale, node)
                checked += 1
        assert checked > 2
        assert image.pixelColor(0, 0).name() != "#ff00ff"


def test_minimap_shows_while_not_everything_is_in_view_and_leads_there(qtbot, state):
    from graphlab.ui.canvas.view import GraphView

    trace = trace_of("mlp")
    view = GraphView(state)
    view.animated = False
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    with qtbot.waitSignal(view.layout_ready, timeout=10_000):
        state.show_trace(trace)
    view.fit()
    view.grab()
    assert view._minimap.place.isEmpty()
    view.set_camera(Camera(0, 0, 1.5))
    view.grab()
    place = view._minimap.place
    assert not place.isEmpty()
    view.find("loss")
    target = view.scene.rects[view.scene.index["t:loss"]]
    middle = ((target[0] + target[2]) / 2, (target[1] + target[3]) / 2)
    inner = QPointF(*view._minimap._camera.to_widget(*middle)) + place.topLeft() + QPointF(6, 6)
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=inner.toPoint())
    assert "t:loss" in view.visible_keys()
    assert (view.rect_of("t:loss").center() - QPoint(450, 300)).manhattanLength() < 60
    trace.close()
