"""How long the window keeps its user waiting: time to the first picture, and the longest gaps of the event loop.

`python -m benchmarks window`. A timer of 5 ms notes how late it comes; the table gives the longest gap, in wall time
and in processor time of the window's thread (which other programs on the machine do not lengthen).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow

ROOT = Path(__file__).parents[1]
LIMIT = 0.05  # s, that no gap may be longer than
SAMPLE = ROOT / "samples" / "mlp.py"
CHAIN = """\
import torch
x = torch.ones(3, requires_grad=True)
y = x
for i in range(20000):
    y = y * 1.0001
y.sum().backward()
"""
BARE = """\
import time
begun = time.time()
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QPlainTextEdit
app = QApplication([])
window = QMainWindow()
for name in ("File", "Edit", "View", "Help"):
    menu = window.menuBar().addMenu(name)
    for i in range(8):
        menu.addAction(str(i))
for area in (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea,
             Qt.DockWidgetArea.BottomDockWidgetArea):
    dock = QDockWidget("dock", window)
    dock.setWidget(QPlainTextEdit(dock))
    window.addDockWidget(area, dock)
window.setCentralWidget(QPlainTextEdit(window))
"""
OURS = """\
from graphlab.ui.app import create_application, create_window
app = create_application()
window = create_window()
"""
SHOW = """
import sys, time
from PySide6.QtCore import QTimer
window.resize(1600, 900)
window.show()
def painted():
    print(time.time(), flush=True)
    window.close()
    app.exit()
QTimer.singleShot(0, lambda: QTimer.singleShot(0, painted))
app.exec()
"""


def time_to_paint(program: str, home: str) -> float:
    """Seconds from the start of a process to the first picture of its window; the median of 5."""
    environment = {**os.environ, "GRAPHLAB_HOME": home, "PYTHONPATH": str(ROOT)}
    times = []
    for _turn in range(6):
        begun = time.time()
        done = subprocess.run(
            [sys.executable, "-c", program + SHOW], env=environment, capture_output=True, text=True, check=True
        )
        times.append(float(done.stdout.split()[-1]) - begun)
    return median(times[1:])


class Probe:
    """Notes how late a timer of 5 ms comes."""

    def __init__(self) -> None:
        from PySide6.QtCore import QTimer

        self.gaps: list[float] = []
        self.busy: list[float] = []
        self._last = (time.perf_counter(), time.thread_time())
        self._timer = QTimer()
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def _tick(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        self.gaps.append(now[0] - self._last[0])
        self.busy.append(now[1] - self._last[1])
        self._last = now

    def measure(self, name: str, act: Callable[[], object]) -> None:
        """Do something and print the gaps of that time."""
        self._last = (time.perf_counter(), time.thread_time())
        self.gaps, self.busy = [], []
        act()
        n_late = sum(gap > LIMIT for gap in self.gaps)
        print(
            f"{name:44} {1e3 * max(self.gaps):8.0f} {1e3 * max(self.busy):8.0f} {n_late:8} / {len(self.gaps)}",
            flush=True,
        )


def wait(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Let the window live until the condition holds."""
    from PySide6.QtCore import QCoreApplication, QEventLoop

    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 20)


def idle(seconds: float) -> None:
    """Let the window live for a while."""
    end = time.monotonic() + seconds
    wait(lambda: time.monotonic() >= end)


def run(window: MainWindow, source: str) -> None:
    """Open a program, run it, and see it drawn."""
    ended: list[str] = []
    window.controller.run_ended.connect(ended.append)
    window.editor.document().setModified(False)
    window.files.new()
    window.editor.setPlainText(source)
    window.editor.document().setModified(False)
    window.controller.run()
    wait(lambda: bool(ended))
    wait(lambda: not window.graph.is_busy)
    idle(0.5)


def step_held(window: MainWindow) -> None:
    """200 steps at the rate at which a held key repeats."""
    window.steps.first()
    for _step in range(200):
        window.steps.forward()
        idle(0.033)


def type_in_long_program(window: MainWindow) -> None:
    """A line typed in the middle of 2,000."""
    from PySide6.QtTest import QTest

    for character in "value = torch.tensor([1.0, 2.0]) + other('x')":
        QTest.keyClick(window.editor, character)
        idle(0.03)
    idle(1.5)


def loss_frames(n_points: int = 100_000) -> float:
    """Seconds a frame of a loss curve that has `n_points` and grows."""
    import numpy as np
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtGui import QColor

    from graphlab.ui.panels.plot import LinePlot, Series

    plot, series = LinePlot(""), Series("loss")
    values = 1 / (1 + np.arange(n_points + 400) / 5000) + np.random.default_rng(0).normal(0, 0.01, n_points + 400)
    for at in range(n_points):
        series.append(at + 1, float(values[at]))
    plot.resize(1600, 160)
    plot.show()
    plot.show_series([series], [QColor("#1060c0")])
    times = []
    for at in range(n_points, n_points + 120):
        series.append(at + 1, float(values[at]))
        begun = time.perf_counter()
        plot.redraw()
        plot.grab() if at == n_points else plot.canvas.repaint()
        times.append(time.perf_counter() - begun)
        QCoreApplication.processEvents()
    plot.close()
    return median(times)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["GRAPHLAB_HOME"] = home
        bare, ours = time_to_paint(BARE, home), time_to_paint(OURS, home)
        print(
            f"process start to painted window: {ours:.2f} s; a bare PySide6 window {bare:.2f} s ({ours / bare:.2f}×)\n"
        )
        from graphlab.ui.app import create_window

        window = create_window()
        window.resize(1600, 900)
        probe = Probe()
        print(f"{'what':44} {'gap ms':>8} {'cpu ms':>8} {'over 50 ms':>10}")
        window.show()
        probe.measure("start page, imports beside it", lambda: idle(2.5))
        source = SAMPLE.read_text(encoding="utf-8")
        probe.measure("open the MLP", lambda: (window.files.open_path(SAMPLE), idle(1.0)))
        probe.measure("run the MLP", lambda: run(window, source))
        probe.measure("200 steps, key held down", lambda: step_held(window))
        probe.measure("every panel", lambda: [(window.show_panel(name), idle(0.3)) for name in window.docks])
        probe.measure("3,000 iterations of the MLP", lambda: run(window, source.replace("range(10)", "range(3000)")))
        probe.measure("20,000 operators in a loop", lambda: run(window, CHAIN))
        window.editor.setPlainText(source + "".join(f"v{i} = {i} + 1  # line\n" for i in range(2000)))
        idle(1.0)
        window.editor.go_to_line(1000)
        probe.measure("typing in 2,000 lines", lambda: type_in_long_program(window))
        probe.measure("endless printing", lambda: run(window, "while True:\n    print('x' * 50)\n"))
        print(f"\nloss curve with 100,000 points, one more a frame: {1e3 * loss_frames():.1f} ms a frame")
        window.editor.document().setModified(False)
        window.close()


if __name__ == "__main__":
    main()
