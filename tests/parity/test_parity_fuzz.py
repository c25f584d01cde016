"""Wrong and right calls of public functions end as in PyTorch; what random calls once found is kept in FOUND.

GRAPHLAB_FUZZ=20000 makes so many random calls of each family, and scripts/fuzz.py prints what differs.
"""

from __future__ import annotations

import os
import random

import fuzzing
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import graphlab.engine as engine
from graphlab.engine.ops.refusals import is_foreign

FAMILIES = fuzzing.public_names()
N_CALLS = int(os.environ.get("GRAPHLAB_FUZZ", "240"))
LEAST = {"torch": 0.82, "Tensor": 0.84, "F": 0.70, "linalg": 0.70}
"""What share of a family's random calls must end alike, value or exception and first line of its message."""


def call(key: str, *args: str, **kwargs: str) -> fuzzing.Call:
    """A call whose arguments are keys of `fuzzing.VALUES`."""
    return fuzzing.Call(key, args, tuple(kwargs.items()))


FOUND = [
    call("torch.sum", "x", "'a'"),
    call("torch.sum", "x", dim="[1, 1.5]"),
    call("torch.relu", "1"),
    call("torch.exp", "x", foo="1"),
    call("torch.cat", "x"),
    call("torch.cat", "[x, 1]"),
    call("torch.add", "x", "'a'"),
    call("torch.add", "x", "2", "x"),
    call("torch.mul", "x"),
    call("torch.mul", "x", "x", "x"),
    call("torch.sub", "bool", "1"),
    call("torch.rsub", "bool", "1"),
    call("torch.sub", "bool", "bool"),
    call("torch.bitwise_and", "x", "x"),
    call("torch.bitwise_left_shift", "x", "1"),
    call("torch.bitwise_not", "x"),
    call("torch.argmax", "empty"),
    call("torch.masked_fill", "x", "bool", "v2"),
    call("torch.where", "1"),
    call("torch.zeros", "'a'"),
    call("torch.zeros", "(10**12, 10**6)"),
    call("torch.ones", "(-1,)"),
    call("torch.full", "(10**12, 10**6)", "0.5"),
    call("torch.tensor", "[x, x]"),
    call("torch.tensor", "['a']"),
    call("torch.tensor", "2**70"),
    call("torch.tensor_split", "x", "0"),
    call("torch.tile", "x", dims="(0, 1)"),
    call("torch.group_norm", "x32", "0"),
    call("torch.can_cast", "float32", "int64"),
    call("torch.selu", "bool"),
    call("torch.linspace", "0", "1", steps="'a'"),
    call("torch.arange", "'a'"),
    call("torch.reshape", "x", "[1, 1.5]"),
    call("torch.permute", "x", "(0, 0)"),
    call("torch.softmax", "x", "'a'"),
    call("Tensor.view", "x", "'a'"),
    call("Tensor.sum", "x", "'a'"),
    call("Tensor.expand", "x", "(10**12, 10**6)"),
    call("Tensor.cosh_", "stretched"),
    call("Tensor.view_as", "x", "1"),
    call("F.cross_entropy", "x", "v2"),
    call("F.cross_entropy", "x", "long"),
    call("F.cross_entropy", "long", "long2"),
    call("F.cross_entropy", "t234", "long"),
    call("F.nll_loss", "v4", "long2"),
    call("F.nll_loss", "x", "v2"),
    call("F.linear", "v4", "x22"),
    call("F.linear", "v4", "t234"),
    call("F.linear", "x", "x", "long2"),
    call("F.relu", "'a'"),
    call("F.relu", "x", foo="1"),
    call("F.softmax", "()", "0"),
    call("F.layer_norm", "x", "'a'"),
    call("F.one_hot", "long2", "-5"),
    call("linalg.inv", "1"),
    call("linalg.inv", "x"),
    call("linalg.svdvals", "nan"),
    call("linalg.eigvals", "x33", foo="1"),
]
"""Calls that ended otherwise than in PyTorch."""


@pytest.mark.parametrize("found", FOUND, ids=str)
def test_a_found_call_ends_as_in_pytorch(found: fuzzing.Call) -> None:
    theirs, ours = fuzzing.outcome(torch, found), fuzzing.outcome(engine, found)
    assert fuzzing.same(theirs, ours), fuzzing.tell(found, theirs, ours)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_most_random_calls_end_as_in_pytorch(family: str) -> None:
    rng = random.Random(1)
    keys = FAMILIES[family]
    apart = []
    for i in range(N_CALLS):
        one = fuzzing.draw(keys[i * 7919 % len(keys)], rng)
        theirs, ours = fuzzing.outcome(torch, one), fuzzing.outcome(engine, one)
        if not fuzzing.same(theirs, ours):
            apart.append(fuzzing.tell(one, theirs, ours))
    assert len(apart) <= (1 - LEAST[family]) * N_CALLS, "\n".join(apart)


@settings(max_examples=max(N_CALLS, 300), deadline=None, derandomize=True, database=None)
@given(st.sampled_from([k for keys in FAMILIES.values() for k in keys]), st.integers(0, 2**32))
def test_nothing_of_numpy_shows(key: str, seed: int) -> None:
    one = fuzzing.draw(key, random.Random(seed))
    said = None
    try:
        fuzzing.run(engine, one)
    except Exception as error:
        if is_foreign(error):
            said = error
    is_numpys = "numpy" in type(said).__module__ or isinstance(said, (ValueError, ZeroDivisionError, MemoryError))
    assert not is_numpys, f"{one}: {type(said).__name__}: {said}"
