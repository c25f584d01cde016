"""Where docks and tabs stand, after whatever was done to them."""

import pytest
from driving import open_sample, press, run
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QTabBar

from graphlab.ui.app import create_window

BOTTOM = ["Problems", "Loss curves", "Memory", "Console", "Tensors"]


def bars_in_sight(window):
    """Geometry and tabs of each tab bar that is painted in the window."""
    window.layout().activate()
    return [
        (bar.geometry(), [bar.tabText(at) for at in range(bar.count())])
        for bar in window.findChildren(QTabBar)
        if bar.isVisible() and window.rect().intersects(bar.geometry())
    ]


def check_bars(window):
    """No bar lies over the menus, the toolbar or another one, and each stands right above its panels."""
    bars = bars_in_sight(window)
    chrome = [window.menuBar().geometry(), window.toolbar.geometry()]
    for at, (place, tabs) in enumerate(bars):
        taken = chrome + [other for other, _tabs in bars[:at]]
        assert not any(place.intersects(other) for other in taken), (tabs, place, taken)
        below = QRect(place.left(), place.bottom() + 2, place.width(), 1)
        docks = [dock for dock in window.docks.values() if dock.windowTitle() in tabs and dock.isVisible()]
        assert any(dock.geometry().intersects(below) for dock in docks), (tabs, place)
    return [tabs for _place, tabs in bars]


def test_no_tab_bar_is_left_over_after_a_program_was_opened(window, qtbot):
    assert check_bars(window) == []
    open_sample(window, "mlp")
    assert check_bars(window) == [["Program", "Expression"], BOTTOM]


def test_no_tab_bar_is_left_over_in_a_window_made_with_a_program(qtbot, tmp_path):
    path = tmp_path / "program.py"
    path.write_text("import torch\n")
    window = create_window(path)
    qtbot.addWidget(window)
    window.resize(1280, 720)
    window.show()
    qtbot.waitExposed(window)
    assert check_bars(window) == [["Program", "Expression"], BOTTOM]


def test_start_page_and_back_keeps_tabs_and_sizes(window, qtbot):
    open_sample(window, "linear_regression")
    qtbot.waitUntil(lambda: window.docks["editor"].width() > 300)
    window.docks["console"].raise_()
    window.docks["tensors"].close()
    qtbot.waitUntil(lambda: window.hosts["console"].is_seen)
    before = check_bars(window)
    sizes = [window.docks[name].size() for name in ("editor", "inspector", "console")]
    for _turn in range(3):
        press(window, "file.close")
        assert window.is_start_shown and check_bars(window) == []
        open_sample(window, "linear_regression")
        qtbot.waitUntil(lambda: window.hosts["console"].is_seen)
    assert check_bars(window) == before
    assert [window.docks[name].size() for name in ("editor", "inspector", "console")] == sizes


def test_reset_puts_a_floating_and_a_closed_panel_back(window, qtbot):
    open_sample(window, "linear_regression")
    window.docks["console"].setFloating(True)
    window.docks["memory_plot"].close()
    press(window, "view.reset_layout")
    qtbot.waitUntil(lambda: not window.docks["console"].isFloating())
    assert sorted(map(sorted, check_bars(window))) == sorted(map(sorted, [["Program", "Expression"], BOTTOM]))
    assert all(not dock.isHidden() for dock in window.docks.values())


def test_layout_is_there_again_in_the_next_window(qtbot):
    first = create_window()
    qtbot.addWidget(first)
    first.resize(1400, 900)
    first.show()
    qtbot.waitExposed(first)
    open_sample(first, "mlp")
    first.docks["memory_plot"].close()
    first.close()
    second = create_window()
    qtbot.addWidget(second)
    second.show()
    qtbot.waitExposed(second)
    assert check_bars(second) == []
    open_sample(second, "mlp")
    assert check_bars(second) == [["Program", "Expression"], [tab for tab in BOTTOM if tab != "Memory"]]
    second.close()


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1600, 900), (1920, 1080)])
def test_graph_has_the_most_room(window, qtbot, width, height):
    window.resize(width, height)
    open_sample(window, "mlp")
    run(window, qtbot)
    graph = window.hosts["graph_view"].size()
    assert graph.width() > 0.49 * width and graph.height() > 0.4 * height
    assert 130 <= window.docks["loss_plot"].height() <= 190
