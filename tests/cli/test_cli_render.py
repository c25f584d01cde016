"""`graphlab render`, called as a shell calls it, with a Qt platform that does not exist: no display is ever needed."""

import os
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from graphlab.session.samples import folder

SAMPLES = folder()
SVG = "{http://www.w3.org/2000/svg}"
DEEP = """
import torch
import torch.nn as nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 4)

    def forward(self, x):
        return x + self.b(torch.relu(self.a(x)))

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[Block() for _ in range(12)])

    def forward(self, x):
        return self.blocks(x)

net = Net()
for epoch in range(2):
    loss = net(torch.ones(2, 4)).mean()
    loss.backward()
"""


def render(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graphlab", "render", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "broken"},
    )


def texts(path: Path) -> list[str]:
    return ["".join(text.itertext()) for text in ET.parse(path).getroot().iter(f"{SVG}text")]


def test_svg_of_a_program_shows_both_passes(tmp_path: Path) -> None:
    done = render(SAMPLES / "mlp.py", "-o", tmp_path / "a.svg")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    shown = texts(tmp_path / "a.svg")
    for expected in ("linear", "relu", "cross_entropy", "linear backward", "weight.grad", "SGD", "16×2", "net: Net"):
        assert expected in shown


def test_png_is_twice_as_large_as_the_svg_and_needs_no_display(tmp_path: Path) -> None:
    assert render(SAMPLES / "linear_regression.py", "-o", tmp_path / "a.svg").returncode == 0
    done = render(SAMPLES / "linear_regression.py", "-o", tmp_path / "a.png")
    assert (done.returncode, done.stderr) == (0, "")
    data = (tmp_path / "a.png").read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    root = ET.parse(tmp_path / "a.svg").getroot()
    assert (width, height) == (2 * int(root.get("width", "0")), 2 * int(root.get("height", "0")))


def test_dot_names_operators(tmp_path: Path) -> None:
    assert render(SAMPLES / "expression.py", "-o", tmp_path / "a.dot").returncode == 0
    text = (tmp_path / "a.dot").read_text()
    assert text.startswith("digraph")
    assert 'label="mean' in text


def test_dark_is_another_picture(tmp_path: Path) -> None:
    render(SAMPLES / "expression.py", "-o", tmp_path / "a.svg")
    render(SAMPLES / "expression.py", "--dark", "-o", tmp_path / "b.svg")
    assert texts(tmp_path / "a.svg") == texts(tmp_path / "b.svg")
    assert (tmp_path / "a.svg").read_text() != (tmp_path / "b.svg").read_text()


def test_failed_program_is_drawn_up_to_the_failure_and_exits_1(tmp_path: Path) -> None:
    done = render(SAMPLES / "column_targets.py", "-o", tmp_path / "a.svg")
    assert done.returncode == 1
    assert done.stderr == (
        "graphlab: RuntimeError: 0D or 1D target tensor expected, multi-target not supported (line 33)\n"
    )
    shown = texts(tmp_path / "a.svg")
    assert "cross_entropy" in shown
    assert "backward" in shown  # what would have come next, ghosted


def test_saved_trace_is_drawn_without_running_it(tmp_path: Path) -> None:
    trace = tmp_path / "a.graphlab"
    command = [sys.executable, "-m", "graphlab", "run", str(SAMPLES / "linear_regression.py"), "--trace", str(trace)]
    subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert render(trace, "-o", tmp_path / "a.svg", "--iteration", "9").returncode == 0
    assert "mse_loss" in texts(tmp_path / "a.svg")
    done = render(trace, "-o", tmp_path / "b.svg", "--iteration", "10")
    assert (done.returncode, done.stderr) == (2, "graphlab: there is no iteration 10: they run from 0 to 9.\n")
    assert not (tmp_path / "b.svg").exists()


def test_large_graph_is_folded_until_all_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "deep.py").write_text(DEEP)
    assert render(tmp_path / "deep.py", "-o", tmp_path / "folded.svg").returncode == 0
    assert render(tmp_path / "deep.py", "-o", tmp_path / "all.svg", "--expand", "all").returncode == 0
    folded, everything = texts(tmp_path / "folded.svg"), texts(tmp_path / "all.svg")
    assert "blocks: Sequential" in folded
    assert "relu" not in folded
    assert everything.count("relu") == 12


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.py", "-o", "a.svg"], "There is no such file."),
        (["{sample}", "-o", "a.jpg"], "must end in .svg, .png or .dot"),
        (["{sample}", "-o", "nowhere/a.svg"], "there is no folder for the picture"),
        (["{sample}", "-o", "a.svg", "--iteration", "3"], "this program trains nothing"),
        (["empty.py", "-o", "a.svg"], "the program made no tensors"),
        (["broken.graphlab", "-o", "a.svg"], "(broken.graphlab)"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence_and_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty.py").write_text("x = 1\n")
    Path("broken.graphlab").write_bytes(b"SQLite format 3\0" + b"\xff" * 500)
    done = render(*[word.format(sample=SAMPLES / "tensors.py") for word in arguments])
    assert done.returncode == 2
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.parametrize(
    ("source", "status"), [("import os\n", 1), ("x = (\n", 1), ("raise ValueError('no\\n' * 300)\n", 1)]
)
def test_program_that_computes_nothing_exits_as_run_does(tmp_path: Path, source: str, status: int) -> None:
    (tmp_path / "a.py").write_text(source)
    done = render(tmp_path / "a.py", "-o", tmp_path / "a.svg")
    assert done.returncode == status
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "a.svg").exists()


def test_limit_of_the_project_exits_3_with_what_was_drawn(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import torch\nx = torch.ones(3) * 2\nwhile True: pass\n")
    (tmp_path / "project.json").write_text('{"limits": {"seconds": 1}}')
    done = render(tmp_path, "-o", tmp_path / "a.svg")
    assert done.returncode == 3
    assert "ran longer than 1 s" in done.stderr
    assert "mul" in texts(tmp_path / "a.svg")
