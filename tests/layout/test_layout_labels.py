"""Labels keep off what is taken, titles off the lines, and frames grow only where there is room."""

import numpy as np

from graphlab.layout.labels import Room, Segments, place_on_line, title_left, widened
from graphlab.layout.model import GroupBox, Picture


def picture(*lines):
    offsets = np.cumsum([0, *map(len, lines)])
    points = np.concatenate([np.array(line, float) for line in lines]) if lines else np.zeros((0, 2))
    return Picture(np.zeros(0), np.zeros(0), points, offsets, np.zeros(0, np.int64))


def test_label_stands_in_the_middle_until_that_is_taken():
    line = np.array([[0.0, 0.0], [0.0, 100.0]])
    room = Room()
    assert place_on_line(line, 20, 10, room) == (0.0, 50.0)
    assert place_on_line(line, 20, 10, room) == (0.0, 40.0)


def test_label_stands_beside_a_line_that_is_taken_and_is_left_out_without_room():
    line = np.array([[0.0, 0.0], [0.0, 100.0]])
    assert place_on_line(line, 20, 10, Room([(-5, -10, 5, 110)])) == (15.0, 50.0)
    assert place_on_line(line, 20, 10, Room([(-500, -10, 500, 110)])) is None


def test_title_moves_off_a_line_that_crosses_its_place():
    box = GroupBox(0, 0, 0.0, 0.0, 300.0, 100.0)
    assert title_left(box, 80, 14, Segments(picture())) == 10.0
    crossing = picture([(50.0, -20.0), (50.0, 60.0)], [(400.0, 10.0), (500.0, 10.0)])
    assert title_left(box, 80, 14, Segments(crossing)) == 210.0


def test_ends_of_neighbouring_lines_are_not_joined():
    lines = Segments(picture([(0.0, 0.0), (10.0, 0.0)], [(100.0, 0.0), (110.0, 0.0)]))
    assert lines.cross((5, -1, 6, 1))
    assert not lines.cross((50, -1, 60, 1))


def test_frame_grows_for_its_title_and_its_parent_with_it():
    boxes = [GroupBox(0, 0, 0.0, 0.0, 100.0, 200.0), GroupBox(1, 1, 10.0, 20.0, 60.0, 100.0)]
    outer, inner = widened(boxes, [50.0, 120.0], [], 14.0)
    assert inner.x1 == 130.0
    assert outer.x1 == 144.0


def test_frame_does_not_grow_over_a_node_beside_it():
    boxes = [GroupBox(0, 0, 0.0, 0.0, 100.0, 200.0)]
    assert widened(boxes, [180.0], [(120.0, 50.0, 150.0, 80.0)], 14.0)[0].x1 == 114.0
    assert widened(boxes, [180.0], [(120.0, 250.0, 150.0, 280.0)], 14.0)[0].x1 == 180.0
