"""SVG and DOT are well formed whatever the labels hold, and show every node, edge and group."""

import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from graphlab.analysis.flow import FlowEdge, FlowGraph, FlowGroup, FlowNode
from graphlab.layout.svg import to_dot, to_svg

NASTY = 'a<b & "c" \\ \x00\x1b\ud800 ]]> 张量 \n{|}'
SVG = "{http://www.w3.org/2000/svg}"


def flow(label="x"):
    return FlowGraph(
        0,
        [
            FlowNode("t:w", "tensor", "net.fc1.weight", "16×2 float32", "net.fc1", role="parameter"),
            FlowNode("t:x", "tensor", label, "4×2 float32"),
            FlowNode("op", "op", "linear", module="net.fc1"),
            FlowNode("t:h", "tensor", "h", "4×16 float32"),
            FlowNode("bad", "op", "matmul", failed=True),
            FlowNode("after", "ghost", "relu", ghost=True),
            FlowNode("g:h", "grad", "grad h", "4×16 float32", phase="backward", pair=3),
            FlowNode("b:op", "backward", "linear", phase="backward", pair=2),
        ],
        [
            FlowEdge(0, 2, "16×2", kind="parameter"),
            FlowEdge(1, 2, label),
            FlowEdge(2, 3, "4×16"),
            FlowEdge(3, 4, "4×16"),
            FlowEdge(4, 5, kind="ghost"),
            FlowEdge(3, 6, kind="seed"),
            FlowEdge(6, 7, kind="grad"),
        ],
        [FlowGroup("net", "", "net: Net"), FlowGroup("net.fc1", "net", f"fc1 {label}")],
    )


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("label", ["x", NASTY, "", "w" * 500])
def test_svg_is_well_formed_and_shows_everything(label, dark):
    root = ET.fromstring(to_svg(flow(label), dark=dark).encode("utf-8"))
    texts = ["".join(t.itertext()) for t in root.iter(f"{SVG}text")]
    for expected in ("linear", "h", "matmul", "relu", "grad h", "4×16 float32", "net: Net", "16×2"):
        assert expected in texts
    lines = [p for p in root.iter(f"{SVG}path") if p.get("marker-end")]
    assert len(lines) == 7
    assert not [e for e in root.iter() if e.tag.endswith("script")]


def test_an_empty_graph_is_an_empty_picture():
    root = ET.fromstring(to_svg(FlowGraph(0)))
    assert not list(root.iter(f"{SVG}text"))
    assert to_dot(FlowGraph(0)).rstrip().endswith("}")


def test_dark_and_light_differ_and_the_same_graph_gives_the_same_text():
    assert to_svg(flow()) == to_svg(flow())
    assert to_svg(flow(), dark=True) != to_svg(flow())


def test_dot_names_nodes_by_number_and_escapes_labels():
    text = to_dot(flow('say "hi" \\'))
    assert 'label="say \\"hi\\" \\\\' in text
    assert "n2 -> n3" in text


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz is not installed")
def test_graphviz_reads_what_we_write():
    result = subprocess.run(
        ["dot", "-Tplain"], input=to_dot(flow(NASTY)), capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0 and not result.stderr
    assert sum(line.startswith("node ") for line in result.stdout.splitlines()) == 8
