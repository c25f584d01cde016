"""Takes the pictures of docs/screenshots from the real window: each scene opens, runs and steps as a reader does.

`python scripts/screenshots.py FOLDER [SCENE …]` writes SCENE.png in light and SCENE_dark.png in dark.
Every wait is for a signal with a deadline.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtGui import QAction, QCursor, QImage, QImageWriter

from graphlab.trace.records import Event, EventKind
from graphlab.ui.app import create_application, create_window

if TYPE_CHECKING:
    from graphlab.ui.window import MainWindow

WIDTH, HEIGHT = 1600, 900
MAX_BYTES = 200_000
DEADLINE = 60_000  # ms for one wait
PROBLEMS_HEIGHT, BUILDER_WIDTH = 330, 450
BARS_HEIGHT, BARS_WIDTH = 440, 420
PATH_HEIGHT = 180
SETTLE = 900  # ms that the canvas takes to move and to draw sharply

BATCH_SOFTMAX = """\
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
net = nn.Linear(2, 3)
optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
x = torch.tensor([[1.0, 2.0], [2.0, 1.0], [4.0, 5.0], [5.0, 4.0]])
y = torch.tensor([0, 1, 2, 2])

for epoch in range(5):
    scores = net(x)
    probabilities = F.softmax(scores, dim=0)
    loss = F.nll_loss(torch.log(probabilities), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""

LOG_OF_ZERO = """\
import torch
import torch.nn as nn

torch.manual_seed(0)
net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(6, 3)

for epoch in range(3):
    rate = net(x)
    log_rate = torch.log(rate)
    loss = (rate - 2 * log_rate).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


class Late(Exception):  # noqa: N818 - it is a fact
    """A signal did not come in time."""


def wait_for(signal: Any, start: Callable[[], object]) -> None:
    """Do `start` and wait until the signal comes."""
    loop = QEventLoop()
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(lambda: loop.exit(1))
    signal.connect(lambda *_: loop.exit(0))
    timer.start(DEADLINE)
    QTimer.singleShot(0, start)
    if loop.exec():
        raise Late(f"nothing came of {start} within {DEADLINE} ms")


def settle(ms: int = SETTLE) -> None:
    """Let what moves come to rest."""
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


class Scenes:
    """The scenes by name, on one window."""

    def __init__(self, window: MainWindow) -> None:
        self.window = window

    def reset(self) -> None:
        """All docks as they are at first, and the words in English."""
        self.press("view.language_english")
        self.press("view.reset_layout")

    def press(self, name: str) -> None:
        """Give a command."""
        found = self.window.findChild(QAction, name)
        assert found is not None and found.isEnabled(), f"{name} cannot be used now"
        found.trigger()

    def open(self, sample: str, is_broken: bool = False) -> None:
        """Open a sample from the start page, run it, and wait for its fixes to be checked where it has some."""
        window = self.window
        window.editor.document().setModified(False)
        window.files.open_sample(sample)
        controller = window.controller
        settle(300)
        wait_for(controller.fixes_checked if is_broken else controller.run_ended, controller.run)
        settle()

    def type(self, program: str) -> None:
        """Type a program of one's own, run it, and wait for its fixes to be checked."""
        window = self.window
        window.editor.document().setModified(False)
        self.press("file.new")
        window.editor.setPlainText(program)
        settle(300)
        controller = window.controller
        wait_for(controller.run_ended, controller.run)
        if controller.is_checking:
            wait_for(controller.fixes_checked, bool)
        settle()

    def seek(self, iteration: int, wanted: Callable[[Event], bool]) -> Event:
        """Go to the first event of an iteration (-1: of the whole run) for which `wanted` is true."""
        trace = self.window.state.trace
        assert trace is not None
        events: Iterator[Event] = iter(trace.events)
        if iteration >= 0:
            section = next(s for s in trace.sections if s.iteration == iteration)
            events = iter(trace.events[section.first : section.end])
        event = next(e for e in events if wanted(e))
        self.window.state.seek(event.id)
        return event

    def show_problems(self) -> None:
        """Bring the problems to the front and drag their dock higher."""
        self.window.show_panel("problems")
        self.window.resizeDocks([self.window.docks["problems"]], [PROBLEMS_HEIGHT], Qt.Orientation.Vertical)

    # The scenes

    def start(self) -> None:
        """The start page with the samples."""
        self.window.editor.document().setModified(False)
        self.press("file.open_sample")

    def linear_forward(self) -> None:
        """Linear regression in the middle of a forward pass."""
        self.open("linear_regression")
        self.window.show_panel("loss_plot")
        self.seek(3, lambda e: e.kind == EventKind.FORWARD and e.op == "mse_loss")

    def mlp_backward(self) -> None:
        """The MLP in the middle of a backward pass."""
        self.open("mlp")
        self.window.show_panel("loss_plot")
        self.seek(4, lambda e: e.kind == EventKind.BACKWARD and e.op == "relu")

    def shape_error(self) -> None:
        """A target of the wrong shape, explained, with checked fixes."""
        self.open("column_targets", is_broken=True)
        self.show_problems()

    def out_of_memory(self) -> None:
        """Who holds the bytes, and what would help."""
        self.open("out_of_memory", is_broken=True)
        self.show_problems()

    def softmax(self) -> None:
        """The warning about softmax without dim."""
        self.open("softmax_dim", is_broken=True)
        self.show_problems()
        self.seek(-1, lambda e: e.op == "softmax" and e.kind == EventKind.FORWARD)

    def expression(self) -> None:
        """The expression bar: one line, a table, and its graph."""
        window = self.window
        window.editor.document().setModified(False)
        self.press("file.new")
        window.show_panel("builder")
        builder = window.panel("builder")
        builder.set_expression("loss = ((w * x + b - y) ** 2).mean()")
        for name, text in {"x": "1 2 3", "w": "1.5", "b": "0.5", "y": "3 5 7"}.items():
            builder.set_variable(name, "numbers", text, requires_grad=name in "wb")
        wait_for(window.controller.run_ended, builder.build)
        window.show_panel("builder")
        window.show_panel("tensors")
        settle()
        window.resizeDocks([window.docks["builder"]], [BUILDER_WIDTH], Qt.Orientation.Horizontal)
        settle()
        self.seek(0, lambda e: e.kind == EventKind.BACKWARD and e.op == "pow")

    def inspector(self) -> None:
        """A hidden layer's output, its value and its gradient."""
        self.open("mlp")
        self.window.show_panel("tensors")
        self.seek(6, lambda e: e.kind == EventKind.BACKWARD and e.op == "relu")
        graph = self.window.graph
        for _match in range(graph.find("x")):
            if self.window.state.node == "t:x":
                break
            graph.find_next()

    def softmax_bars(self) -> None:
        """A softmax over the batch: what sums to 1 along each axis, in the problem's card and in the inspector."""
        window = self.window
        self.type(BATCH_SOFTMAX)
        window.show_panel("problems")
        window.resizeDocks([window.docks["problems"]], [BARS_HEIGHT], Qt.Orientation.Vertical)
        window.resizeDocks([window.docks["inspector"]], [BARS_WIDTH], Qt.Orientation.Horizontal)
        settle()
        self.seek(0, lambda e: e.op == "softmax" and e.kind == EventKind.FORWARD)

    def nan_path(self) -> None:
        """The way of an infinity from its birth to the loss."""
        self.type(LOG_OF_ZERO)
        self.window.resizeDocks([self.window.docks["problems"]], [PATH_HEIGHT], Qt.Orientation.Vertical)
        settle()
        self.press("problem.next")
        self.press("problem.show_path")

    def chinese(self) -> None:
        """The window and an explanation in Simplified Chinese."""
        self.press("view.language_chinese")
        self.open("column_targets", is_broken=True)
        self.show_problems()


NAMES = (
    "start", "linear_forward", "mlp_backward", "shape_error", "out_of_memory", "softmax", "softmax_bars", "nan_path",
    "expression", "inspector", "chinese",
)  # fmt: skip


def save(image: QImage, path: Path) -> int:
    """Save with at most 256 colours: the most frequent, and those that are farthest from all others. Returns bytes."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    width, height = image.width(), image.height()
    pixels = np.frombuffer(image.constBits(), np.uint32).reshape(height, -1)[:, :width] & 0xFFFFFF
    colours, places, counts = np.unique(pixels, return_inverse=True, return_counts=True)
    rgb = np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.int32)
    chosen = list(np.argsort(-counts, kind="stable")[:208])
    far = np.full(len(colours), np.iinfo(np.int32).max)
    nearest = np.zeros(len(colours), np.uint8)
    for number in range(min(256, len(colours))):
        if number == len(chosen):
            chosen.append(int(far.argmax()))
        distance = ((rgb - rgb[chosen[number]]) ** 2).sum(axis=1)
        nearest[distance < far] = number
        np.minimum(far, distance, out=far)
    indexed = np.ascontiguousarray(nearest[places.reshape(height, width)])
    small = QImage(indexed.data, width, height, width, QImage.Format.Format_Indexed8)
    small.setColorTable([0xFF000000 | int(colours[k]) for k in chosen[:256]])
    writer = QImageWriter(str(path), b"png")
    writer.setQuality(0)  # packed as well as PNG can; it loses nothing
    if not writer.write(small):
        raise OSError(f"{path}: {writer.errorString()}")
    return path.stat().st_size


def main(arguments: list[str]) -> int:
    """Take the pictures; 1 when one is too large."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("scenes", nargs="*", choices=[*NAMES, []], metavar="SCENE")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    status = 0
    with tempfile.TemporaryDirectory(prefix="graphlab-screenshots-") as home:
        os.environ["GRAPHLAB_HOME"] = home  # nobody's settings and recent files
        app = create_application(["graphlab"])
        window = create_window()
        window.resize(WIDTH, HEIGHT)
        window.show()
        QCursor.setPos(WIDTH - 1, HEIGHT - 1)  # hovers over nothing
        scenes = Scenes(window)
        for name in options.scenes or NAMES:
            window.theme_light()
            scenes.reset()
            getattr(scenes, name)()
            for theme in ("light", "dark"):
                window.theme_light() if theme == "light" else window.theme_dark()
                settle()
                image = window.grab().toImage()
                path = options.folder / (f"{name}.png" if theme == "light" else f"{name}_dark.png")
                size = save(image, path)
                print(f"{path}  {size // 1000} kB")
                status = max(status, int(size > MAX_BYTES))
        window.editor.document().setModified(False)
        window.close()
        app.processEvents()
    if status:
        print(f"A picture is larger than {MAX_BYTES // 1000} kB", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
