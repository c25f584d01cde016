"""`torch.utils`."""

from graphlab.engine.utils import data

__all__ = ["data"]
