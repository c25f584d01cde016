"""The tokens: readable, complete, and switchable while the window runs."""

import dataclasses

import pytest
from PySide6.QtGui import QColor

from graphlab.ui.stylesheet import stylesheet
from graphlab.ui.theme import CATEGORIES, NodeColors, contrast, heat_colors, tokens

THEMES = ("light", "dark")
TEXTS = [
    "text",
    "text_muted",
    "accent",
    "forward",
    "backward",
    "update",
    "failed",
    "warning",
    "hint",
    "ghost",
    "edge_label",
]
GROUNDS = ["background", "surface", "surface_raised", "canvas"]
PHASES = ["forward", "backward", "update", "failed", "warning", "ghost"]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("text", TEXTS)
def test_text_is_readable(theme, text, ground):
    t = tokens(theme)
    assert contrast(getattr(t, text), getattr(t, ground)) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("phase", PHASES)
def test_phase_is_readable_on_its_own_soft_fill(theme, phase):
    t = tokens(theme)
    assert contrast(getattr(t, phase), getattr(t, f"{phase}_soft")) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
def test_nodes_categories_and_program_text_are_readable(theme):
    t = tokens(theme)
    for field in dataclasses.fields(t):
        value = getattr(t, field.name)
        if isinstance(value, NodeColors):
            assert contrast(value.text, value.fill) >= 4.5, field.name
    for name in CATEGORIES:
        assert contrast(t.category(name), t.surface) >= 4.5, name
    for field in dataclasses.fields(t.syntax):
        for ground in (t.surface, t.current_line, t.current_expression):
            assert contrast(getattr(t.syntax, field.name), ground) >= 4.5, field.name
    for number, color in enumerate(t.series):
        assert contrast(color, t.surface) >= 3, number


@pytest.mark.parametrize("theme", THEMES)
def test_heat_table_runs_evenly_from_one_side_to_the_other(theme):
    table = heat_colors(theme)
    assert table.shape == (256, 4) and table.dtype.name == "uint8"
    assert (table[:, 3] == 255).all()
    steps = abs(table[1:, :3].astype(int) - table[:-1, :3].astype(int)).max()
    assert steps <= 6
    assert table[0, 2] > table[0, 0] and table[-1, 0] > table[-1, 2]  # blue at one end, orange at the other


def test_contrast_of_black_and_white():
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
def test_stylesheet_has_a_value_for_every_name(theme):
    assert "@" not in stylesheet(tokens(theme))


def test_theme_switches_while_running(window):
    from driving import press

    press(window, "view.theme_dark")
    assert window.state.theme == "dark"
    assert window.palette().window().color() == tokens("dark").background
    press(window, "view.theme_light")
    assert window.state.theme == "light"
    assert window.palette().window().color() == tokens("light").background
