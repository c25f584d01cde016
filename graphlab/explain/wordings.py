"""More of PyTorch's wordings: layers, arguments, indices, loaders, saved states. See messages.py for how they "
"are read."""

from __future__ import annotations

import re

from graphlab.explain.loading import state_facts
from graphlab.explain.messages import ints, named, shape, wording

# layers
wording(
    "conv_kernel",
    r"Calculated padded input size per channel: \((?P<a>[\dx ]{1,40})\)\. Kernel size: \((?P<b>[\dx ]{1,40})\)\. "
    r"Kernel size can't be greater than actual input size",
    lambda g: {"sizes": [shape(g["a"]), shape(g["b"])]},
)
wording(
    "output_too_small",
    r"Given input size: \((?P<a>[\dx-]{1,60})\)\. Calculated output size: \((?P<b>[\dx-]{1,60})\)\. Output size is too "
    r"small",
    lambda g: {"sizes": [shape(g["a"])[1:], shape(g["b"])[1:]]},
)
wording("pool_dims", r"non-empty (?P<a>\d)D or (?P<b>\d)D \(batch mode\) tensor expected for input")
wording(
    "pool_dims",
    r"Expected (?P<a>\d)D or (?P<b>\d)D \(batch mode\) tensor with optional 0 dim batch size for input, but "
    r"got: ?(?P<shape><SHAPE>)",
    lambda g: {"shape": shape(g["shape"])},
)
wording(
    "conv_rank",
    r"Expected (?P<wanted>\d)-dimensional input for \d-dimensional weight <SHAPE>, but got "
    r"(?P<n>\d)-dimensional input of "
    r"size (?P<shape><SHAPE>) instead",
    lambda g: {"op": f"conv{int(g['wanted']) - 2}d", "shape": shape(g["shape"]), "needs_batch": True},
)
wording(
    "conv_channels",
    r"Given (?:groups|transposed)=\d+, weight(?: of size)? ?(?P<weight><SHAPE>), (?:so )?expected input "
    r"?(?P<shape><SHAPE>) "
    r"to have (?P<wanted>\d+) channels, but got (?P<given>\d+) channels",
    lambda g: {
        "weight": shape(g["weight"]),
        "shape": shape(g["shape"]),
        "wanted": int(g["wanted"]),
        "given": int(g["given"]),
    },
)
wording(
    "features",
    r"(?:running_mean|running_var|weight) should contain (?P<given>\d+) elements not (?P<wanted>\d+)",
    ints("given", "wanted"),
)
wording(
    "normalized_shape",
    r"Given normalized_shape=(?P<wanted><SHAPE>), expected input with shape \[\*, [\d, ]{1,60}\], but got input of "
    r"size ?(?P<shape><SHAPE>)",
    lambda g: {"wanted": shape(g["wanted"]), "shape": shape(g["shape"])},
)
wording(
    "norm_rank",
    r"expected (?P<wanted>\d)D(?: or (?P<also>\d)D)? input \(got (?P<n>\d)D input\)",
    lambda g: {"wanted": g["wanted"] + (f" or {g['also']}" if g["also"] else ""), "n_dims": int(g["n"])},
)
wording(
    "divisible",
    r"(?P<a>num_channels|embed_dim|in_channels|out_channels)(?: \((?P<va>\d+)\))? must be divisible by "
    r"(?P<b>num_groups|num_heads|groups)(?: \((?P<vb>\d+)\))?",
    lambda g: {"a": g["a"], "b": g["b"], **({"values": [int(g["va"]), int(g["vb"])]} if g["va"] and g["vb"] else {})},
)
wording(
    "rnn_input",
    r"input\.size\(-1\) must be equal to input_size\. Expected (?P<wanted>\d+), got (?P<given>\d+)",
    ints("wanted", "given"),
)
wording(
    "rnn_hidden",
    r"Expected hidden(?:\[\d\])? size (?P<wanted><SHAPE>), got (?P<given><SHAPE>)",
    lambda g: {"wanted": shape(g["wanted"]), "given": shape(g["given"])},
)

# arrangement
wording(
    "permute_count",
    r"number of dimensions in the tensor input does not match the length of the desired ordering of dimensions i\.e\. "
    r"input\.dim\(\) = (?P<n>\d+) is not equal to len\(dims\) = (?P<n_given>\d+)",
    ints("n", "n_given"),
)
wording("permute_count", r"number of dims don't match in permute")
wording("matrix_only", r"t\(\) expects a tensor with <= 2 dimensions, but self is (?P<n>\d+)D", ints("n"))
wording("repeat_count", r"Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
wording(
    "split_sizes",
    r"split_with_sizes expects split_sizes to sum exactly to (?P<n>\d+) \(input tensor's size at dimension "
    r"-?\d+\), but got "
    r"split_sizes=(?P<sizes><SHAPE>)",
    lambda g: {"n": int(g["n"]), "sizes": shape(g["sizes"])},
)
wording(
    "reshape",
    r"unflatten: Provided sizes (?P<wanted><SHAPE>) don't multiply up to the size of dim -?\d+ \((?P<n>\d+)",
    lambda g: {"wanted": shape(g["wanted"]), "n": int(g["n"])},
)
wording("reshape", r"only one dimension can be inferred", lambda g: {"wanted": [-1, -1]})
wording("empty_list", r"expected a non-empty list of Tensors", lambda g: {"op": "cat"})
wording("empty_list", r"stack expects a non-empty TensorList", lambda g: {"op": "stack"})
wording(
    "concat",
    r"zero-dimensional tensor \(at position (?P<index>\d+)\) cannot be concatenated",
    lambda g: {"op": "cat", "is_scalar": True},
)
wording("einsum", r"einsum\(\): (?:operands do not broadcast|subscript \w+ has size|operand)")
wording("not_square", r"(?:must be batches of square matrices|must be a square matrix|A must be square)")
wording("slice_step", r"step must be greater than zero")

# indices
wording("index_dtype", r"tensors used as indices must be long, (?:int, )?(?:byte|uint8) or bool tensors")
wording("index_dtype", r"\b(?P<op>\w{1,60})\(\): Expected dtype (?:int32/)?(?:int32 or )?int64 for index", named("op"))
wording("index_dtype", r"one_hot is only applicable to index tensor", lambda g: {"op": "one_hot"})
wording(
    "index_dtype",
    r"Expected tensor for argument #1 'indices' to have (?:one of the following scalar types: Long, Int|scalar "
    r"type Long); but got "
    r"(?P<dtype>[\w.]+)",
    lambda g: {"op": "embedding", "dtype": g["dtype"].removeprefix("torch.").replace("cuda.", "")},
)
wording(
    "index_kind",
    r"only integers, slices \(`:`\), ellipsis \(`\.\.\.`\), None and long or byte Variables are valid indices "
    r"\(got (?P<got>\w+)\)",
    named("got"),
)
wording("index_rank", r"Index tensor must have the same number of dimensions as (?:input|self|src) tensor")
wording(
    "index_shapes",
    r"shape mismatch: indexing tensors could not be broadcast together with shapes (?P<a><SHAPE>), (?P<b><SHAPE>)",
    lambda g: {"message_shapes": [shape(g["a"]), shape(g["b"])]},
)
wording(
    "index_value",
    r"shape mismatch: value tensor of shape (?P<a><SHAPE>) cannot be broadcast to indexing result of shape "
    r"(?P<b><SHAPE>)",
    lambda g: {"message_shapes": [shape(g["a"]), shape(g["b"])]},
)
wording(
    "index_range",
    r"index (?P<index>-?\d+) is out of bounds for dimension with size (?P<size>\d+)",
    ints("index", "size"),
)
wording("target_range", r"Class values must be smaller than num_classes", lambda g: {"loss": "one_hot"})
wording("topk", r"selected index k out of range")
wording("multinomial_range", r"probability tensor contains either `inf`, `nan` or element < 0")
wording("multinomial_range", r"invalid multinomial distribution \(sum of probabilities <= 0\)")
wording("multinomial_count", r"cannot sample n_sample > prob_dist\.size\(-1\) samples without replacement")
wording(
    "empty_reduction",
    r"\b(?P<op>\w{1,60})\(\): Expected reduction dim (?P<x>[-\d]{0,3} ?)to (?:be specified for input\.numel\(\) "
    r"== 0|have non-zero size)",
    lambda g: {"op": g["op"], "shape": [0]},
)

# kinds of arguments
wording(
    "argument_type",
    r"\b(?P<f>\w{1,60})\(\): argument '(?P<name>\w+)'(?: \(position \d+\))? must be (?P<wanted>[\w ]{1,40}?), "
    r"not (?P<got>\w+(?:\.\w+)*)",
    lambda g: {"function": g["f"], "argument": g["name"], "wanted": g["wanted"], "got": g["got"]},
)
wording(
    "argument_type",
    r"\b(?P<f>\w{1,60})\(\): argument '(?P<name>\w+)' failed to unpack the object at pos \d+ with error \"type "
    r"must be (?P<wanted>[\w "
    r"]{1,40}),but got (?P<got>\w+)",
    lambda g: {"function": g["f"], "argument": g["name"], "wanted": g["wanted"], "got": g["got"]},
)
wording(
    "argument_type",
    r"\b(?P<f>\w{1,60})\(\) received an invalid combination of arguments - got \((?P<given>[^()]{0,200})\)"
    r"(?P<offered>.{0,2000})",
    lambda g: _combination(g["f"], g["given"], g["offered"]),
)
wording("tensor_data", r"too many dimensions '(?P<got>\w+)'", named("got"))
wording("tensor_data", r"new\(\): invalid data type '(?P<got>\w+)'", named("got"))
wording("tensor_data", r"Could not infer dtype of (?P<got>\w+)", named("got"))
wording(
    "tensor_data", r"can't convert np\.ndarray of type numpy\.(?P<got>\w+?)_?\. The only supported types", named("got")
)
wording("bool_minus", r"Subtraction, the `-` operator, with (?:two bool tensors|a bool tensor) is not supported")
wording("requires_grad_flag", r"you can only change requires_grad flags of leaf variables")
wording("deepcopy", r"Only Tensors created explicitly by the user \(graph leaves\) support the deepcopy protocol")
wording(
    "gradient_count",
    r"function (?P<name>\w+) returned an incorrect number of gradients \(expected (?P<wanted>\d+), got (?P<got>\d+)\)",
    lambda g: {"name": g["name"], "wanted": int(g["wanted"]), "got": int(g["got"])},
)
wording(
    "class_weight",
    r"weight tensor should be defined either for all (?P<n>\d+) classes or no classes but got weight tensor of "
    r"shape: (?P<shape><SHAPE>)",
    lambda g: {"n": int(g["n"]), "shape": shape(g["shape"])},
)
wording("reduction", r"\b(?P<reduction>\w{1,60}) is not a valid value for reduction", named("reduction"))
wording(
    "target_shape",
    r"Expected target size (?P<a><SHAPE>), got (?P<b><SHAPE>)",
    lambda g: {"loss": "cross_entropy", "wanted_shape": shape(g["a"]), "target_shape": shape(g["b"])},
)
wording(
    "target_shape",
    r"For 1D input, 1D target must have size 1, but got target size: (?P<n>\d+)",
    lambda g: {"loss": "nll_loss", "target_shape": [int(g["n"])]},
)
wording(
    "device_mix",
    r"can't convert (?P<a>\w+):?\d* device type tensor to numpy",
    lambda g: {"devices": [g["a"], "cpu"], "op": "numpy"},
)

# data, modules, optimizers
wording("state_dict", r"(?P<all>Error\(s\) in loading state_dict for \w+:?.{0,20000})", lambda g: state_facts(g["all"]))
wording(
    "assign_parameter",
    r"cannot assign '(?P<got>[\w.]+)'(?: object)? (?:as|to) parameter '(?P<name>\w+)'",
    named("got", "name"),
)
wording(
    "collate",
    r"default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found <class "
    r"'(?P<got>[\w.]+)'>",
    named("got"),
)
wording("dataset_sizes", r"AssertionError: Size mismatch between tensors")
wording(
    "not_positive",
    r"\b(?P<name>\w{1,60}) should be a positive integer value, but got \w+ ?= ?(?P<value>-?\w+)",
    named("name", "value"),
)
wording("split_lengths", r"Sum of input lengths does not equal the length of the input dataset")
wording(
    "optimizer_setting",
    r"Invalid (?P<name>learning rate|momentum value|weight_decay value|epsilon value|beta parameter at index "
    r"\d): (?P<value>-?[\w.+-]{1,20})",
    named("name", "value"),
)
wording(
    "optimizer_setting",
    r"Nesterov momentum requires a momentum and zero dampening",
    lambda g: {"name": "nesterov", "value": "True"},
)
wording("not_optimizer", r"\b(?P<got>\w{1,60}) is not an Optimizer", named("got"))
wording("parameter_twice", r"some parameters appear in more than one parameter group")
wording("parameter_twice", r"optimizer contains a parameter group with duplicate parameters")
wording("not_module", r"(?<![\w.])(?P<got>[\w.]{1,120}) is not a Module subclass", named("got"))
wording(
    "probability",
    r"dropout probability has to be between 0 and 1, but got (?P<value>-?[\d.]{1,20})",
    lambda g: {"value": float(g["value"].rstrip("."))},
)
wording(
    "optimizer_tensor", r"optimizer can only optimize Tensors, but one of the params is (?P<got>[\w.]+)", named("got")
)


_TAKEN = {
    "Tensor": ("Tensor", "Parameter"),
    "int": ("int",),
    "float": ("float", "int"),
    "bool": ("bool",),
    "Number": ("int", "float", "bool", "complex", "Tensor"),
    "str": ("str",),
    "name": ("str",),
}


def _refused(kind: str, wanted: str) -> bool:
    """Whether an argument of Python's `kind` can't be what PyTorch calls `wanted`; False where that isn't known."""
    if kind == "NoneType":
        return False
    taken = ("tuple", "list", "Size", "int", "torch.Size") if wanted.startswith("tuple of") else _TAKEN.get(wanted)
    return taken is not None and kind not in taken


def _combination(function: str, given: str, offered: str) -> dict[str, object]:
    """What "received an invalid combination of arguments" says of the arguments that it got.

    `offered`: the ways to call it that the message lists. The way that most of the arguments fit is the one meant.
    """
    parts = [part.strip().replace("!", "") for part in given.split(",") if part.strip()]
    ways = re.findall(r"\*\s*\(([^()]{1,400})\)", offered)[:20] or re.findall(r"expected \(([^()]{1,400})\)", offered)
    known = {each.split(" = ")[0].strip().rpartition(" ")[2] for way in ways for each in way.split(",")} - {"*"}
    unknown = next((part for part in parts if "=" in part and part.partition("=")[0] not in known), "")
    if known and unknown:
        name, _, kind = unknown.partition("=")
        return {"function": function, "keyword": name, "known": sorted(known), "got": kind, "all": parts}
    kinds = [part for part in parts if "=" not in part]
    places = [len([each for each in way.split("*")[0].split(",") if each.strip()]) for way in ways]
    if places and len(kinds) > max(places):
        return {"function": function, "n": len(kinds), "most": max(places), "got": kinds[max(places)], "all": parts}
    misfits = []
    for way in ways:
        taken = [each.split(" = ")[0].strip().rpartition(" ") for each in way.split(",") if each.strip() != "*"]
        if len(kinds) <= len(taken):
            pairs = zip(kinds, taken, strict=False)
            misfits.append([(name, wanted, kind) for kind, (wanted, _, name) in pairs if _refused(kind, wanted)])
    meant = min(misfits, key=len, default=[])
    if meant and not any("=" in part for part in parts):
        name, wanted, kind = meant[0]
        return {"function": function, "argument": name, "wanted": wanted, "got": kind, "all": parts}
    names = [part.partition("=") for part in parts]
    odd = next(
        ((n, kind) for n, is_named, kind in names if is_named and kind not in ("Tensor", "int", "bool")),
        ("", re.sub(r"^.*=", "", parts[-1]) if parts else "nothing"),
    )
    return {"function": function, "argument": odd[0], "wanted": "", "got": odd[1], "all": parts}
