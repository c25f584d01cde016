"""PyTorch's names on NumPy: `import graphlab.engine as torch`."""

from __future__ import annotations

import importlib
from typing import Any

from graphlab.engine import absent as absent
from graphlab.engine import autograd as autograd
from graphlab.engine import dtypes as dtypes
from graphlab.engine.allocation import keep_freed_memory as _keep_freed_memory
from graphlab.engine.allocation import leave_out_imports as _leave_out_imports
from graphlab.engine.device import device as device
from graphlab.engine.device import set_default_device as set_default_device
from graphlab.engine.dtypes import (
    bfloat16 as bfloat16,
)
from graphlab.engine.dtypes import (
    can_cast as can_cast,
)
from graphlab.engine.dtypes import (
    cdouble as cdouble,
)
from graphlab.engine.dtypes import (
    cfloat as cfloat,
)
from graphlab.engine.dtypes import (
    complex64 as complex64,
)
from graphlab.engine.dtypes import (
    complex128 as complex128,
)
from graphlab.engine.dtypes import (
    double as double,
)
from graphlab.engine.dtypes import (
    dtype as dtype,
)
from graphlab.engine.dtypes import (
    float16 as float16,
)
from graphlab.engine.dtypes import (
    float32 as float32,
)
from graphlab.engine.dtypes import (
    float64 as float64,
)
from graphlab.engine.dtypes import (
    get_default_dtype as get_default_dtype,
)
from graphlab.engine.dtypes import (
    half as half,
)
from graphlab.engine.dtypes import (
    int8 as int8,
)
from graphlab.engine.dtypes import (
    int16 as int16,
)
from graphlab.engine.dtypes import (
    int32 as int32,
)
from graphlab.engine.dtypes import (
    int64 as int64,
)
from graphlab.engine.dtypes import (
    long as long,
)
from graphlab.engine.dtypes import (
    promote_types as promote_types,
)
from graphlab.engine.dtypes import (
    set_default_dtype as set_default_dtype,
)
from graphlab.engine.dtypes import (
    short as short,
)
from graphlab.engine.dtypes import (
    uint8 as uint8,
)
from graphlab.engine.dtypes import (
    uint16 as uint16,
)
from graphlab.engine.dtypes import (
    uint32 as uint32,
)
from graphlab.engine.dtypes import (
    uint64 as uint64,
)
from graphlab.engine.errors import OutOfMemoryError as OutOfMemoryError
from graphlab.engine.modes import (
    enable_grad as enable_grad,
)
from graphlab.engine.modes import (
    inference_mode as inference_mode,
)
from graphlab.engine.modes import (
    is_grad_enabled as is_grad_enabled,
)
from graphlab.engine.modes import (
    is_inference_mode_enabled as is_inference_mode_enabled,
)
from graphlab.engine.modes import (
    no_grad as no_grad,
)
from graphlab.engine.modes import (
    set_grad_enabled as set_grad_enabled,
)
from graphlab.engine.ops import FUNCTIONS as _FUNCTIONS
from graphlab.engine.ops.run import name_guards as _name_guards
from graphlab.engine.tensor import Size as Size
from graphlab.engine.tensor import Tensor as Tensor

bool = dtypes.bool_
int = dtypes.int_
float = dtypes.float_
strided = "torch.strided"
preserve_format = "torch.preserve_format"
contiguous_format = "torch.contiguous_format"
pi = 3.141592653589793
e = 2.718281828459045
inf = float_inf = __import__("math").inf
nan = __import__("math").nan
newaxis = None
__version__ = "2.13.0"

linalg = importlib.import_module("graphlab.engine.linalg")
_name_guards()
_keep_freed_memory()
_leave_out_imports()
globals().update(_FUNCTIONS)
# They attach themselves: `Tensor.normal_` and the like, `autograd.functional`.
random = importlib.import_module("graphlab.engine.random")
importlib.import_module("graphlab.engine.autograd.functional")

_LAZY = {
    "func",
    "nn",
    "optim",
    "utils",
    "special",
    "fft",
    "distributions",
    "masked",
    "amp",
    "cuda",
    "accelerator",
    "testing",
    "printing",
}
_FROM = {
    **dict.fromkeys(
        ("manual_seed", "seed", "initial_seed", "rand", "randn", "randint", "randperm", "rand_like", "randn_like",
         "randint_like", "normal", "bernoulli", "multinomial", "Generator", "default_generator", "get_rng_state",
         "set_rng_state"),
        "random",
    ),
    **dict.fromkeys(
        ("BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor", "IntTensor",
         "LongTensor", "ShortTensor", "BFloat16Tensor"),
        "legacy",
    ),
    **dict.fromkeys(("finfo", "iinfo", "result_type"), "limits"),
    **dict.fromkeys(("autocast", "is_autocast_enabled", "get_autocast_dtype", "GradScaler"), "amp"),
    **dict.fromkeys(("save", "load"), "serialization"),
    "vmap": "func",
    "compile": "compiled",
    **dict.fromkeys(
        ("set_num_threads", "get_num_threads", "set_num_interop_threads", "get_num_interop_threads",
         "set_float32_matmul_precision", "get_float32_matmul_precision", "use_deterministic_algorithms",
         "are_deterministic_algorithms_enabled", "is_deterministic_algorithms_warn_only_enabled",
         "get_default_device", "set_default_tensor_type"),
        "settings",
    ),
    **dict.fromkeys(("set_printoptions", "get_printoptions", "printoptions"), "printing"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"graphlab.engine.{name}")
    if name in _FROM:
        found = getattr(importlib.import_module(f"graphlab.engine.{_FROM[name]}"), name)
        absent.take_names({name: found})
        globals()[name] = found
        return found
    raise absent.missing("torch", name, [n for n in (*globals(), *_FROM, *_LAZY) if not n.startswith("_")])


for _table in (dict(vars(Tensor)), globals()):
    # Those that a table of operators made have the name of the maker; programs print `torch.Tensor.float.__name__`.
    for _name, _made in list(_table.items()):
        if getattr(_made, "__name__", "") in ("<lambda>", "call_") and not _name.startswith("_"):
            _made.__name__ = _name
absent.mark_absent(Tensor, "torch.Tensor")
absent.take_names(globals())
