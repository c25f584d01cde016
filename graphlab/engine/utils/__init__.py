"""`torch.utils`."""

from typing import Any

from graphlab.engine.utils import data

__all__ = ["checkpoint", "data"]


def __getattr__(name: str) -> Any:
    if name == "checkpoint":
        import importlib

        return importlib.import_module("graphlab.engine.utils.checkpoint")
    raise AttributeError(f"module 'torch.utils' has no attribute '{name}'")
