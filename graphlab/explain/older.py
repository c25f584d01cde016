"""Wordings of PyTorch 0.4 to 1.x, and of other devices, for failures that the catalogue knows under newer words."""

from __future__ import annotations

import re
from typing import Any

from graphlab.explain.messages import Groups, shape, wording

_NUMBERS = r"\[?(?P<{}>\d[\dx, ]{{0,80}})\]?"


def _kinds(wanted: str, found: str) -> dict[str, Any]:
    """Two tensor types of one message: devices where one is CUDA's and the other isn't, else dtypes."""
    places = ["cuda" if "cuda" in name else "cpu" for name in (found, wanted)]
    if places[0] != places[1]:
        return {"devices": places}
    return {"op": "", "dtypes": [name.rpartition(".")[2].removesuffix("Tensor") for name in (found, wanted)]}


def _place(name: str) -> str:
    """The device that a message calls "GPU", "CPU" or "CUDA"."""
    return {"GPU": "cuda", "CUDA": "cuda", "CPU": "cpu"}.get(name.upper(), name.lower())


def _named(g: Groups) -> dict[str, Any]:
    return {"devices": [_place(g["found"]), _place(g["wanted"])]}


# devices
wording("device_mix", r"Expected object of backend (?P<wanted>\w+) but got backend (?P<found>\w+)", _named)
wording(
    "device_mix",
    r"Expected object of type (?P<wanted>torch\.cuda\.\w+) but found type (?P<found>torch\.(?!cuda)\w+)",
    lambda g: _kinds(g["wanted"], g["found"]),
)
wording(
    "device_mix",
    r"Expected object of type (?P<wanted>torch\.(?!cuda)\w+) but found type (?P<found>torch\.cuda\.\w+)",
    lambda g: _kinds(g["wanted"], g["found"]),
)
wording(
    "dtype_mix",
    r"Expected object of type (?P<wanted>[\w.]{1,60}) but found type (?P<found>[\w.]{1,60}) for argument",
    lambda g: _kinds(g["wanted"], g["found"]),
)
wording(
    "device_mix",
    r"[Tt]ensor for (?:'\w+'|argument #\d+ '\w+') is on (?P<found>\w+),.{0,120}?but expected (?:it|them) to be on "
    r"(?P<wanted>\w+)",
    _named,
)
wording(
    "device_mix",
    r"to have the same device as tensor for argument #\d+ '\w+'; but device (?P<found>\d+) does not equal "
    r"(?P<wanted>\d+)",
    lambda g: {"devices": [f"cuda:{g['found']}", f"cuda:{g['wanted']}"]},
)
wording(
    "device_mix",
    r"Input and (?:hidden|parameter) tensors are not at the same device, found input tensor at (?P<found>[\w:]+) and "
    r"(?:hidden|parameter) tensor at (?P<wanted>[\w:]+)",
    _named,
)
wording(
    "device_mix",
    r"module must have its parameters and buffers on device (?P<wanted>[\w:]+) \(device_ids\[\d+\]\) but found one of "
    r"them on device: (?P<found>[\w:]+)",
    _named,
)
wording(
    "device_mix",
    r"indices should be either on cpu or on the same device as the indexed tensor \((?P<wanted>[\w:]+)\)",
    lambda g: {"devices": ["cuda" if g["wanted"] == "cpu" else "cpu", g["wanted"]]},
)
wording("device_mix", r"can't convert CUDA tensor to numpy", lambda g: {"devices": ["cuda", "cpu"], "op": "numpy"})
wording(
    "dtype_mix",
    r"Input type \((?P<found>[\w.:]{1,40})\) and (?:weight|bias) type \((?P<wanted>[\w.:]{1,40})\) should be the same",
    lambda g: _kinds(g["wanted"].replace("c10::", "."), g["found"].replace("c10::", ".")),
)

# shapes
wording(
    "reshape",
    r"size '\[(?P<wanted>[-\dx ]{1,80})\]' is invalid for input (?:with|of) (?P<n>\d+) elements",
    lambda g: {"wanted": [int(d) for d in re.findall(r"-?\d+", g["wanted"])], "n": int(g["n"])},
)
wording(
    "bmm_size",
    r"Expected tensor to have size (?P<a>\d+) at dimension (?P<dim>\d+), but got size (?P<b>\d+) for argument #\d+ "
    r"'batch2'",
    lambda g: {"sizes": [int(g["a"]), int(g["b"])], "dim": int(g["dim"])},
)
wording(
    "conv_rank",
    rf"Expected (?P<wanted>\d)-dimensional input for \d-dimensional weight {_NUMBERS.format('weight')}, but got "
    rf"(?P<n>\d)-dimensional input of size {_NUMBERS.format('shape')}",
    lambda g: {"op": f"conv{int(g['wanted']) - 2}d", "shape": shape(g["shape"]), "needs_batch": True},
)
wording(
    "conv_channels",
    rf"weight of size {_NUMBERS.format('weight')}, expected input{_NUMBERS.format('shape')} to have "
    r"(?P<wanted>\d+) channels, but got (?P<given>\d+) channels",
    lambda g: {
        "weight": shape(g["weight"]),
        "shape": shape(g["shape"]),
        "wanted": int(g["wanted"]),
        "given": int(g["given"]),
    },
)
wording(
    "target_shape",
    r"size mismatch \(got input: \[(?P<a>[\d, ]{0,60})\], target: \[(?P<b>[\d, ]{0,60})\]\)",
    lambda g: {"loss": "cross_entropy", "batch_sizes": [(shape(g["a"]) or [1])[0], (shape(g["b"]) or [1])[0]]},
)
wording(
    "matmul",
    r"a and b must have same reduction dim, but got (?P<a>\[\d+, \d+\]) X (?P<b>\[\d+, \d+\])",
    lambda g: {
        "op": "",
        "shapes": [shape(g["a"]), shape(g["b"])],
        "sizes": [shape(g["a"])[-1], shape(g["b"])[0]],
    },
)
wording("inplace_leaf", r"leaf variable has been moved into the graph interior", lambda g: {"is_view": False})
wording(
    "target_dtype",
    r"\"(?:host_)?nll_loss\w{0,60}_index\" not implemented for '(?P<dtype>\w+)'",
    lambda g: {"loss": "cross_entropy", "target_dtype": g["dtype"]},
)

# shapes without numbers, or with few
wording("matmul_bare", r"mat1 dim 1 must match mat2 dim 0")
wording("matmul_bare", r"(?:invalid argument \d{1,2}: )?(?<!\w)wrong matrix size at ")
wording("matmul_bare", r"size mismatch at /\S{1,200}?(?:Blas|BLAS|Math)\w{0,20}\.")
wording(
    "matmul",
    r"wrong matrix size, batch1: (?P<a>\d+x\d+), batch2: (?P<b>\d+x\d+)",
    lambda g: {
        "op": "bmm",
        "shapes": [shape(g["a"]), shape(g["b"])],
        "sizes": [shape(g["a"])[-1], shape(g["b"])[0]],
    },
)
wording("matmul_rank", r"expected 3D tensor(?:, got (?P<n>\d)D)?(?= at |$|\s)", lambda g: {"op": "bmm"})
wording("matmul_rank", r"matrices expected, got (?P<a>\d)D, (?P<b>\d)D tensors", lambda g: _ranks(g, "mm"))
wording("matmul_rank", r"vector and vector expected, got (?P<a>\d)D, (?P<b>\d)D tensors", lambda g: _ranks(g, "dot"))
wording("matmul_rank", r"matrix and vector expected, got (?P<a>\d)D, (?P<b>\d)D", lambda g: _ranks(g, "mv"))
wording("concat", r"(?<!\w)tensors must have same number of dimensions at", lambda g: {"op": "cat", "is_bare": "axes"})
wording(
    "concat",
    r"each element in list of batch should be of equal size",
    lambda g: {"op": "default_collate", "is_bare": "lengths"},
)
wording(
    "broadcast",
    r"inconsistent tensor size, expected (?:tensor|r_) \[(?P<a>[\dx ]{1,80})\](?:, t \[[\dx ]{1,80}\])? and src "
    r"\[(?P<b>[\dx ]{1,80})\] to have the same number of elements, but got",
    lambda g: _elements(shape(g["a"]), shape(g["b"])),
)
wording("dim_range", r"dimension specified as (?P<dim>-?\d+) but tensor has no dimensions", lambda g: _no_axes(g))
wording(
    "too_many_indices",
    r"trying to index \d+ dimensions of a (?P<n_dims>\d+) dimensional tensor",
    lambda g: {"n_dims": int(g["n_dims"])},
)
wording(
    "spatial_target",
    r"only batches of spatial targets supported \([\w -]{0,60}\) but got targets of (?:dimension: (?P<n>\d+)|"
    r"size: ?:? ?(?P<shape>\[[\d, ]{0,60}\]))",
    lambda g: {"n_dims": int(g["n"])} if g["n"] else {"target_shape": shape(g["shape"])},
)
wording(
    "target_count",
    r"Target and input must have the same number of elements\. target nelement \((?P<target>\d+)\) != input nelement "
    r"\((?P<input>\d+)\)",
    lambda g: {"n_target": int(g["target"]), "n_input": int(g["input"])},
)
wording(
    "gather_index",
    r"(?:Gather|Scatter|gather|scatter)(?:\(\))? got an? (?:input|index|tensor) of invalid size: ?got "
    r"(?P<given><SHAPE>),? (?:but )?expected (?P<wanted><SHAPE>)",
    lambda g: {"given": shape(g["given"]), "wanted": shape(g["wanted"]), "op": "gather"},
)
wording("gather_index", r"Invalid index in (?P<op>gather|scatter\w{0,5}) at", lambda g: {"op": g["op"]})
wording(
    "gather_index",
    r"Size does not match at dimension \d+ expected index (?P<given><SHAPE>) to be (?:no larger|smaller) than "
    r"(?:self|src) (?P<wanted><SHAPE>)",
    lambda g: {"given": shape(g["given"]), "wanted": shape(g["wanted"])},
)
wording(
    "conv_stride",
    r"expected (?P<name>stride|padding|dilation|output_padding) to be a single integer value or a list of (?P<n>\d) "
    r"values to match the convolution dimensions, but got \w+=(?P<given><SHAPE>)",
    lambda g: {"name": g["name"], "n_space": int(g["n"]), "given": shape(g["given"])},
)
wording("conv_kernel", r"[Kk]ernel size can't (?:be )?greater than actual input size at")
wording(
    "output_shape",
    r"output with shape (?P<a><SHAPE>) doesn't match the broadcast shape (?P<b><SHAPE>)",
    lambda g: {"shapes": [shape(g["a"]), shape(g["b"])]},
)
wording(
    "rnn_rank",
    r"input must have (?P<wanted>\d) dimensions, got (?P<given>\d)",
    lambda g: {"wanted": g["wanted"], "given": g["given"]},
)
wording(
    "rnn_rank",
    r"(?:LSTM|GRU|RNN)(?:Cell)?: Expected input to be (?P<a>\d)-?D or (?P<b>\d)-?D[ ,]{1,2}(?:but received|got) "
    r"(?P<given>\d)-?D",
    lambda g: {"wanted": f"{g['a']} or {g['b']}", "given": g["given"]},
)
wording(
    "rnn_rank",
    r"For (?:un)?batched (?P<n>\d)-D input, hx(?: and cx)? should also be (?P<wanted>\d)-D but got \(?(?P<given>\d)-D",
    lambda g: {"wanted": g["wanted"], "given": g["given"]},
)


def _ranks(g: Groups, op: str) -> dict[str, Any]:
    return {"op": op, "n_dims": [int(g["a"]), int(g["b"])]}


def _no_axes(g: Groups) -> dict[str, Any]:
    return {"dim": int(g["dim"]), "n_dims": 0}


def _elements(a: list[int], b: list[int]) -> dict[str, Any]:
    """Two shapes of PyTorch before 0.2, which didn't broadcast: the first axis where they differ."""
    dim = next((at for at, (x, y) in enumerate(zip(a, b)) if x != y), 0)
    return {"sizes": [a[dim], b[dim]], "dim": dim} if a and b else {}


# saved states
wording(
    "state_dict",
    r"While copying the parameter named \"?(?P<name>[\w.]{1,200}?)\"?, whose dimensions in the model are "
    r"(?P<model><SHAPE>) and whose dimensions in the checkpoint are (?P<saved><SHAPE>)",
    lambda g: {"name": "", "sizes": [[g["name"], shape(g["saved"]), shape(g["model"])]]},
)
wording(
    "state_dict",
    r"(?P<which>missing|unexpected) key(?:s)? (?:in (?:source )?state_dict: )?[\"'{]{1,3}(?P<name>[\w.]{1,200})[\"']",
    lambda g: {"name": "", g["which"]: [g["name"]]},
)

# the GPU
wording("device_assert", r"(?:cuda|CUDA) runtime error \((?:59|710)\) ?: device-side assert triggered")
wording("device_assert", r"error=(?:59|710) ?: device-side assert triggered")
wording("gpu_library", r"cublas runtime error ?: (?P<status>[\w -]{1,60}?) at ", lambda g: {"status": g["status"]})
wording(
    "gpu_library",
    r"(?:cuda|CUDA) runtime error \((?:77|700)\) ?: (?P<status>an illegal memory access was encountered)",
    lambda g: {"status": g["status"]},
)
wording(
    "gpu_absent",
    r"(?:cuda|CUDA) runtime error \((?:48|209|8)\) ?: (?:no kernel image|invalid device function)",
    lambda g: {"reason": "kernel"},
)
wording(
    "gpu_absent", r"(?:cuda|CUDA) runtime error \(\d{1,3}\) ?: invalid device ordinal", lambda g: {"reason": "ordinal"}
)
wording("gpu_absent", r"Torch not compiled with CUDA enabled", lambda g: {"reason": "build"})
wording("gpu_absent", r"all CUDA-capable devices are busy or unavailable", lambda g: {"reason": "busy"})
wording("gpu_absent", r"CUDA unknown error - this may be due to", lambda g: {"reason": "unknown"})
wording("gpu_absent", r"No CUDA GPUs are available", lambda g: {"reason": "hidden"})
wording("distributed", r"NCCL Error \d{1,3}: (?P<reason>[a-z ]{1,40})", lambda g: {"reason": g["reason"].strip()})
wording(
    "pickle_local",
    r"Can't pickle (?:<function )?(?P<name><lambda>|[\w.<>]{1,120})(?: at 0x[0-9a-f]{1,16})?>?: (?:attribute lookup|"
    r"it's not found|import of module)",
    lambda g: {"name": g["name"]},
)
wording("out_of_memory", r"The paging file is too small for this operation to complete", lambda g: {"device": "cpu"})
wording("out_of_memory", r"(?<!\w)std::bad_alloc", lambda g: {"device": "cpu"})
wording("out_of_memory", r"OSError: \[Errno 12\] Cannot allocate memory", lambda g: {"device": "cpu"})
wording("out_of_memory", r"(?<!\w)MemoryError(?::? ?$| (?=[A-Z]))", lambda g: {"device": "cpu"})
wording("gpu_library", r"(?P<status>UR_RESULT_ERROR_OUT_OF_RESOURCES)", lambda g: {"status": g["status"]})

# devices that a message tells in other words
wording(
    "device_mix",
    r"Placeholder storage has not been allocated on MPS device",
    lambda g: {"devices": ["cpu", "mps"]},
)
wording(
    "device_mix",
    r"Expected a '(?P<wanted>\w+)' (?:device type for generator|generator device) but found '(?P<found>\w+)'",
    lambda g: {**_named(g), "is_generator": True},
)
wording(
    "device_mix",
    r"'lengths' argument should be a 1D CPU int64 tensor, but got \dD (?P<found>(?!cpu)[\w:]{1,20}) \w+ tensor",
    lambda g: {"devices": [g["found"], "cpu"], "op": "pack_padded_sequence"},
)
wording(
    "gpu_library",
    r"(?:CUDA|HIP) error: (?P<status>(?!no kernel|invalid device|all CUDA|device-side|out of memory|operation failed)"
    r"[a-z][A-Za-z -]{3,70}[a-z])",
    lambda g: {"status": g["status"].partition(" Compile with")[0].partition(" CUDA kernel errors")[0]},
)
wording("gpu_absent", r"CUDA driver initialization failed", lambda g: {"reason": "unknown"})
wording(
    "gpu_absent",
    r"Unexpected error from cudaGetDeviceCount\(\)(?:.{0,200}?Error (?P<number>\d{1,4}): (?P<said>[\w ,-]{1,100}))?",
    lambda g: {"reason": "unknown", **{k: v.strip() for k, v in g.items() if v}},
)
wording(
    "gpu_absent",
    r"with CUDA capability (?P<capability>sm_\w{2,6}) is not compatible with the current PyTorch installation",
    lambda g: {"reason": "kernel", "capability": g["capability"]},
    warning=True,
)
wording("reshape", r"cannot reshape tensor of 0 elements into shape (?P<wanted>\[[-\d, ]{1,80}\])", lambda g: _empty(g))
wording(
    "rank_setup",
    r"client socket has timed out after (?P<seconds>\d{1,6})\w{0,2} while trying to connect to "
    r"\(?(?P<address>[\w.:, -]{1,80})",
    lambda g: {"reason": "connect", "seconds": g["seconds"], "address": g["address"].strip(" .")},
)
wording(
    "rank_setup",
    r"environment variable (?P<name>\w{1,40}) expected, but not set",
    lambda g: {"reason": "variable", "name": g["name"]},
)


def _empty(g: Groups) -> dict[str, Any]:
    return {"wanted": [int(d) for d in re.findall(r"-?\d+", g["wanted"])], "n": 0}
