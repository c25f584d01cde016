"""The operators, by families. Importing this package declares them all."""

from graphlab.engine.ops import numeric  # noqa: F401, I001 - nodes need it first
from graphlab.engine.ops import activation, arithmetic, create, loss, matrix, reduce, shape  # noqa: F401
from graphlab.engine.ops.op import OPS, Category, Op, declare
from graphlab.engine.ops.run import FUNCTIONS

__all__ = ["FUNCTIONS", "OPS", "Category", "Op", "declare"]
