"""Names that are not there: what is nearest, and whether PyTorch has them, with the reason why this engine has not.

`torch_names.txt` holds the public names of PyTorch 2.13 (written by scripts/torch_names.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from graphlab.i18n import N_

PAGE = "docs/OUT_OF_SCOPE.md"

REASONS: dict[str, str] = {
    "distributed": N_("training on several machines or processes"),
    "compile": N_("compiling, tracing and exporting programs"),
    "quantization": N_("quantized numbers"),
    "sparse": N_("sparse and nested tensors"),
    "device": N_("the inside of CUDA and of other accelerators"),
    "vendor": N_("entries for one vendor's library"),
    "lowlevel": N_("memory, storage, threads and files below tensors"),
    "dispatch": N_("the inside of PyTorch's dispatcher and type checks"),
    "symbolic": N_("symbolic sizes"),
    "precision": N_("small and unusual number formats, automatic mixed precision"),
    "removed": N_("functions that PyTorch itself has taken out or is about to"),
    "distributions": N_("probability distributions as objects"),
    "profiling": N_("profiling and logging"),
    "later": N_("not there yet"),
}
"""Why something of PyTorch is not here, in the order in which the page tells it."""

_RULES: tuple[tuple[str, str], ...] = (
    ("distributed", r"distributed|DataParallel|SyncBatchNorm|rpc|futures|[Ff]uture$|parallel$|DistributedSampler"
                    r"|multiprocessing|share_memory|is_shared|prepare_multiprocessing"),
    ("quantization", r"quant|^q_|^qint|^quint|^qscheme|^Q[IU]|per_channel|per_tensor|fbgemm|int_repr|fake_|^qat$|^ao$"
                     r"|intrinsic|moving_avg"),
    ("compile", r"jit|compil|[Ss]cript|^fx$|export|onnx|^Graph|trac(e|ing)_?(state|$)|Tracing|FunctionSchema|^Code$"
                r"|Execution|StaticModule|ErrorReport|^parse_|import_ir|FileCheck|^Block$|^Node$|^Value$|^Use$"
                r"|AliasDb|^Argument|Type$|merge_type|unify_type|while_loop|^cond$|Await|Capsule|^Gradient$"
                r"|ConcreteModule|OperatorInfo|functionalize|linearize|debug_unwrap|CompilationUnit|LiteScript"
                r"|^wait$|^fork$|IODescriptor|CallStack|BufferDict|^ModuleDict$|^ParameterDict$"),
    ("sparse", r"sparse|Sparse|_coo|_csr|_csc|_bsr|_bsc|coalesce|^(s|hs|ds|sspadd|sadd|hsp|sp)mm$|row_indices"
               r"|col_indices|dense_dim|to_dense|^(values|indices)(_copy)?$|indices_copy|nested|jagged|to_padded_tensor|^masked$"),
    ("vendor", r"cudnn|miopen|mkldnn|mkl$|nnpack|openmp|mps$|xpu|ipu|xla|mtia|maia|vulkan|magma|lapack|spectral$"
               r"|batch_norm_(stats|elemt|gather|backward|update)|^(native|cpp)_|^conv_tbc|_with_indices$|windows$"),
    ("precision", r"autocast|^amp$|GradScaler|float8|float4|^u?int[1-7]$|^bits|^u?int(16|32|64)$|complex32|chalf|^bit$"
                  r"|scaled_mm|grouped_mm|bfloat|BFloat|ScalingType|SwizzleType"),
    ("symbolic", r"^[Ss]ym(_|B|F|I)|sym_constrain|sym_fresh"),
    ("removed", r"^(eig|symeig|lstsq|qr|solve|cholesky|lu_solve|matrix_rank|chain_matmul|geqrf|volatile|reinforce"
                r"|Container|resize|resize_as|NLLLoss2d|legacy.*|svd|triangular_solve|dump_patches|type_before_parametrizations"
                r"|clip_grad_norm|cholesky_solve|cholesky_inverse|nuclear_norm|norm_except_dim|frobenius_norm"
                r"|upsample_bilinear|upsample_nearest|register_backward_hook)$"),
    ("profiling", r"profil|Profil|Throughput|Benchmark|Logging|Logger|monitor|nvtx|itt"),
    ("lowlevel", r"[Ss]torage|dlpack|from_file|frombuffer|data_ptr|pin_memory|is_pinned|num_threads|interop"
                 r"|flush_denormal|deterministic|memory_format|channels_last|^hub$|serialization|PyTorchFile|package|get_file_path"
                 r"|typename$|config$|USE_|thread_safe|DeserializationS|^layout$|has_torch|byteswap|dim_order"
                 r"|set_warn_always|warn_always|record_stream|is_set_to|^Tag$|vitals|module_load|copy_method|DeepCopy"),
    ("dispatch", r"Dispatch|torch_function|TorchFunction|overrides|library|classes|^ops$|PRIVATE|Exclude|FatalError"
                 r"|boolean_dispatch|BroadcastingList|_notes$|_support_notes|TYPE_CHECKING|Aggregation|^AVG$|^SUM$"
                 r"|assert_int_or_pair|handle_torch|common_types|factory_kwargs|_args$|multi_dim_common|init_num"
                 r"|classproperty|torch_version|as_subclass|hash_tensor|is_same_size|LockingLogger|return_types"
                 r"|^types$|^version$|^torch$|utils_internal|get_device_module|accelerator|DeviceObj|JITException"),
    ("device", r"^(cuda|.*Stream.*|.*Event|.*graph.*|DeviceProp.*)$"),
)  # fmt: skip


@cache
def torch_names() -> dict[str, frozenset[str]]:
    """The public names of PyTorch's modules and classes, by "torch.nn", "torch.Tensor", …"""
    found = {}
    text = (Path(__file__).parent / "torch_names.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        owner, _, names = line.partition(":")
        if not line.startswith(("#", "class ")):
            found[owner] = frozenset(names.split())
    return found


def take_names(namespace: dict[str, Any]) -> None:
    """Let the classes of a module print as PyTorch's do: `<class 'torch.nn.modules.linear.Linear'>`."""
    homes = _homes()
    for name, value in namespace.items():
        if isinstance(value, type) and value.__module__.startswith("graphlab.engine") and name in homes:
            value.__module__ = homes[name]


_FIRST = ("torch.nn", "torch.optim", "torch.utils.data")


@cache
def _homes() -> dict[str, str]:
    """Where PyTorch's classes are defined, by their names."""
    found: dict[str, str] = {}
    text = (Path(__file__).parent / "torch_names.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("class "):
            home, _, names = line[len("class ") :].partition(":")
            for name in names.split():
                # `torch.nn` and its like come before other classes of the same name.
                if name not in found or (home.startswith(_FIRST) and not found[name].startswith(_FIRST)):
                    found[name] = home
    return found


def reason(owner: str, name: str) -> str:
    """Why PyTorch's `owner.name` is not here: a key of REASONS."""
    if owner == "torch.distributions":
        return "distributions"
    if owner in ("torch.cuda", "torch.cuda.amp", "torch.backends", "torch.backends.cudnn"):
        return "device"
    for key, pattern in _RULES:
        if re.search(pattern, name):
            return key
    return "later"


def nearest(name: str, known: Iterable[str], likeness: float = 0.7) -> list[str]:
    """Up to three of the known names that look like `name`, best first; capitals count little."""
    folded: dict[str, str] = {}
    for each in sorted(known, key=lambda k: (k != name, k)):
        if not each.startswith("_"):
            folded.setdefault(each.lower(), each)
    found = difflib.get_close_matches(name.lower(), list(folded), n=3, cutoff=likeness)
    return [folded[f] for f in found if folded[f] != name]


def missing(owner: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for `owner.name`, owner being "torch.nn" or "torch.Tensor"; `known` are the names that are there.

    A misspelled name gets Python's own words. A name that PyTorch has gets a sentence that says so.
    """
    is_absent = name in torch_names().get(owner, ())
    near = nearest(name, known, 0.85 if is_absent else 0.7)  # a slip of the fingers, or another function altogether?
    is_class = owner.rpartition(".")[2][:1].isupper()
    facts: dict[str, Any] = {"name": name, "owner": owner.rpartition(".")[2] if is_class else owner, "nearest": near}
    if is_absent:
        key = reason(owner, name)
        facts["absent"] = REASONS[key]
        hint = f" The nearest that is here is '{near[0]}'." if near else ""
        text = (
            f"GraphLab has no '{owner}.{name}', though PyTorch 2.13 has it ({REASONS[key]}).{hint} "
            f"See {PAGE} for what is left out."
        )
    elif is_class:
        text = f"'{facts['owner']}' object has no attribute '{name}'"
    else:
        text = f"module '{owner}' has no attribute '{name}'"
    error: Any = AttributeError(text)
    error.kind = "attribute_unknown"
    error.facts = facts
    return error  # type: ignore[no-any-return]


class Absent:
    """Stands in a class for an attribute that PyTorch's class has and ours has not."""

    def __init__(self, owner: str, name: str) -> None:
        self._owner = owner
        self._name = name

    def __get__(self, instance: object, kind: type | None = None) -> Any:
        raise missing(self._owner, self._name, public_names(kind or type(instance)))


def public_names(kind: type) -> list[str]:
    """The public attributes that a class really has."""
    held: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        held.update(vars(base))
    return [name for name, value in held.items() if not name.startswith("_") and not isinstance(value, Absent)]


def mark_absent(kind: type, owner: str) -> None:
    """Let the attributes that only PyTorch's class has say so when they are asked for."""
    for name in torch_names()[owner]:
        if not hasattr(kind, name):
            setattr(kind, name, Absent(owner, name))
