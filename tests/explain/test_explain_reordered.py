"""Which reshapes only make sense as another order of the axes."""

import pytest

from graphlab.explain.silent.layout import reordered


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((8, 32, 32, 3), (8, 3, 32, 32)),  # channels last taken for channels first
        ((4, 16, 7, 7), (4, 49, 16)),  # feature maps to tokens
        ((4, 3, 7, 4), (4, 7, 12)),  # heads merged without a transpose
        ((4, 7, 12), (4, 3, 7, 4)),  # heads split without a transpose
        ((20, 12, 3), (12, 20, 3)),  # batch and steps
    ],
)
def test_reshape_that_means_another_order(given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    assert reordered(given, wanted) is not None


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ((4, 7, 12), (4, 7, 3, 4)),  # heads split as they lie
        ((4, 7, 3, 4), (4, 7, 12)),
        ((8, 16, 4, 4), (8, 256)),  # flatten
        ((8, 256), (8, 16, 4, 4)),
        ((6, 5, 1, 8, 8), (30, 1, 8, 8)),  # time folded into the batch
        ((2, 8, 4, 4), (2, 2, 4, 4, 4)),  # groups of channels
        ((3, 3, 5), (3, 3, 5)),
        ((4, 6, 1), (4, 6)),
    ],
)
def test_reshape_that_splits_and_merges_as_they_lie(given: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    assert reordered(given, wanted) is None


def test_order_says_which_axes_were_meant() -> None:
    assert reordered((8, 32, 32, 3), (8, 3, 32, 32)) == (1, [2, 0, 1])
