"""Complex numbers in tables and pictures of values."""

import numpy as np

from graphlab.ui.panels.value_view import Histogram, heat_image, number_text, stats_text
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
