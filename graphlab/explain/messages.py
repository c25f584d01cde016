"""PyTorch's messages, 1.x to 2.13, read back into kinds and facts: which failure, and every number in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

Groups = dict[str, str]


@dataclass(frozen=True)
class Reading:
    """What a text says: the kind as the engine names it, its facts, the exception's type, where in the text."""

    kind: str
    facts: dict[str, Any]
    type: str = ""
    position: int = 0
    text: str = ""
    is_warning: bool = False


@dataclass(frozen=True)
class Message:
    """One wording. Patterns begin with plain text and have no nested repetition, so that a search is linear."""

    kind: str
    pattern: str
    read: Callable[[Groups], dict[str, Any]]
    is_warning: bool = False

    def search(self, text: str, loose: bool) -> re.Match[str] | None:
        """Where `text` has this wording. Loose: in a text whose line wraps were taken out with their spaces."""
        return _compiled(self.pattern, loose).search(text)


@cache
def _compiled(pattern: str, loose: bool) -> re.Pattern[str]:
    if loose:
        pattern = re.sub(r"(\\.|\[(?:\\.|[^\]\\])*\])| \??", lambda m: m.group(1) or r"\s*", pattern)
    return re.compile(pattern)


MESSAGES: list[Message] = []
_SHAPE = r"(?:torch\.Size\()?[\[(][\d, ]{0,200}[\])]\)?"
_BYTES = r"[\d.]+ ?(?:bytes|[KMGT]i?B)"


def wording(
    kind: str, pattern: str, read: Callable[[Groups], dict[str, Any]] = lambda g: {}, warning: bool = False
) -> None:
    """Add a wording. `<SHAPE>` and `<BYTES>` stand for a shape and an amount of memory."""
    pattern = pattern.replace("<SHAPE>", _SHAPE).replace("<BYTES>", _BYTES)
    MESSAGES.append(Message(kind, pattern, read, warning))


def shape(text: str) -> list[int]:
    """[3, 4] out of "torch.Size([3, 4])", "(3, 4)" or "3x4"."""
    return [int(d) for d in re.findall(r"\d+", text)][:32]


def n_bytes(text: str) -> int:
    """Bytes out of "20.00 MiB" or "512 bytes"."""
    found = re.match(r"([\d.]+)\s*([KMGT]?)", text)
    if found is None or found.group(1).count(".") > 1 or found.group(1) == ".":
        return 0
    return int(float(found.group(1)) * 1024 ** " KMGT".index(found.group(2) or " "))


def ints(*names: str) -> Callable[[Groups], dict[str, Any]]:
    """Reads these groups as whole numbers."""
    return lambda g: {name: int(g[name]) for name in names}


def named(*names: str) -> Callable[[Groups], dict[str, Any]]:
    """Reads these groups as they are."""
    return lambda g: {name: g[name] for name in names}


# shapes
wording(
    "broadcast",
    r"The size of tensor a \((?P<a>\d+)\) must match the size of tensor b \((?P<b>\d+)\) at non-singleton "
    r"dimension (?P<dim>\d+)",
    lambda g: {"sizes": [int(g["a"]), int(g["b"])], "dim": int(g["dim"])},
)
wording(
    "broadcast",
    r"Shape mismatch: objects cannot be broadcast to a single shape",
)
wording(
    "matmul",
    r"mat1 and mat2 shapes cannot be multiplied \((?P<a>\d+ ?x ?\d+) and (?P<b>\d+ ?x ?\d+)\)",
    lambda g: _matmul(shape(g["a"]), shape(g["b"])),
)
wording(
    "matmul",
    r"size mismatch, m1: \[(?P<a>\d+ x \d+)\], m2: \[(?P<b>\d+ x \d+)\]",
    lambda g: _matmul(shape(g["a"]), shape(g["b"])),
)
wording(
    "matmul",
    r"size mismatch, got input \((?P<n>\d+)\),? ?(?:mat|mat1) \((?P<a>\d+x\d+)\), vec \((?P<b>\d+)\)",
    lambda g: _matmul(shape(g["a"]), [int(g["b"])], "mv"),
)
wording(
    "matmul",
    r"size mismatch, get \d+, (?P<a>\d+x\d+),(?P<b>\d+)",
    lambda g: _matmul(shape(g["a"]), [int(g["b"])], "mv"),
)
wording(
    "matmul",
    r"inconsistent tensor size, expected tensor \[(?P<a>\d+)\] and src \[(?P<b>\d+)\] to have the same number "
    r"of elements",
    lambda g: _matmul([int(g["a"])], [int(g["b"])], "dot"),
)
wording(
    "bmm_size",
    r"Expected size for first two dimensions of batch2 tensor to be: (?P<wanted><SHAPE>) but got: (?P<got><SHAPE>)",
    lambda g: {"wanted": shape(g["wanted"]), "got": shape(g["got"])},
)
wording(
    "matmul_rank",
    r"(?P<name>self|mat1|mat2|batch1|batch2|vec|tensor) must be a (?P<want>\d ?-?D tensor|matrix|vector|3D)",
)
wording(
    "matmul_rank",
    r"1D tensors expected, but got (?P<a>\d)D and (?P<b>\d)D tensors",
    lambda g: {"n_dims": [int(g["a"]), int(g["b"])], "op": "dot"},
)
wording(
    "matmul_rank",
    r"both arguments to matmul need to be at least 1D, but they are (?P<a>\d)D and (?P<b>\d)D",
    lambda g: {"n_dims": [int(g["a"]), int(g["b"])], "op": "matmul"},
)
wording(
    "reshape",
    r"shape '(?P<wanted>\[[-\d, ]{0,200}\])' is invalid for input of size (?P<n>\d+)",
    lambda g: {"wanted": [int(d) for d in re.findall(r"-?\d+", g["wanted"])], "n": int(g["n"])},
)
wording("view_stride", r"view size is not compatible with input tensor's size and stride")
wording(
    "concat",
    r"Sizes of tensors must match except in dimension (?P<dim>\d+)\. (?:Expected size (?P<a>\d+) but got size "
    r"(?P<b>\d+) for "
    r"tensor number (?P<index>\d+)|Got (?P<a1>\d+) and (?P<b1>\d+) in dimension (?P<at>\d+))",
    lambda g: {
        "op": "cat",
        "dim": int(g["dim"]),
        "sizes": [int(g["a"] or g["a1"]), int(g["b"] or g["b1"])],
        "index": int(g["index"] or 1),
    },
)
wording(
    "concat",
    r"Tensors must have same number of dimensions: got (?P<a>\d+) and (?P<b>\d+)",
    lambda g: {"op": "cat", "n_dims": [int(g["a"]), int(g["b"])]},
)
wording(
    "concat",
    r"stack expects each tensor to be equal size, but got (?P<a><SHAPE>) at entry (?P<i>\d+) and (?P<b><SHAPE>) "
    r"at entry (?P<j>\d+)",
    lambda g: {"op": "stack", "shapes": [shape(g["a"]), shape(g["b"])], "index": int(g["j"])},
)
wording(
    "dim_range",
    r"[Dd]imension out of range \(expected to be in range of \[(?P<low>-?\d+), (?P<high>-?\d+)\], but got "
    r"(?P<dim>-?\d+)\)",
    lambda g: {"dim": int(g["dim"]), "n_dims": int(g["high"]) + 1},
)
wording(
    "index_range",
    r"index (?P<index>-?\d+) is out of bounds for dimension (?P<dim>\d+) with size (?P<size>\d+)",
    ints("index", "dim", "size"),
)
wording("too_many_indices", r"too many indices for tensor of dimension (?P<n_dims>\d+)", ints("n_dims"))
wording("index_scalar", r"invalid index of a 0-dim tensor")
wording(
    "mask_shape",
    r"The shape of the mask (?P<mask><SHAPE>) at index (?P<axis>\d+) does not match the shape of the indexed "
    r"tensor (?P<shape><SHAPE>)",
    lambda g: {"mask": shape(g["mask"]), "shape": shape(g["shape"]), "axis": int(g["axis"])},
)
wording(
    "expand",
    r"The expanded size of the tensor \((?P<wanted>\d+)\) must match the existing size \((?P<size>\d+)\) at "
    r"non-singleton "
    r"dimension (?P<dim>\d+)",
    ints("wanted", "size", "dim"),
)
wording(
    "conv_channels",
    r"weight of size (?P<weight><SHAPE>), expected input\[?(?P<shape>[\d, ]{1,60})\]? to have (?P<wanted>\d+) "
    r"channels, but got "
    r"(?P<given>\d+) channels",
    lambda g: {
        "weight": shape(g["weight"]),
        "shape": shape(g["shape"]),
        "wanted": int(g["wanted"]),
        "given": int(g["given"]),
    },
)
wording(
    "conv_rank",
    r"Expected (?P<wanted>\d)D \(unbatched\) or (?P<batched>\d)D \(batched\) input to (?P<op>\w+), but got "
    r"input of size: (?P<shape><SHAPE>)",
    lambda g: {"wanted": int(g["batched"]), "op": g["op"], "shape": shape(g["shape"])},
)
wording(
    "norm_single",
    r"Expected more than 1 value per channel when training, got input size (?P<shape><SHAPE>)",
    lambda g: {"shape": shape(g["shape"])},
)
wording(
    "ragged", r"expected sequence of length (?P<a>\d+) at dim (?P<dim>\d+) \(got (?P<b>\d+)\)", ints("a", "b", "dim")
)

# losses
wording(
    "target_shape",
    r"(?:0D or 1D target tensor expected, multi-target not supported|1D target tensor expected, multi-target "
    r"not supported"
    r"|multi-target not supported at)",
    lambda g: {"loss": "cross_entropy"},
)
wording(
    "target_shape",
    r"Expected input batch_size \((?P<a>\d+)\) to match target batch_size \((?P<b>\d+)\)",
    lambda g: {"loss": "cross_entropy", "batch_sizes": [int(g["a"]), int(g["b"])]},
)
wording(
    "target_shape",
    r"Target size \((?P<b><SHAPE>)\) must be the same as input size \((?P<a><SHAPE>)\)",
    lambda g: {
        "loss": "binary_cross_entropy_with_logits",
        "input_shape": shape(g["a"]),
        "target_shape": shape(g["b"]),
    },
)
wording(
    "target_shape",
    r"Using a target size \((?P<b><SHAPE>)\) that is different to the input size \((?P<a><SHAPE>)\) is deprecated",
    lambda g: {"loss": "binary_cross_entropy", "input_shape": shape(g["a"]), "target_shape": shape(g["b"])},
)
wording(
    "target_size",
    r"Using a target size \((?P<b><SHAPE>)\) that is different to the input size \((?P<a><SHAPE>)\)\. This will "
    r"likely lead",
    lambda g: {"loss": "mse_loss", "input_shape": shape(g["a"]), "target_shape": shape(g["b"])},
    warning=True,
)
wording("target_range", r"Target (?P<target>-?\d+) is out of bounds", ints("target"))
wording(
    "target_range",
    r"Assertion `?(?:t >= 0 && t < n_classes|cur_target >= 0 && cur_target < n_classes)[`']? failed",
    lambda g: {"on_device": True},
)
wording(
    "target_dtype",
    r"expected target dtype to be Long or Byte, but got (?P<dtype>\w+)",
    lambda g: {"loss": "cross_entropy", "target_dtype": g["dtype"]},
)
wording(
    "target_dtype",
    r"expected scalar type Long but found (?P<dtype>\w+)",
    lambda g: {"loss": "cross_entropy", "target_dtype": g["dtype"]},
)
wording(
    "target_dtype",
    r"Expected object of scalar type Long but got scalar type (?P<dtype>\w+) for argument #2 'target'",
    lambda g: {"loss": "cross_entropy", "target_dtype": g["dtype"]},
)
wording(
    "target_dtype",
    r"Expected floating point type for target with class probabilities, got (?P<dtype>\w+)",
    lambda g: {"loss": "cross_entropy", "target_dtype": g["dtype"], "is_one_hot": True},
)
wording(
    "target_dtype",
    r"Found dtype (?P<target>\w+) but expected (?P<input>\w+)",
    lambda g: {"loss": "", "target_dtype": g["target"], "input_dtype": g["input"]},
)
wording("probability_range", r"all elements of input should be between 0 and 1")
wording("probability_range", r"Assertion `(?:input_val >= zero && input_val <= one|x >= 0\. && x <= 1\.)[`']? failed")

# dtypes and devices
wording(
    "integer_grad",
    r"(?:Only|only) Tensors of floating point (?:and complex )?dtype can require gradients",
)
wording(
    "dtype_mix",
    r"expected m1 and m2 to have the same dtype, but got: (?P<a>[a-z ]+?) != (?P<b>[a-z]+(?: int)?)",
    lambda g: {"op": "matmul", "dtypes": [g["a"].strip(), g["b"].strip()]},
)
wording(
    "dtype_mix",
    r"mat1 and mat2 must have the same dtype(?:, but got (?P<a>\w+) and (?P<b>\w+))?",
    lambda g: {"op": "linear", "dtypes": [g["a"], g["b"]] if g["a"] else []},
)
wording(
    "dtype_mix",
    r"expected scalar type (?P<b>\w+) but found (?P<a>\w+)",
    lambda g: {"op": "", "dtypes": [g["a"], g["b"]]},
)
wording(
    "dtype_mix",
    r"Expected object of scalar type (?P<b>\w+) but got scalar type (?P<a>\w+) for argument",
    lambda g: {"op": "", "dtypes": [g["a"], g["b"]]},
)
wording(
    "device_mix",
    r"Input type \((?P<a>(?:torch\.)?cuda[\w.]+)\) and (?:weight|bias) type "
    r"\((?P<b>(?!(?:torch\.)?cuda)[\w.]+)\) should",
    lambda g: {"devices": ["cuda", "cpu"]},
)
wording(
    "device_mix",
    r"Input type \((?P<a>(?!(?:torch\.)?cuda)[\w.]+)\) and (?:weight|bias) type "
    r"\((?P<b>(?:torch\.)?cuda[\w.]+)\) should",
    lambda g: {"devices": ["cpu", "cuda"]},
)
wording(
    "dtype_mix",
    r"Input type \((?P<a>[\w.]+)\) and (?:weight|bias) type \((?P<b>[\w.]+)\) should be the same",
    lambda g: _types(g["a"], g["b"]),
)
wording(
    "dtype_unsupported",
    r"mean\(\): could not infer output dtype\.(?: Input dtype must be either a floating point or complex dtype\. Got: "
    r"(?P<dtype>\w+))?",
    lambda g: {"op": "mean", **({"dtype": g["dtype"]} if g["dtype"] else {})},
)
wording(
    "dtype_unsupported",
    r"(?:[Cc]an only calculate the mean of floating types|mean\(\): input dtype should be either floating point "
    r"or complex)"
    r"[^.]{0,60}\. Got (?P<dtype>\w+)",
    lambda g: {"op": "mean", "dtype": g["dtype"]},
)
wording(
    "dtype_unsupported",
    r"\"(?P<kernel>(?!\w{0,80}_index\")\w+)\" not implemented for "
    r"'(?!Half'|BFloat16'|Float'|Double'|Complex)(?P<dtype>\w+)'",
    lambda g: {"op": re.split(r"_|Kernel", g["kernel"])[0], "dtype": g["dtype"]},
)
wording(
    "result_type",
    r"result type (?P<a>\w+) can't be cast to the desired output type (?P<b>[\w ]+?)(?=\s|$|\.)",
    lambda g: {"dtypes": [g["a"], g["b"]]},
)
wording(
    "device_mix",
    r"Expected all tensors to be on the same device, but (?:found at least two devices, (?P<a>[\w:]+) and "
    r"(?P<b>[\w:]+?)[!,]"
    r"|got (?P<name>\w+) is on (?P<c>[\w:]+), different from other tensors on (?P<d>[\w:]+))",
    lambda g: {"devices": [g["a"] or g["c"], g["b"] or g["d"]]},
)
wording(
    "device_mix",
    r"Expected object of device type (?P<a>\w+) but got device type (?P<b>\w+)",
    lambda g: {"devices": [g["a"], g["b"]]},
)

# autograd
wording("non_scalar_backward", r"grad can be implicitly created only for (?:real )?scalar outputs")
wording(
    "no_grad_fn", r"element (?P<index>\d+) of tensors does not require grad and does not have a grad_fn", ints("index")
)
wording(
    "no_grad_fn",
    r"element (?P<index>\d+) of variables does not require grad and does not have a grad_fn",
    ints("index"),
)
wording("backward_twice", r"Trying to backward through the graph a second time")
wording(
    "inplace_leaf",
    r"a (?P<view>view of a )?leaf [Vv]ariable that requires grad (?:is being used|has been used) in an in-place "
    r"operation",
    lambda g: {"is_view": bool(g["view"])},
)
wording(
    "inplace_modified",
    r"one of the variables needed for gradient computation has been modified by an inplace operation(?:: "
    r"\[(?P<type>[\w.]+) "
    r"\[(?P<shape>[\d, ]{0,60})\]\](?:, which is output (?P<output>\d+) of (?P<op>\w+),)? is at version "
    r"(?P<version>\d+); "
    r"expected version (?P<expected>\d+) instead)?",
    lambda g: {
        **({"shape": shape(g["shape"] or "")} if g["shape"] is not None else {}),
        **({"op": g["op"]} if g["op"] else {}),
        **({"version": int(g["version"]), "expected": int(g["expected"])} if g["version"] else {}),
    },
)
wording(
    "memory_overlap",
    r"some elements of the input tensor and the written-to tensor refer to a single memory location",
)
wording(
    "memory_overlap",
    r"more than one element of the written-to tensor refers to a single memory location",
    lambda g: {"repeats": True},
)
wording(
    "gradient_shape",
    r"Mismatch in shape: grad_output\[\d+\] has a shape of (?P<a><SHAPE>) and output\[\d+\] has a shape of "
    r"(?P<b><SHAPE>)",
    lambda g: {"shape": shape(g["a"]), "wanted": shape(g["b"])},
)
wording("unused_input", r"One of the differentiated Tensors appears to not have been used in the graph")
wording("unused_input", r"The differentiated Tensor at index \d+ appears to not have been used in the graph")
wording("jacobian_call", r"TypeError: '(?P<got>Tensor)' object is not callable", named("got"))
wording("numpy_requires_grad", r"Can't call numpy\(\) on (?:Tensor|Variable) that requires grad")
wording(
    "not_scalar",
    r"(?:a Tensor with (?P<n>\d+) elements cannot be converted to Scalar|only one element tensors can be "
    r"converted to Python scalars)",
    lambda g: {"n": int(g["n"])} if g["n"] else {},
)
wording(
    "ambiguous_bool",
    r"(?:Boolean value of Tensor with more than one value|bool value of Tensor with more than one value) is ambiguous",
)
wording(
    "softmax_dim",
    r"Implicit dimension choice for (?P<op>\w+) has been deprecated",
    named("op"),
    warning=True,
)

# modules and optimizers
wording("optimizer_empty", r"optimizer got an empty parameter list")
wording("optimizer_non_leaf", r"can't optimize a non-leaf Tensor")
wording(
    "optimizer_tensor",
    r"params argument given to the optimizer should be an iterable of Tensors or dicts, but got (?P<got>[\w.]+)",
    named("got"),
)
wording(
    "module_init",
    r"cannot assign (?P<what>module|parameters?|buffers?) before Module\.__init__\(\) call",
    named("what"),
)
wording(
    "module_init",
    r"'(?P<name>\w+)' object has no attribute '(?:_backward_hooks|_modules|_parameters|_buffers|_forward_hooks)'",
    named("name"),
)
wording("module_forward", r"Module \[(?P<name>\w+)\] is missing the required \"forward\" function", named("name"))
wording(
    "embedding_range",
    r"(?:index out of range in self|index out of range: Tried to access index (?P<index>\d+) out of table with "
    r"(?P<rows>\d+) rows)",
    lambda g: {"index": int(g["index"]), "rows": int(g["rows"])} if g["index"] else {},
)

# memory
wording(
    "out_of_memory",
    r"(?P<backend>CUDA|HIP|XPU) out of memory[.:]? Tried to allocate (?P<requested><BYTES>)(?P<rest>.{0,900})",
    lambda g: {
        "device": _device(g["backend"], g["rest"]),
        "backend": g["backend"],
        "requested": n_bytes(g["requested"]),
        **_memory(g["rest"]),
    },
)
wording(
    "out_of_memory",
    r"DefaultCPUAllocator: (?:can't allocate memory|not enough memory): you tried to allocate (?P<requested>\d+) bytes",
    lambda g: {"device": "cpu", "requested": int(g["requested"])},
)
wording(
    "out_of_memory",
    r"MPS backend out of memory (?P<rest>\(MPS allocated: [^()]{0,200}\))\. Tried to allocate (?P<requested><BYTES>)",
    lambda g: {"device": "mps", "requested": n_bytes(g["requested"]), **_memory(g["rest"])},
)
wording(
    "out_of_memory",
    r"Tried to allocate (?P<requested><BYTES>) (?P<rest>\(GPU \d+; .{0,400})",
    lambda g: {"device": _device("CUDA", g["rest"]), "requested": n_bytes(g["requested"]), **_memory(g["rest"])},
)
wording("out_of_memory", r"CUDA error: out of memory", lambda g: {"device": "cuda"})
wording("out_of_memory", r"HIP error: out of memory", lambda g: {"device": "cuda", "backend": "HIP"})
wording("out_of_memory", r"(?:cuda|CUDA) runtime error \(2\) ?: out of memory", lambda g: {"device": "cuda"})
wording("out_of_memory", r"error=2 ?: out of memory", lambda g: {"device": "cuda"})
wording(
    "out_of_memory",
    r"UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY",
    lambda g: {"device": "xpu", "backend": "XPU"},
)
wording(
    "out_of_memory",
    r"not enough memory: you tried to allocate (?P<requested>\d+ ?GB)",
    lambda g: {"device": "cpu", "requested": n_bytes(g["requested"])},
)
wording("out_of_memory", r"posix_memalign\(&data, gAlignment, nbytes\) == 0\. 12 vs 0", lambda g: {"device": "cpu"})
wording(
    "out_of_memory",
    r"Unable to allocate (?P<requested><BYTES>) for an array with shape",
    lambda g: {"device": "cpu", "requested": n_bytes(g["requested"])},
)
wording(
    "out_of_memory",
    r"Invalid buffer size: (?P<requested><BYTES>)",
    lambda g: {"device": "mps", "requested": n_bytes(g["requested"])},
)

# Python
wording("name_unknown", r"NameError: name '(?P<name>\w+)' is not defined", named("name"))
wording(
    "name_unknown",
    r"UnboundLocalError: (?:local variable '(?P<a>\w+)' referenced before assignment|cannot access local "
    r"variable '(?P<b>\w+)')",
    lambda g: {"name": g["a"] or g["b"], "is_unbound": True},
)
wording(
    "attribute_unknown",
    r"AttributeError: (?:module|type object|partially initialized module)? ?'(?P<owner>[\w.]+)' (?:object )?has "
    r"no attribute '(?!_(?:backward_hooks|forward_hooks|modules|parameters|buffers)')(?P<name>\w+)'",
    named("owner", "name"),
)
wording(
    "attribute_unknown",
    r"(?:AttributeError|ImportError): GraphLab has no '(?P<owner>[\w.]+)\.(?P<name>\w+)', though PyTorch [\d.]+ has it "
    r"\((?P<absent>[^()]{1,90})\)\.(?: The nearest that is here is '(?P<nearest>\w+)')?",
    lambda g: (
        {k: g[k] for k in ("owner", "name", "absent") if g[k]} | ({"nearest": [g["nearest"]]} if g["nearest"] else {})
    ),
)


def _matmul(a: list[int], b: list[int], op: str = "") -> dict[str, Any]:
    return {"op": op, "shapes": [a, b], "sizes": [a[-1], b[0]]}


def _types(a: str, b: str) -> dict[str, Any]:
    if ("cuda" in a) != ("cuda" in b):
        return {"op": "", "dtypes": [a, b], "devices": ["cuda" if "cuda" in t else "cpu" for t in (a, b)]}
    return {"op": "", "dtypes": [t.rpartition(".")[2].removesuffix("Tensor") for t in (a, b)]}


def _device(backend: str, rest: str) -> str:
    number = re.search(r"GPU (\d+)", rest)
    name = {"CUDA": "cuda", "HIP": "cuda", "XPU": "xpu"}.get(backend, "mps")
    if backend == "HIP" and number is None:
        return "cuda"  # ROCm's devices go by the same name
    return f"{name}:{number.group(1)}" if number else name


_PARTS = {
    "capacity": (r"total capaci?ty of ({b})", r"({b}) total capacity", r"max allowed: ({b})"),
    "limit": (r"({b}) allowed;",),
    "free": (r"of which ({b}) is free", r"({b}) free"),
    "allocated": (
        r"({b}) already allocated",
        r"({b}) is allocated by PyTorch",
        r"({b}) allocated by PyTorch",
        r"MPS allocated: ({b})",
    ),
    "reserved": (r"({b}) reserved in total by PyTorch",),
    "cached": (r"({b}) cached",),
    "unused": (r"({b}) is reserved by PyTorch but unallocated",),
    "process": (r"this process has ({b}) memory in use",),
    "private": (r"with ({b}) allocated in private pools",),
    "others": (r"[Oo]ther allocations: ({b})",),
}


def _memory(rest: str) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, patterns in _PARTS.items():
        for pattern in patterns:
            found = re.search(pattern.replace("{b}", _BYTES.replace(" ?", r"\s*")), rest)
            if found is not None:
                facts[name] = n_bytes(found.group(1))
                break
    others = re.findall(rf"Process \d+ has ({_BYTES}) memory in use", rest)
    if others:
        facts["other_processes"] = sum(n_bytes(o) for o in others)
    if "allocated" in facts:
        facts["in_use"] = facts["allocated"]
    if "cached" in facts and "allocated" in facts:
        # PyTorch up to 1.3 gives what is cached beside the allocated bytes; should they be in it, it is the larger
        # number.
        is_total = facts["cached"] >= facts["allocated"]
        facts["reserved"] = facts["cached"] + (0 if is_total else facts["allocated"])
        facts["unused"] = facts["reserved"] - facts["allocated"]
    variable = re.search(r"PYTORCH_(?:CUDA_|HIP_)?ALLOC_CONF", rest)
    if variable is not None:
        facts["variable"] = variable.group()
    return facts


# reading a pasted text

_ANSI = re.compile(r"\x1b(?:\[[0-9;?]{0,20}[ -/]?[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\))")
_PREFIX = re.compile(
    r"^(?:\[[\w.:/ -]{1,40}\]:? ?"
    r"|\d{4}-\d\d-\d\d[T ][\d:.,Z+]{5,20}[ :|-]{0,3}(?:\[?(?:ERROR|WARNING|INFO|CRITICAL|DEBUG)\]?[ :|-]{0,3})?"
    r"|(?:ERROR|WARNING|CRITICAL)[:|] ?"
    r"|E {3,}|`{1,3}|> ?|\| ?|>>> |\.\.\. |In \[\d+\]: |Out\[\d+\]: |\(\w+\) )"
)
_TYPE = re.compile(r"(?:^|\s|\.)([A-Z]\w{0,60}(?:Error|Exception|Warning|Interrupt|Iteration))\s*:")
_REPEATED = re.compile(r"\w{1,60}: Caught \w{1,60} in \w{1,60} worker process \d{1,9}\.")
"""What a loader puts before the traceback of its worker: the error itself stands in that."""
_MARKUP = re.compile(r"</?(?:span|div|pre|br|b|i|em|strong|code|p|font|samp)(?: [^<>]{0,200})?/?>")
_PLAIN = {
    ord("\x00"): "",
    ord("\ufeff"): "",
    ord("\u200b"): "",
    **{
        ord(wide): narrow
        for wide, narrow in zip("\uff08\uff09\uff3b\uff3d\u2018\u2019\u201c\u201d\xa0\u3000", "()[]''\"\"  ")
    },
    **{ord(wide): narrow + " " for wide, narrow in zip("\uff1a\uff0c\uff1b\u3002", ":,;.")},
}
"""Full-width and typographic characters, as input methods and word processors put them in."""
HALF = 24 * 1024
_BORDERS = frozenset("│┃║╭╰┌└┏┗━─")
_BORDER = re.compile(r"(?m)^[ \t]{0,40}[│┃║╭╰┌└┏┗├╞━─][─━═]{0,400} ?(?:❱ )?|[ \t]{0,200}[│┃║╮╯┐┘┓┛]$")
"""The frames that Rich draws around a traceback, with its mark on the failing line."""


def clean(text: str) -> list[str]:
    """The lines of a pasted text without colours, prompts and log prefixes; the middle of a huge one is left out."""
    if len(text) > 2 * HALF:
        text = text[:HALF] + "\n" + text[-HALF:]
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n").translate(_PLAIN)
    if "<" in text:
        text = _MARKUP.sub("", text)
    if "&" in text:
        for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&")):
            text = text.replace(entity, letter)
    if " worker process " in text:
        text = _REPEATED.sub("", text)
    if _BORDERS.intersection(text):
        text = _BORDER.sub("", text)
    lines = []
    for line in text.split("\n"):
        for _turn in range(3):
            shorter = _PREFIX.sub("", line, count=1) if not line.startswith("[enforce") else line
            if shorter == line:
                break
            line = shorter
        lines.append(line.strip())
    return lines


def read(text: str) -> Reading | None:
    """The first cause that a text tells: the earliest known error, else the earliest known warning."""
    lines = clean(text)
    joined = " ".join(line for line in lines if line)
    joined = re.sub(r"\s+", " ", joined)
    return _first(joined, loose=False) or _first("".join(lines), loose=True)


def read_message(message: str, type_: str = "") -> Reading | None:
    """The reading of one exception's or warning's message."""
    return _first(re.sub(r"\s+", " ", f"{type_}: {message}" if type_ else message)[: 2 * HALF], loose=False)


def _first(text: str, loose: bool) -> Reading | None:
    best: Reading | None = None
    for message in MESSAGES:
        found = message.search(text, loose)
        if found is None:
            continue
        order = (message.is_warning, found.start())
        if best is None or order < (best.is_warning, best.position):
            groups = found.groupdict()
            before = _TYPE.findall(text, max(0, found.start() - 200), found.start() + 1)
            best = Reading(
                message.kind,
                message.read(groups),
                before[-1] if before else "",
                found.start(),
                found.group()[:600],
                message.is_warning,
            )
    return best


def exception_in(text: str) -> tuple[str, str]:
    """Type and message of the first exception in a text that isn't known: ("RuntimeError", "…"), else ("", "")."""
    for line in clean(text):
        found = re.match(
            r"(?:[\w.]{1,80}\.)?([A-Z]\w{0,60}(?:Error|Exception|Warning|Interrupt|Exit))(?::\s*(.{0,500}))?$", line
        )
        if found is not None:
            return found.group(1), (found.group(2) or "").strip()
    return "", ""


def line_in(text: str) -> int:
    """The last line number of the learner's own file in a traceback, 0 where there is none."""
    numbers = [
        int(n)
        for path, n in re.findall(r'File "([^"\n]{1,300})", line (\d{1,9})', "\n".join(clean(text)))
        if "site-packages" not in path and "dist-packages" not in path
    ]
    return numbers[-1] if numbers else 0
