"""Complex numbers in tables and pictures of values."""

import numpy as np

from graphlab.ui.panels.value_view import Histogram, heat_image, number_text, stats_text, unbroken
from graphlab.ui.theme import tokens

NUMBERS = np.array([[3 + 4j, 0], [1 - 1j, complex("nan")]], np.complex64)


def test_complex_numbers_are_written_with_both_parts():
    assert number_text(NUMBERS[0, 0]) == "3+4j"
    assert number_text(np.complex64(1 - 2.5j)) == "1−2.5j"


def test_pictures_and_statistics_are_of_absolute_values(qapp):
    assert heat_image(NUMBERS, "light").width() == 2
    assert "max 5" in stats_text(NUMBERS)
    histogram = Histogram()
    t = tokens("light")
    histogram.show_numbers(NUMBERS, t, histogram.palette().text().color())
    assert histogram._counts.sum() == 3
    histogram.deleteLater()


def test_figures_are_not_parted_from_their_names() -> None:
    assert unbroken("min 1   max 2") == "min\N{NO-BREAK SPACE}1   max\N{NO-BREAK SPACE}2"
    joined = unbroken("最小 1   最大 2")
    assert joined.replace("\N{WORD JOINER}", "").replace("\N{NO-BREAK SPACE}", " ") == "最小 1   最大 2"
    assert "最\N{WORD JOINER}小" in joined
