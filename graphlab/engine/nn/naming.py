"""Whose methods the layers' own are, by PyTorch's names: errors of wrong calls show them.

`nn.Conv2d()` says "Conv2d.__init__() missing …" though here one function makes the layers of all dims.
"""

from __future__ import annotations

import types
from typing import Any

from graphlab.engine.nn.module import Module

_OWN = "{}"  # the layer's own name
_INIT_AND_FORWARD = {
    "AdaptiveAvgPool": ("_AdaptiveAvgPoolNd", _OWN),
    "AdaptiveMaxPool": ("_AdaptiveMaxPoolNd", _OWN),
    "AlphaDropout": ("_DropoutNd", ""),
    "AvgPool": (_OWN, _OWN),
    "BatchNorm": ("_BatchNorm", "_BatchNorm"),
    "CircularPad": (_OWN, "_CircularPadNd"),
    "ConstantPad": (_OWN, "_ConstantPadNd"),
    "Conv": (_OWN, _OWN),
    "ConvTranspose": (_OWN, _OWN),
    "Dropout": ("_DropoutNd", ""),
    "FeatureAlphaDropout": ("_DropoutNd", ""),
    "FractionalMaxPool": (_OWN, _OWN),
    "GRU": ("", _OWN),
    "LPPool": ("_LPPoolNd", _OWN),
    "LazyBatchNorm": ("_LazyNormBase", ""),
    "LazyConv": (_OWN, ""),
    "LazyConvTranspose": (_OWN, ""),
    "LazyInstanceNorm": ("_LazyNormBase", ""),
    "MaxPool": ("_MaxPoolNd", _OWN),
    "MaxUnpool": (_OWN, _OWN),
    "Mish": (_OWN, ""),
    "RNN": ("", _OWN),
    "ReLU6": (_OWN, "Hardtanh"),
    "ReflectionPad": (_OWN, "_ReflectionPadNd"),
    "ReplicationPad": (_OWN, "_ReplicationPadNd"),
    "SELU": (_OWN, ""),
    "ZeroPad": (_OWN, "_ConstantPadNd"),
}
"""By the layer's name without its dims: the class that `__init__` and `forward` belong to in PyTorch."""
_MORE = {"ModuleList": ("append", "insert"), "Sequential": ("append",)}
"""Other methods that a layer has of its own there."""


def name_methods(layers: dict[str, Any]) -> None:
    """Give layers that share a function a copy of it each, with the name that PyTorch's has."""
    for name, layer in layers.items():
        if not (isinstance(layer, type) and issubclass(layer, Module)):
            continue
        stem = name[:-2] if name.endswith(("1d", "2d", "3d")) else name
        for method, owner in zip(("__init__", "forward"), _INIT_AND_FORWARD.get(stem, ())):
            if owner:
                _rename(layer, method, owner.format(name))
        for method in _MORE.get(name, ()):
            _rename(layer, method, name)


def _rename(layer: type, method: str, owner: str) -> None:
    function = getattr(layer, method)
    name = f"{owner}.{method}"
    if function.__qualname__ == name:
        return
    copy = types.FunctionType(
        function.__code__, function.__globals__, method, function.__defaults__, function.__closure__
    )
    copy.__dict__.update(function.__dict__)
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__annotations__ = function.__annotations__
    copy.__doc__ = function.__doc__
    copy.__qualname__ = name
    setattr(layer, method, copy)
