"""The drawing for each kind of shape error: what stands under what, what clashes, and what the axes mean."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from inprocess import Ran

from graphlab.explain import as_text
from graphlab.explain.axes import broadcast_axes, clash_texts, matmul_axes
from graphlab.explain.meanings import Meanings
from graphlab.explain.source import Source

Runner = Callable[[str], Ran]
HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"


def drawn(run: Runner, body: str) -> list[str]:
    """The lines of the drawing of the program's first problem, as words."""
    picture = run(HEAD + body).problem.picture
    assert picture is not None
    return [" ".join(line.split()) for line in as_text(picture).splitlines()]


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (
            "images = torch.ones(8, 1, 28, 28)\nmask = torch.ones(14, 28)\nout = images * mask\n",
            ["images (8, 1, 28, 28) 8 1 28 28", "mask (14, 28) · · 14 28", "^ 28 ≠ 14"],
        ),
        (
            "a = torch.ones(2, 3)\nb = torch.ones(4, 5)\nprint(torch.einsum('ij,jk->ik', a, b))\n",
            ["a (2, 3) 2 3 i × j", "b (4, 5) 4 5 j × k", "^ 3 ≠ 4"],
        ),
        (
            "a = torch.ones(2, 3, 4)\nb = torch.ones(3, 5)\nprint(torch.einsum('ij, jk -> ik', a, b))\n",
            ["a (2, 3, 4) 2 3 4", "einsum i j", "^"],
        ),
        (
            "images = torch.ones(8, 32, 28, 3)\nprint(images.permute(-2, 0, 1))\n",
            ["images (8, 32, 28, 3) 8 32 28 3", "permute 0 1 −2", "^"],
        ),
        (
            "images = torch.ones(32, 28, 3)\nprint(torch.permute(images, (0, 3, 1, 2)))\n",
            ["images (32, 28, 3) 32 28 3", "permute 0 1 2 3", "^"],
        ),
        (
            "rnn = nn.LSTM(8, 16)\nx = torch.ones(7, 4, 10)\nout, state = rnn(x)\n",
            ["x (7, 4, 10) 7 4 10", "input_size 8", "^ 10 ≠ 8"],
        ),
        (
            "rnn = nn.LSTM(8, 16)\nx = torch.ones(7, 4, 8)\nh = torch.ones(1, 3, 16)\nc = torch.ones(1, 3, 16)\n"
            "out, state = rnn(x, (h, c))\n",
            ["h (1, 3, 16) 1 3 16", "wanted (1, 4, 16) 1 4 16", "^ 3 ≠ 4"],
        ),
        (
            "q = torch.ones(2, 5, 8)\nk = torch.ones(3, 8, 5)\nprint(torch.bmm(q, k))\n",
            ["q (2, 5, 8) 2 5 8", "k (3, 8, 5) 3 8 5", "^ 2 ≠ 3"],
        ),
        (
            "bias = torch.ones(5)\na = torch.ones(3, 4)\nb = torch.ones(3, 5)\nprint(torch.addmm(bias, a, b))\n",
            ["a (3, 4) 3 4", "b (3, 5) 3 5", "^ 4 ≠ 3"],
        ),
        (
            "fc1 = nn.Linear(784, 64)\nx = torch.ones(32, 28)\nprint(fc1(x))\n",
            ["x (32, 28) 32 28 ? × features", "fc1.weight (64, 784) 784 64 out_features × in_features", "^ 28 ≠ 784"],
        ),
        (
            "conv = nn.Conv2d(3, 16, 3)\nimg = torch.ones(8, 1, 28, 28)\nprint(conv(img))\n",
            [
                "img (8, 1, 28, 28) 8 1 28 28 batch × channels × height × width",
                "conv.weight (16, 3, 3, 3) 16 3 3 3 out_channels × in_channels × kernel × kernel",
                "^ 1 ≠ 3",
            ],
        ),
        (
            "a = torch.ones(3, 4)\nb = torch.ones(2, 5)\nprint(torch.cat([a, b]))\n",
            ["a (3, 4) 3 4", "b (2, 5) 2 5", "^ 4 ≠ 5"],
        ),
        (
            "x = torch.ones(3, 4)\nprint(x.view(5, 2))\n",
            ["x (3, 4) 3 4 = 12", "wanted (5, 2) 5 2 = 10", "^ 12 ≠ 10"],
        ),
        (
            "e = nn.Embedding(10, 4)\nids = torch.tensor([[1, 2], [3, 12]])\nprint(e(ids))\n",
            ["e.weight (10, 4) 0…9 4 num_embeddings × embedding_dim", "index 12", "^ 0…9 ∌ 12"],
        ),
        ("x = torch.ones(3, 4)\nprint(x[5])\n", ["x (3, 4) 0…2 4", "index 5", "^ 0…2 ∌ 5"]),
        (
            "x = torch.ones(3, 4)\nm = torch.ones(3, 3) > 0\nprint(x[m])\n",
            ["x (3, 4) 3 4", "the mask (3, 3) 3 3", "^ 4 ≠ 3"],
        ),
        (
            "scores = torch.ones(8, 3)\ny = torch.zeros(7, dtype=torch.long)\nloss = F.cross_entropy(scores, y)\n",
            ["scores (8, 3) 8 3 batch × classes", "y (7,) 7", "^ 8 ≠ 7"],
        ),
        ("x = torch.ones(3)\nx += torch.ones(2, 3)\n", ["x (3,) · 3", "tensor 2 (2, 3) 2 3", "^"]),
    ],
)
def test_the_clash_is_drawn(run: Runner, body: str, rows: list[str]) -> None:
    assert drawn(run, body)[: len(rows)] == rows


def test_reshape_that_only_the_order_in_memory_forbids_has_no_clash(run: Runner) -> None:
    assert run(HEAD + "x = torch.ones(3, 4).T\nprint(x.view(12))\n").problem.picture is None


def test_attention_is_drawn_with_the_keys_turned_over(run: Runner) -> None:
    body = "q = torch.ones(2, 5, 8)\nk = torch.ones(2, 5, 6)\nprint(F.scaled_dot_product_attention(q, k, k))\n"
    assert drawn(run, body)[:2] == ["q (2, 5, 8) 2 5 8", "k turned over (2, 6, 5) 2 6 5"]


def test_meaning_follows_layers_batches_and_names(run: Runner) -> None:
    program = """from torch.utils.data import DataLoader, TensorDataset
n_rows, n_columns = 8, 4
table = torch.randn(n_rows, n_columns)
data = TensorDataset(torch.randn(8, 1, 6, 6), torch.randint(0, 3, (8,)))
conv, fc1, fc2 = nn.Conv2d(1, 2, 3), nn.Linear(32, 10), nn.Linear(10, 3)
for images, labels in DataLoader(data, batch_size=4):
    maps = F.relu(conv(images))
    flat = maps.flatten(1)
    h = F.relu(fc1(flat))
    turned = h.T
    loss = F.cross_entropy(fc2(h), labels)
    plain = torch.tensor([[1.0, 2.0]])
    wide = plain + 1
"""
    ran = run(HEAD + program)
    assert ran.trace is not None and ran.trace.failure is None
    meanings = Meanings(ran.trace, Source(ran.source))

    def of(name: str, *shape: int) -> list[str]:
        return meanings.named(name, shape)

    assert of("table", 8, 4) == ["n_rows", "n_columns"]
    assert of("images", 4, 1, 6, 6) == ["batch", "channels", "height", "width"]
    assert of("maps", 4, 2, 4, 4) == ["batch", "channels", "height", "width"]
    assert of("flat", 4, 32) == ["batch", "features"]
    assert of("h", 4, 10) == ["batch", "fc1"]
    assert of("turned", 10, 4) == ["fc1", "batch"]
    assert of("labels", 4) == ["batch"]
    assert of("conv.weight", 2, 1, 3, 3) == ["out_channels", "in_channels", "kernel", "kernel"]
    # Where nothing says what an axis is, nothing is claimed.
    assert of("wide", 1, 2) == ["", ""]


def test_an_axis_of_size_one_is_dotted_only_where_it_is_stretched() -> None:
    a, b = broadcast_axes(["a", "b"], [[4, 1, 1], [1, 3, 1]]).operands
    assert (a.dotted, b.dotted) == ([1], [0])


def test_pairs_that_agree_are_not_said_to_clash() -> None:
    assert clash_texts(broadcast_axes(["a", "b", "c"], [[4], [4], [3]])) == ["4 ≠ 3"]
    assert clash_texts(matmul_axes(["a", "b"], [[3, 4], [4, 5]])) == []
