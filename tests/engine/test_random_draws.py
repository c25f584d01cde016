"""The generator without torch at hand: numbers that PyTorch printed once."""

import numpy as np
import pytest

import graphlab.engine as torch
from graphlab.engine.generator import Generator


def test_known_numbers_of_seed_0():
    torch.manual_seed(0)
    assert [round(v, 4) for v in torch.rand(3).tolist()] == [0.4963, 0.7682, 0.0885]
    torch.manual_seed(0)
    assert [round(v, 4) for v in torch.randn(3).tolist()] == [1.541, -0.2934, -2.1788]


def test_the_same_seed_gives_the_same_stream_and_another_does_not():
    draws = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        draws.append(torch.randn(40).tolist())
    assert draws[0] == draws[1] != draws[2]


def test_a_generator_of_its_own_leaves_the_default_one_alone():
    torch.manual_seed(1)
    expected = torch.rand(4).tolist()
    torch.manual_seed(1)
    torch.rand(100, generator=Generator().manual_seed(5))
    assert torch.rand(4).tolist() == expected


def test_parts_of_a_large_draw_do_not_change_it():
    one, other = Generator().manual_seed(2), Generator().manual_seed(2)
    whole, parts = np.empty(600_000, np.float32), np.empty(600_000, np.float32)
    one.fill_uniform(whole)
    for part in np.split(parts, 6):
        other.fill_uniform(part)
    assert whole.tobytes() == parts.tobytes()


@pytest.mark.parametrize(("p", "expected"), [(0.0, 0), (1.0, 1000)])
def test_bernoulli_at_its_ends(p, expected):
    assert Generator().bernoulli(p, (1000,)).sum() == expected


def test_uniform_stays_below_its_upper_bound():
    drawn = np.empty(200_000, np.float16)
    Generator().fill_uniform(drawn, 0.0, 1.0)
    assert drawn.max() < 1 and drawn.min() >= 0


def test_a_leaf_that_requires_grad_is_not_drawn_into():
    leaf = torch.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        leaf.normal_()
    with torch.no_grad():
        leaf.normal_()
    assert leaf.tolist() != [0.0, 0.0]
