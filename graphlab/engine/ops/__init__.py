"""The operators, by families. Importing this package declares them all."""

from graphlab.engine.ops import numeric  # noqa: F401, I001 - nodes need it first
from graphlab.engine.ops import (  # noqa: F401
    activation,
    arithmetic,
    attention,
    compare,
    convolution,
    create,
    elementwise,
    index,
    loss,
    loss_pointwise,
    matrix,
    normalization,
    pointwise,
    pooling,
    reduce,
    resampling,
    shape,
    recurrent,
    padding,
    interpolation,
    special,
    rearrange,
    copies,
    search,
    running,
    statistics,
    distances,
    scatter,
    margins,
    ctc,
    thresholds,
    sampling,
    products,
)
from graphlab.engine.ops.op import OPS, Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS

__all__ = ["FUNCTIONS", "OPS", "Category", "Op", "declare"]
