"""Operators of ops/special, elementwise, rearrange, copies, search, running, statistics, distances, scatter, margins,
ctc, thresholds, sampling and products on PyTorch's own samples: values, gradients and errors."""

import random
import re
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("expecttest")
pytestmark = pytest.mark.parity

from op_table import check, rows_wanted  # noqa: E402 - they need torch's test helpers

MINE = re.compile(
    r"^(lgamma|digamma|polygamma|mvlgamma|erfinv|sinc|i0|special\.(i0e|i1|i1e|ndtr|ndtri|log_ndtr|erfcx|entr|zeta|xlog1py|polygamma|"
    r"spherical_bessel_j0|modified_bessel_i[01])|igammac?|xlogy|logaddexp2|copysign|heaviside|gcd|lcm|ldexp|frexp|"
    r"nextafter|float_power|lerp|addcmul|addcdiv|atleast_[123]d|[hvd]split|unsafe_(split|chunk)|rot90|block_diag|"
    r"cartesian_prod|combinations|kron|diagflat|unfold|as_strided|(select|slice|diagonal)_scatter|\w+_copy|conj|real|"
    r"isreal|angle|resize_|resize_as_|empty_\w+|sum_to_size|searchsorted|bucketize|isin|unique_consecutive|"
    r"unravel_index|tri[lu]_indices|nonzero_static|put|fill|cummax|cummin|logcumsumexp|diff|gradient|trapezoid|trapz|"
    r"cumulative_trapezoid|nansum|nanmean|nanmedian|mode|(nan)?quantile|cov|corrcoef|histc|histogram(dd)?|cdist|dist|"
    r"scatter_reduce|index_reduce|inner|cross|addbmm|renorm|cauchy|geometric|log_normal|exponential|uniform|"
    r"nn\.functional\.(glu|rrelu|threshold|hardshrink|softshrink|softmin|normalize|cosine_\w+|pairwise_distance|pdist|"
    r"channel_shuffle|\w*margin\w*|hinge_embedding_loss|poisson_nll_loss|gaussian_nll_loss|ctc_loss|embedding_bag|"
    r"\w*dropout\w*))$"
)
OTHERWISE = {"as_strided_scatter"}
"""PyTorch's gradient of the input is the one of the written part; ours is that of what was left."""


def chosen():
    from op_samples import label

    return [op for op in rows_wanted() if MINE.match(op.name) and label(op) not in OTHERWISE]


@pytest.mark.parametrize("op", chosen(), ids=lambda op: op.name + "." + op.variant_test_name)
def test_samples_and_errors(op):
    torch.manual_seed(0)
    np.random.seed(0)
    random.seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = check(op)
    assert row.present
    assert row.n_samples > 0
    assert not row.notes, "\n".join(row.notes[:5])
