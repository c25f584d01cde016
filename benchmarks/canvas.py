"""How long the canvas takes for a frame: painting offscreen at 1600×900 in software, at every zoom and while panning.

    python benchmarks/canvas.py [NODES ...]

Prints a table: median and 95th percentile in milliseconds, and the 95th percentile of processor time, which is what a
frame costs when nothing else runs; that one is held against the limits.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
from PySide6.QtCore import QEventLoop, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from graphlab.analysis.flow import FlowEdge, FlowGraph, FlowNode
from graphlab.layout.model import Picture
from graphlab.session.runner import Runner, RunRequest
from graphlab.trace.store import TraceReader
from graphlab.ui.canvas.camera import Camera, fitting
from graphlab.ui.canvas.render import Renderer, View
from graphlab.ui.canvas.scene import Scene, layout_graph, make_geometry, make_scene, measure
from graphlab.ui.canvas.values import heat_image
from graphlab.ui.canvas.view import GraphView
from graphlab.ui.panels.narration import Narration
from graphlab.ui.panels.timeline import Timeline
from graphlab.ui.state import ViewState
from graphlab.ui.theme import tokens

WIDTH, HEIGHT = 1600, 900
LIMITS = {10_000: 16.7, 100_000: 33.0}


def graph(n: int, width: int) -> FlowGraph:
    """n nodes in rows of `width`: tensors and operators in turn, each fed by one to three nodes of the rows above."""
    rng = np.random.default_rng(0)
    flow = FlowGraph(0)
    names = ["linear", "relu", "add", "mul", "softmax", "matmul", "layer_norm", "gelu"]
    for i in range(n):
        row = i // width
        if row % 2 == 0:
            kind = ("tensor", "grad")[row // 2 % 5 == 4]
            shape = f"{2 ** (i % 5)}×{16 * (1 + i % 3)} float32"
            flow.nodes.append(FlowNode(f"t{i}", kind, f"layer{i % 97}.out", shape, event=i, tensor=i))
        else:
            flow.nodes.append(FlowNode(f"o{i}", "op", names[i % len(names)], event=i))
        if row:
            for _ in range(1 + i % 2):
                source = (row - 1) * width + int(np.clip(i % width + rng.integers(-2, 3), 0, width - 1))
                flow.edges.append(FlowEdge(source, i, f"{2 ** (i % 5)}×{16 * (1 + i % 3)}", source))
            if i % 17 == 0 and row > 8:  # residual edges, as long as they come
                source = (row - int(rng.integers(3, 9))) * width + i % width
                flow.edges.append(FlowEdge(source, i, "8×16", source))
    return flow


def scene(n: int, width: int) -> Scene:
    """The graph on a grid, with curves of eight segments, so that the layout's time plays no part."""
    flow = graph(n, width)
    faces, face_of = measure(flow, lambda op: "pointwise")
    wanted = layout_graph(flow, faces, face_of)
    x = (np.arange(n) % width) * 190.0
    y = (np.arange(n) // width) * 95.0
    ends = wanted.edges
    share = np.linspace(0, 1, 9)
    bend = (3 * share**2 - 2 * share**3)[None, :]
    start = np.stack([x[ends[:, 0]], y[ends[:, 0]] + wanted.heights[ends[:, 0]] / 2], axis=1)
    stop = np.stack([x[ends[:, 1]], y[ends[:, 1]] - wanted.heights[ends[:, 1]] / 2], axis=1)
    points = np.empty((len(ends), 9, 2))
    points[..., 0] = start[:, :1] + (stop[:, :1] - start[:, :1]) * bend
    points[..., 1] = start[:, 1:] + (stop[:, 1:] - start[:, 1:]) * share[None, :]
    offsets = np.arange(len(ends) + 1) * 9
    picture = Picture(x, y, points.reshape(-1, 2), offsets, np.arange(n) // width)
    return make_scene(flow, faces, face_of, make_geometry(flow, wanted, picture))


def measure_scene(made: Scene) -> list[tuple[str, float, float, float]]:
    """Rows of the table for one scene."""
    t = tokens("light")
    rng = np.random.default_rng(1)
    heats = [heat_image(rng.normal(size=(4, 8)), "light") for _ in range(50)]
    happened = made.events <= made.n_nodes * 2 // 3
    ends = made.edge_ends
    edge_happened = happened[ends[:, 0]] & happened[ends[:, 1]]
    image = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    renderer = Renderer()
    whole = fitting(made.geometry.bounds, WIDTH, HEIGHT)
    x0, y0, x1, y1 = made.geometry.bounds
    rows = []

    def frame(camera: Camera, settled: bool) -> tuple[float, float]:
        view = View(camera, t, 1.0, happened, edge_happened, lambda i: heats[i % 50], settled)
        start = time.perf_counter(), time.thread_time()
        painter = QPainter(image)
        renderer.paint(painter, made, view, QRectF(0, 0, WIDTH, HEIGHT))
        painter.end()
        return (time.perf_counter() - start[0]) * 1000, (time.thread_time() - start[1]) * 1000

    scales = sorted({round(whole.scale, 4), 0.02, 0.05, 0.1, 0.2, 0.3, 0.36, 0.5, 0.7, 1.0, 2.0})
    for scale in [s for s in scales if s >= round(whole.scale, 4)]:
        still, moving = [], []
        for i in range(24):
            place = (x0 + (x1 - x0) * rng.random(), y0 + (y1 - y0) * rng.random())
            camera = Camera(0, 0, scale).placing(place, (WIDTH / 2, HEIGHT / 2)) if scale != whole.scale else whole
            still.append(frame(camera, True))
            moving.append(frame(camera.zoomed(1.0 + 0.003 * (i + 1), WIDTH / 2, HEIGHT / 2), False))
        for name, times in (("still", still), ("zooming", moving)):
            wall, cpu = np.array(times).T
            p95 = np.percentile(wall, 95), np.percentile(cpu, 95)
            rows.append((f"{scale:7.4f} {name}", float(np.median(wall)), float(p95[0]), float(p95[1])))
    return rows


PROGRAM = """
import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 3))
x, y = torch.randn(8, 2), torch.randint(0, 3, (8,))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(700):
    loss = nn.CrossEntropyLoss()(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def record(folder: Path) -> TraceReader:
    """A real run of more than 10,000 steps."""
    runner = Runner()
    try:
        outcome = runner.start(RunRequest(PROGRAM, trace_path=str(folder / "run.trace"))).wait(120)
    finally:
        runner.close()
    if outcome.status != "ok":
        raise RuntimeError(outcome.sentence)
    return TraceReader(folder / "run.trace")


def measure_steps(app: QApplication) -> int:
    """Steps and seeks over a real run: canvas, timeline and narration told and repainted. Number of limits missed."""
    state = ViewState()
    window = QWidget()
    layout = QVBoxLayout(window)
    panels = [GraphView(state), Narration(state), Timeline(state)]
    panels[0].animated = False
    for panel in panels:
        layout.addWidget(panel)
    window.resize(WIDTH, HEIGHT)
    window.show()
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        trace = record(Path(folder))
        wait = QEventLoop()
        panels[0].layout_ready.connect(wait.quit)
        state.show_trace(trace)
        if panels[0].scene is None:
            wait.exec()
        state.seek(0)
        app.processEvents()
        n = len(trace.events)
        print(f"{n} steps of a run, canvas, narration and timeline repainted")
        kinds = (
            ("step", range(n // 2, n // 2 + 300), 16.0),
            ("step back", range(n // 2 + 300, n // 2, -1), 16.0),
            ("seek", np.random.default_rng(0).integers(0, n, 300).tolist(), 50.0),
        )
        for name, events, limit in kinds:
            times = []
            for event in events:
                start = time.perf_counter(), time.thread_time()
                state.seek(event)
                for panel in panels:
                    panel.repaint()
                times.append(((time.perf_counter() - start[0]) * 1000, (time.thread_time() - start[1]) * 1000))
                app.processEvents()
            wall, cpu = np.array(times).T
            p95 = float(np.percentile(cpu, 95))
            missed += p95 > limit
            print(
                f"  {name:<18} median {np.median(wall):6.1f}   p95 {np.percentile(wall, 95):6.1f}   cpu p95 {p95:6.1f}"
                f"   (limit {limit:.0f} ms)"
            )
        window.close()
        trace.close()
    return missed


def main(sizes: tuple[int, ...] = (1_000, 10_000, 100_000)) -> int:
    """Print the table; 1 when a limit is missed."""
    app = QApplication.instance() or QApplication([])
    missed = 0
    for n in sizes:
        for shape, width in (("wide", max(4, int(n**0.5 * 0.7))), ("tall", 8)):
            made = scene(n, width)
            limit = LIMITS.get(n, 16.7)
            print(f"{n} nodes, {len(made.edge_ends)} edges, {shape} (limit {limit} ms)")
            for name, median, p95, cpu in measure_scene(made):
                missed += cpu > limit
                over = "   over" if cpu > limit else ""
                print(f"  {name:<18} median {median:6.1f}   p95 {p95:6.1f}   cpu p95 {cpu:6.1f}{over}")
    missed += measure_steps(app)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(tuple(map(int, sys.argv[1:])) or (1_000, 10_000, 100_000)))
