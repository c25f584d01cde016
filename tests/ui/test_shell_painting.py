"""A panel that cannot paint itself is told once and takes nothing else down."""

import logging

from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from graphlab.ui.painting import guarded


class Broken(QWidget):
    n_paints = 0

    @guarded
    def paintEvent(self, event: QPaintEvent) -> None:
        Broken.n_paints += 1
        painter = QPainter(self)
        painter.drawText(4, 4, str(1 / 0))


def test_failing_paint_is_told_once_and_the_window_lives(window, qtbot, caplog):
    panel = Broken(window.centralWidget())
    panel.setObjectName("broken_panel")
    panel.resize(40, 40)
    with caplog.at_level(logging.ERROR):
        panel.show()
        qtbot.waitUntil(lambda: "broken_panel" in window.message_bar.text)
        first = Broken.n_paints
        panel.update()
        qtbot.waitUntil(lambda: Broken.n_paints > first)
    assert [record.getMessage().count("ZeroDivisionError") for record in caplog.records] == [2]
    assert "defect" in window.message_bar.text
    assert not window.grab().isNull()
    panel.hide()
