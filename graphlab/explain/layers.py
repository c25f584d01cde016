"""What layers refuse: channels, ranks, windows larger than the picture, norms, embeddings, recurrent nets."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.shapes import rewrite
from graphlab.explain.source import argument, called, integer
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix


def layer_said(case: Case, default: str) -> str:
    """How to call the layer in which it happened: "`net.conv2` (Conv2d)", else `default`."""
    path, type_ = str(case.facts.get("module") or ""), str(case.facts.get("module_type") or "")
    if not path:
        return default
    return f"{words.code(path)} ({type_})" if type_ else words.code(path)


def layer_call(case: Case) -> ast.Call | None:
    """The call that made the layer in which it happened."""
    path, type_ = str(case.facts.get("module") or ""), str(case.facts.get("module_type") or "")
    return case.source.layer(path, type_) if path and type_ else None


def resized(case: Case, position: int, name: str, size: int | str) -> list[Fix]:
    """The fix that gives the layer's constructor another size."""
    call = layer_call(case)
    old = argument(call, position, name) if call is not None else None
    if call is None or old is None:
        return []
    text = case.source.text_of(call)
    start = case.source.text_of(old)
    new = f"{called(call)}(…{name}={size}…)"
    title = words.fill(
        N_("Make the layer for {size}: `{new}` instead of {old}"), {"size": size, "new": new, "old": start}
    )
    return [Fix(title, "maybe", [case.source.replace(old, str(size))])] if text else []


def _input_shape(case: Case) -> list[int]:
    given = case.facts.get("shapes")
    if isinstance(given, list) and given:
        return words.tuple_of(given[0])
    return words.tuple_of(case.facts.get("shape") or case.facts.get("input_shape") or [])


def _input(case: Case) -> tuple[str, list[Fix], bool]:
    """How to call the layer's input, and whether its place in the program is known."""
    (x,) = case.arguments([_("the input")], [_input_shape(case)])
    is_placed = bool(rewrite(case, x, "")) or x.node is not None
    if case.facts.get("module") and case.span is not None and isinstance(case.expression, ast.Call):
        call = case.expression
        name = case.source.text_of(call.func)
        is_own = str(case.facts["module"]).rpartition(".")[2] == name.rpartition(".")[2]
        if not is_own and str(case.facts["module"]) != name:
            return _("its input"), [], False  # an inner layer of what was called: the argument went through others
    return x.said, [], is_placed


def _appended(case: Case, suffix: str, title: str) -> list[Fix]:
    (x,) = case.arguments([_("the input")], [_input_shape(case)])
    edits = rewrite(case, x, suffix)
    return [Fix(words.fill(title, {"text": x.base, "suffix": suffix}), "maybe", edits)] if edits else []


_AXES = {
    1: N_("(batch, channels, length)"),
    2: N_("(batch, channels, height, width)"),
    3: N_("(batch, channels, depth, height, width)"),
}


@diagnosis(
    "GL114",
    Severity.ERROR,
    kinds=("conv_channels", "conv_rank", "pool_dims", "conv_stride"),
    title=N_("{layer} takes {wanted} channels but gets {given}"),
    what=N_("{x} has shape {shape}: {given} channels along axis 1, and {layer} was made for {wanted}."),
    why=N_("A convolution has one kernel for each input channel; its input is laid out as {layout}."),
    fix=N_("Make the layer with {given} input channels, or bring {x} into the layout {layout} with {wanted} channels."),
    example={"shapes": [[4, 1, 16, 16], [8, 3, 3, 3]], "sizes": [1, 3], "op": "conv2d"},
    program="""import torch
import torch.nn as nn
conv = nn.Conv2d(3, 8, 3)
x = torch.zeros(2, 1, 8, 8)
print(conv(x).shape)
""",
    mended="""import torch
import torch.nn as nn
conv = nn.Conv2d(1, 8, 3)
x = torch.zeros(2, 1, 8, 8)
print(conv(x).shape)
""",
)
def conv_input(case: Case) -> Found | None:
    """A convolution or pooling whose input has other channels or other axes."""
    shape = _input_shape(case)
    op = case.op
    n_space = next((int(d) for d in op if d in "123"), len(shape) - 2 if case.kind == "conv_channels" else 2)
    layout = _(_AXES.get(n_space, _AXES[2]))
    is_pool = "pool" in op or case.kind == "pool_dims"
    said = layer_said(case, words.code(op) if op else (_("the pooling layer") if is_pool else _("the convolution")))
    if case.kind == "conv_stride":
        return _conv_setting(case, said)
    x, _fixes, is_placed = _input(case)
    found = Found({"layer": said, "x": x, "shape": words.shape(shape), "layout": layout})
    if case.kind != "conv_channels":
        return _conv_rank(case, found, shape, n_space, is_pool, is_placed)
    sizes = case.facts.get("sizes") or [case.facts.get("given"), case.facts.get("wanted")]
    given, wanted = int(sizes[0]), int(sizes[1])
    found.words.update(given=given, wanted=wanted)
    found.facts.update(given=given, wanted=wanted)
    real = _recorded_shape(case)
    if len(real) == n_space + 1 and given != wanted:
        return _read_as_one(case, found, real, n_space, wanted, is_placed)
    groups = int(case.facts.get("groups") or 1)
    in_channels = given if not case.facts.get("groups") or groups == 1 else 0
    last = shape[-1] if shape else 0
    if last == wanted and len(shape) == n_space + 2:
        order = [0, n_space + 1, *range(1, n_space + 1)]
        found.what = N_(
            "{x} has shape {shape}: axis 1 holds {given}, but {layer} was made for {wanted} channels, and those "
            "stand last."
        )
        suffix = ".transpose(1, 2)" if n_space == 1 else f".permute({', '.join(map(str, order))})"
        found.words["suffix"] = suffix
        found.fix = N_("Bring the channels to axis 1 with `{suffix}`: the layout is {layout}.")
        if is_placed:
            found.fixes += _appended(case, suffix, N_("Move the channels to axis 1: `{text}{suffix}`"))
    if in_channels:
        found.fixes += resized(case, 0, "in_channels", in_channels)
    if not shape:
        found.what = N_("The input has {given} channels along axis 1, and {layer} was made for {wanted}.")
    return found


def _recorded_shape(case: Case) -> list[int]:
    """The shape of what the layer was given, as the recorder saw it: without a batch axis that the layer put in."""
    given = case.facts.get("operands") or []
    first = given[0] if given and isinstance(given[0], dict) else {}
    return words.tuple_of(first.get("shape") or [])


def _read_as_one(case: Case, found: Found, shape: list[int], n_space: int, wanted: int, is_placed: bool) -> Found:
    """An input without batch or channel axis, read as one sample whose channels stand first."""
    found.words.update(shape=words.shape(shape), n=len(shape), given=shape[0])
    found.what = N_(
        "{x} has shape {shape}: with {n} axes it counts as one sample of {given} channels, and {layer} was made for "
        "{wanted}."
    )
    if wanted == 1:
        suffix, new = ".unsqueeze(1)", [shape[0], 1, *shape[1:]]
        found.fix = N_("If axis 0 is the batch, give each sample a channel axis: `{text}` has shape {new}.")
        title = N_("Give each sample a channel axis: `{text}{suffix}`")
    elif shape[-1] == wanted:
        suffix, new = f".permute({', '.join(map(str, [n_space, *range(n_space)]))})", [wanted, *shape[:-1]]
        found.fix = N_("The {wanted} channels stand last; bring them to the front: `{text}` has shape {new}.")
        title = N_("Bring the channels to the front: `{text}{suffix}`")
    else:
        found.fix = N_("Put the missing axis in: the layout is {layout}, with {wanted} channels.")
        return found
    found.words.update(text=f"{_placed_text(case)}{suffix}", new=words.shape(new))
    if is_placed:
        found.fixes += _appended(case, suffix, title)
    return found


def _placed_text(case: Case) -> str:
    (x,) = case.arguments([_("the input")], [_input_shape(case)])
    return x.base or "x"


def _conv_rank(case: Case, found: Found, shape: list[int], n_space: int, is_pool: bool, is_placed: bool) -> Found:
    n = len(shape)
    found.words.update(n=n, n_wanted=n_space + 2, n_unbatched=n_space + 1)
    found.title = N_("{layer} takes {n_unbatched} or {n_wanted} axes, not {n}")
    found.what = N_("{x} has shape {shape}, that is {n} axes; {layer} takes {layout}, or the same without the batch.")
    if not shape:
        found.title = N_("{layer} takes {n_unbatched} or {n_wanted} axes")
        found.what = N_("The input has another number of axes than {layout}, which {layer} takes.")
    found.why = N_("Which axis means what is told by its position only, so a missing axis must be put in as size 1.")
    found.fix = N_("Put the missing axes in: `.unsqueeze(0)` for the channel, once more for the batch.")
    n_channels = case.facts.get("in_channels")
    if case.facts.get("needs_batch"):
        found.title = N_("{layer} takes {n_wanted} axes, not {n}")
        found.what = N_("{x} has shape {shape}, that is {n} axes; {layer} takes {layout}.")
        if n == n_space + 1:
            found.why = N_("PyTorch takes an input without the batch axis only since version 1.11.")
            found.fix = N_("Put the batch in front as size 1: `.unsqueeze(0)`.")
            return found
    if n == 2 and n_space >= 2 and shape[1] == n_channels and shape[0] != n_channels:
        suffix = ".unsqueeze(-1)" * n_space
        text = f"{_placed_text(case)}{suffix}"
        found.words.update(text=text, new=words.shape([*shape, *[1] * n_space]), n_channels=n_channels)
        found.fix = N_("Make each of the {n_channels} numbers a channel of size 1: `{text}` has shape {new}.")
        found.fixes += _appended(case, suffix, N_("Make each number a channel of size 1: `{text}{suffix}`"))
    elif n == n_space:
        found.fixes += (
            _appended(case, "[None, None]", N_("Put batch and channel in front: `{text}{suffix}`")) if is_placed else []
        )
        found.fixes += (
            _appended(case, ".unsqueeze(0)", N_("Put one channel in front: `{text}{suffix}`")) if is_placed else []
        )
    elif n > n_space + 2:
        found.fix = N_("Merge or drop axes until {layout} is left, for example with `.flatten(0, 1)`.")
    return found


def _conv_setting(case: Case, said: str) -> Found:
    """A setting for another number of axes than the input has: PyTorch takes that number from the input."""
    n_space, n_given = int(case.facts["n_space"]), len(case.facts["given"])
    return Found(
        {
            "layer": said,
            "name": words.code(str(case.facts["name"])),
            "n": n_space + 2,
            "n_wanted": n_given + 2,
            "given": words.shape(case.facts["given"]),
        },
        title=N_("{layer} got an input with another number of axes than it was made for"),
        what=N_("The input counts as {n} axes, with the batch, but {name} = {given} belongs to {n_wanted} axes."),
        why=N_("The number of axes along which the window moves is that of the input, without batch and channels."),
        fix=N_("Print the shape of the input and put the missing axis in: `.unsqueeze(0)` for the batch."),
    )


def _window(sizes: Sequence[int]) -> str:
    return " × ".join(str(s) for s in sizes)


@diagnosis(
    "GL115",
    Severity.ERROR,
    kinds=("conv_kernel", "output_too_small"),
    title=N_("The picture has become too small for {layer}"),
    what=N_("{x} is only {given} when it gets to {layer}, whose window is {window}: no place is left to put it."),
    why=N_(
        "Each convolution without padding and each pooling makes the picture smaller: size / stride, minus the kernel."
    ),
    fix=N_("Leave out one pooling, use a smaller kernel or `padding`, or give larger pictures to the net."),
    example={"sizes": [[3, 3], [5, 5]], "op": "conv2d"},
    program="""import torch
import torch.nn as nn
pool = nn.MaxPool2d(4)
print(pool(torch.zeros(1, 1, 2, 2)))
""",
    mended="""import torch
import torch.nn as nn
pool = nn.MaxPool2d(2)
print(pool(torch.zeros(1, 1, 2, 2)))
""",
)
def too_small(case: Case) -> Found | None:
    """A window larger than what it slides over."""
    sizes = case.facts.get("sizes") or [[], []]
    given = words.tuple_of(sizes[0])
    window = words.tuple_of(case.facts.get("window") or (sizes[1] if case.kind == "conv_kernel" else []))
    op = case.op
    said = layer_said(case, words.code(op) if op else _("this layer"))
    x, _fixes, _is_placed = _input(case)
    found = Found(
        {"layer": said, "x": x, "given": _window(given), "window": _window(window)}, {"given": given, "window": window}
    )
    if not window and not given:
        found.what = N_("The input of {layer} is smaller than its window; the message doesn't say how large both are.")
    elif not window:
        found.words["output"] = _window(words.tuple_of(sizes[1]))
        found.what = N_("{x} is only {given} when it gets to {layer}, so the output would be {output}: nothing.")
    call = layer_call(case)
    if call is not None and given and max(window, default=0) > min(given):
        old = argument(call, 2 if "conv" in called(call).lower() else 0, "kernel_size")
        if integer(old) is not None and old is not None:
            size = min(given)
            title = words.fill(N_("Use a window of {size}: `kernel_size={size}`"), {"size": size})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(old, str(size))]))
            if "conv" in called(call).lower() and argument(call, 4, "padding") is None:
                need = (max(window) - size + 1) // 2
                title = words.fill(N_("Add `padding={need}`, so that the window fits"), {"need": need})
                found.fixes.append(Fix(title, "maybe", [case.source.add_argument(call, f"padding={need}")]))
    return found


@diagnosis(
    "GL116",
    Severity.ERROR,
    kinds=("features", "normalized_shape", "norm_rank", "attention_width"),
    title=N_("{layer} is made for {wanted} features but gets {given}"),
    what=N_("{x} has shape {shape}: {given} features, and {layer} keeps its statistics for {wanted}."),
    why=N_("A norm layer has one mean, variance, weight and bias for each feature, so their number must agree."),
    fix=N_("Make the norm layer with {given}, the number of outputs of the layer before it."),
    example={"shape": [4, 20], "wanted": 10, "op": "batch_norm"},
    program="""import torch
import torch.nn as nn
norm = nn.BatchNorm1d(10)
print(norm(torch.zeros(4, 20)).shape)
""",
    mended="""import torch
import torch.nn as nn
norm = nn.BatchNorm1d(20)
print(norm(torch.zeros(4, 20)).shape)
""",
)
def norm_features(case: Case) -> Found | None:
    """A norm layer of another width."""
    shape = words.tuple_of(case.facts.get("shape") or [])
    said = layer_said(case, _("the norm layer"))
    x, _fixes, _is_placed = _input(case)
    found = Found({"layer": said, "x": x, "shape": words.shape(shape)})
    if case.kind == "attention_width":
        given, wanted = int(case.facts["given"]), int(case.facts["wanted"])
        return Found(
            {"layer": layer_said(case, _("the attention layer")), "given": given, "wanted": wanted},
            {"given": given, "wanted": wanted},
            what=N_("The last axis of the input has {given} numbers, and {layer} was made with `embed_dim` {wanted}."),
            why=N_("Attention works on vectors of one width, which all layers around it share (`d_model`)."),
            fix=N_("Let the layer before give {wanted} features, or make the attention with {given}."),
        )
    if case.kind == "norm_rank":
        found.words.update(n=case.facts.get("n_dims", 0), wanted=case.facts.get("wanted", ""))
        _rank_of_norm(case, found)
        return found
    if case.kind == "normalized_shape":
        sizes = words.tuple_of(case.facts.get("wanted") or [])
        ends = shape[-len(sizes) :] if sizes else shape
        found.words.update(
            wanted=words.shape(sizes) if len(sizes) != 1 else sizes[0],
            given=words.shape(ends) if len(ends) != 1 else ends[0],
        )
        found.what = N_("{x} has shape {shape}, which ends in {given}, and {layer} normalises over {wanted}.")
        found.why = N_("LayerNorm normalises over the last axes, so these must have the sizes that it was made with.")
        found.fix = N_("Make the layer with {given}, the size of the last axis.")
        found.fixes = resized(case, 0, "normalized_shape", ends[0] if len(ends) == 1 else words.shape(ends))
        return found
    given_n = int(case.facts.get("given") or (shape[1] if len(shape) > 1 else 0))
    wanted_n = int(case.facts.get("wanted") or 0)
    found.words.update(wanted=wanted_n, given=given_n)
    found.facts.update(given=given_n, wanted=wanted_n)
    if not shape:
        found.what = N_("The input has {given} features, and {layer} keeps its statistics for {wanted}.")
    found.fixes = resized(case, 0, "num_features", given_n)
    return found


def _rank_of_norm(case: Case, found: Found) -> None:
    """A batch norm of another number of axes than its input."""
    calls = [c for c in case.source.calls() if called(c).startswith(("BatchNorm", "InstanceNorm"))]
    by_axes = {"2": "1d", "3": "1d", "4": "2d", "5": "3d"}
    n = str(case.facts.get("n_dims") or "")
    wrong = [c for c in calls if n in by_axes and not called(c).endswith(by_axes[n])]
    event = next((e for e in reversed(case.trace.events) if e.kind == 1 and e.outputs), None) if case.trace else None
    shape = list(case.trace.tensors[event.outputs[0]].shape) if case.trace and event is not None else []
    if str(len(shape)) == n:
        found.words["shape"] = words.shape(shape)
    kind = called(wrong[0]) if len(wrong) == 1 else _("this norm layer")
    right = f"BatchNorm{by_axes.get(n, '1d')}"
    found.words.update(kind=words.code(kind) if len(wrong) == 1 else kind, right=right)
    found.title = N_("{kind} takes {wanted} axes, not {n}")
    found.what = N_("{kind} takes inputs with {wanted} axes, and this one has {n}.")
    if str(len(shape)) == n:
        found.what = N_("{kind} takes inputs with {wanted} axes, and this one has {n}: shape {shape}.")
    found.why = N_(
        "`BatchNorm1d` is for (batch, features), `BatchNorm2d` for pictures (batch, channels, height, width)."
    )
    found.fix = N_("Use `nn.{right}` for an input with {n} axes.")
    if len(wrong) == 1:
        func = wrong[0].func
        text = case.source.text_of(func).replace(called(wrong[0]), right)
        title = words.fill(N_("Use `{text}`"), {"text": text})
        found.fixes = [Fix(title, "safe", [case.source.replace(func, text)])]


@diagnosis(
    "GL117",
    Severity.ERROR,
    kinds=("norm_single",),
    title=N_("{layer} can't learn from one value per channel"),
    what=N_("{layer} got an input of shape {shape} while training: only one value for each channel."),
    why=N_("Batch norm divides by the spread of each channel over the batch, and one value has no spread."),
    fix=N_(
        "Train with batches of 2 or more (`drop_last=True` in the DataLoader), or call `.eval()` to predict one sample."
    ),
    example={"shape": [1, 6]},
    program="""import torch
import torch.nn as nn
norm = nn.BatchNorm1d(3)
print(norm(torch.zeros(1, 3)))
""",
    mended="""import torch
import torch.nn as nn
norm = nn.BatchNorm1d(3)
norm.eval()
print(norm(torch.zeros(1, 3)))
""",
)
def norm_single(case: Case) -> Found | None:
    """Batch norm of a batch of one, in training mode."""
    operands = case.facts.get("operands") or []
    shape = case.facts.get("shape") or (operands[0].get("shape") if operands and isinstance(operands[0], dict) else [])
    found = Found({"layer": layer_said(case, _("batch norm")), "shape": words.shape(words.tuple_of(shape))})
    loaders = [c for c in case.source.calls() if called(c) == "DataLoader"]
    if len(loaders) == 1 and argument(loaders[0], 99, "drop_last") is None:
        found.fixes.append(
            Fix(
                _("Leave out the last, smaller batch: `drop_last=True`"),
                "maybe",
                [case.source.add_argument(loaders[0], "drop_last=True")],
            )
        )
    statement = case.source.statement_of(case.expression) if case.expression is not None else None
    root = str(case.facts.get("module") or "").partition(".")[0]
    if statement is not None and root.isidentifier() and not loaders and case.source.assigned(root) is not None:
        title = words.fill(N_("Use the running statistics, if this is a prediction: `{root}.eval()`"), {"root": root})
        found.fixes.append(Fix(title, "maybe", [case.source.line_before(statement, f"{root}.eval()")]))
    return found


@diagnosis(
    "GL118",
    Severity.ERROR,
    kinds=("embedding_range", "index_range"),
    over=("GL108",),
    title=N_("The embedding has no row {index}"),
    what=N_("{x} holds the index {index}, but {layer} has {n} rows, numbered 0 to {last}."),
    why=N_("An embedding is a table with one row for each word number; a number outside has no row."),
    fix=N_("Make the table larger (`num_embeddings` must be the largest index + 1), or look where {index} comes from."),
    example={"op": "embedding", "index": 10, "size": 10},
    program="""import torch
import torch.nn as nn
table = nn.Embedding(5, 2)
print(table(torch.tensor([1, 5])))
""",
    mended="""import torch
import torch.nn as nn
table = nn.Embedding(6, 2)
print(table(torch.tensor([1, 5])))
""",
)
def embedding_range(case: Case) -> Found | None:
    """A word number without a row."""
    if case.kind == "index_range" and case.op != "embedding":
        return None
    said = layer_said(case, _("the embedding"))
    n = case.facts.get("size") or case.facts.get("rows") or case.facts.get("num_embeddings")
    index = case.facts.get("index")
    x, _fixes, _is_placed = _input(case)
    bad = _bad_index(case, int(n)) if n else None
    index = bad if bad is not None else index
    if index is None or not n:
        return Found(
            {"layer": said},
            title=N_("An index is outside of the embedding's table"),
            what=N_("One of the indices is negative, or not smaller than the number of rows of {layer}."),
            fix=N_("Compare `indices.max()` with `num_embeddings`, and see that no index is negative."),
        )
    index, n = int(index), int(n)
    found = Found(
        {"x": x, "layer": said, "index": words.number(index), "n": n, "last": n - 1}, {"index": index, "rows": n}
    )
    if index < 0:
        found.fix = N_("Leave negative numbers out: give padding a number of its own, and tell it with `padding_idx`.")
        return found
    call = layer_call(case)
    old = argument(call, 0, "num_embeddings") if call is not None else None
    if old is not None:
        new = f"{case.source.text_of(old)} + {index - n + 1}" if integer(old) is None else str(index + 1)
        title = words.fill(N_("Make room for it: `num_embeddings={new}`"), {"new": new})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(old, new)]))
    return found


def _bad_index(case: Case, n_rows: int) -> int | None:
    """The index outside of the table that lies farthest out, read from the recorded value."""
    from graphlab.explain.values import array_at

    tensors = case.tensors
    if case.trace is None or not tensors:
        return None
    array = array_at(case.trace, tensors[0].id, case.event)
    if array is None or not array.size or array.dtype.kind not in "iu":
        return None
    if array.max() >= n_rows:
        return int(array.max())
    return int(array.min()) if array.min() < 0 else None


@diagnosis(
    "GL130",
    Severity.ERROR,
    kinds=("rnn_input", "rnn_hidden", "rnn_batch", "rnn_rank"),
    title=N_("{layer} takes {wanted} numbers a step but gets {given}"),
    what=N_("The last axis of the input must be `input_size`, which is {wanted} here; it is {given}."),
    why=N_("A recurrent layer reads one vector of `input_size` numbers at each step of the sequence."),
    fix=N_("Make the layer with `input_size={given}`, or check the order of the axes (`batch_first`)."),
    example={"wanted": 5, "given": 4},
    program="""import torch
import torch.nn as nn
rnn = nn.RNN(5, 8)
print(rnn(torch.zeros(7, 2, 4))[0].shape)
""",
    mended="""import torch
import torch.nn as nn
rnn = nn.RNN(4, 8)
print(rnn(torch.zeros(7, 2, 4))[0].shape)
""",
)
def rnn_sizes(case: Case) -> Found | None:
    """A recurrent layer with another input or hidden state than it was made for."""
    said = layer_said(case, _("the recurrent layer"))
    if case.kind == "rnn_batch":
        return Found(
            {"layer": said, "wanted": case.facts["hidden"], "given": case.facts["given"]},
            title=N_("The step has {given} samples and the hidden state {wanted}"),
            what=N_("{layer} got an input of {given} rows, and a hidden state of {wanted}."),
            why=N_("A cell computes one step for the whole batch: input and state have one row for each sample."),
            fix=N_("Check which axis of the input is the batch, and take one step along the other: `x[:, t]`."),
        )
    if case.kind == "rnn_rank":
        return Found(
            {"layer": said, "wanted": case.facts.get("wanted", ""), "given": case.facts.get("given", "")},
            title=N_("{layer} takes {wanted} axes, not {given}"),
            what=N_("{layer} got a tensor with {given} axes, and it takes one with {wanted}."),
            why=N_(
                "Its axes are steps, batch and features, or batch first with `batch_first=True`; a state has three."
            ),
            fix=N_("Put the missing axis in with `unsqueeze`, or merge the axes that are too many with `flatten`."),
        )
    if case.kind == "rnn_hidden":
        wanted, given = words.tuple_of(case.facts["wanted"]), words.tuple_of(case.facts["given"])
        said_of = {"layer": said, "wanted": words.shape(wanted), "given": words.shape(given)}
        if len(wanted) == 3 and given[1:] == wanted[1:] and given[0] != wanted[0]:
            return Found(
                {**said_of, "n": wanted[0], "m": given[0]},
                title=N_("The hidden state must have shape {wanted}, not {given}"),
                what=N_(
                    "The state given to {layer} has {m} along its first axis, and {layer} has {n} states to begin."
                ),
                why=N_("Each layer and each direction has a state of its own: the first axis is layers × directions."),
                fix=N_("Make the state of shape {wanted}, or leave it out: it starts from zeros then."),
            )
        return Found(
            said_of,
            title=N_("The hidden state must have shape {wanted}, not {given}"),
            what=N_("The state given to {layer} has shape {given}; for this input it must be {wanted}."),
            why=N_("A state has one vector for each layer and sample: (layers × directions, batch, hidden size)."),
            fix=N_("Make the state with the batch size of the input, or leave it out: it starts from zeros then."),
        )
    found = Found({"layer": said, "wanted": case.facts["wanted"], "given": case.facts["given"]})
    calls = [c for c in case.source.calls() if called(c) in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")]
    if len(calls) == 1:
        old = argument(calls[0], 0, "input_size")
        if old is not None:
            title = words.fill(N_("Make the layer for {given}: `input_size={given}`"), found.words)
            found.fixes.append(Fix(title, "maybe", [case.source.replace(old, str(case.facts["given"]))]))
    return found


@diagnosis(
    "GL132",
    Severity.ERROR,
    kinds=("divisible",),
    title=N_("{a} can't be divided evenly into {b}"),
    what=N_("{a_value} {a} are to be split into {b_value} {b} of one size, and that leaves a rest."),
    why=N_("Heads and groups share the channels evenly, so their number must divide the number of channels."),
    fix=N_("Choose a divisor of {a_value} for {b}: {divisors}."),
    example={"a": "num_channels", "b": "num_groups", "values": [8, 3]},
    program="""import torch.nn as nn
norm = nn.GroupNorm(3, 8)
""",
    mended="""import torch.nn as nn
norm = nn.GroupNorm(4, 8)
""",
)
def divisible(case: Case) -> Found | None:
    """Channels that don't split into groups or heads."""
    a, b = str(case.facts["a"]), str(case.facts["b"])
    values = case.facts.get("values") or _constructor_values(case, a, b)
    found = Found({"a": words.code(a), "b": words.code(b)})
    numbers = [v for v in values if isinstance(v, int) and v > 0]
    if len(numbers) != 2:
        found.what = N_("The number in {a} isn't a multiple of {b}, so it can't be split evenly.")
        found.fix = N_("Choose for {b} a number that divides {a} without a rest.")
        return found
    whole, part = numbers
    divisors = [d for d in range(1, whole + 1) if whole % d == 0]
    if len(divisors) > 8:
        divisors = sorted(sorted(divisors, key=lambda d: abs(d - part))[:8])
    found.words.update(a_value=whole, b_value=part, divisors=", ".join(map(str, divisors)))
    found.facts.update(values=numbers)
    found.what = N_("{a} is {a_value} and {b} is {b_value}: {a_value} can't be split into {b_value} parts of one size.")
    call = case.call
    old = _argument_named(call, b) if call is not None else None
    if old is not None and integer(old) == part:
        best = min(divisors, key=lambda d: (abs(d - part), d))
        title = words.fill(N_("Use {n}: `{b}={n}`"), {"n": best, "b": b})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(old, str(best))]))
    return found


_POSITIONS = {
    "num_groups": 0,
    "num_channels": 1,
    "embed_dim": 0,
    "num_heads": 1,
    "in_channels": 0,
    "out_channels": 1,
    "groups": 6,
}


_ALIASES = {"embed_dim": (("d_model", 0),), "num_heads": (("nhead", 1),)}
"""What transformer layers call the settings of the attention in them."""


def _argument_named(call: ast.Call, name: str) -> ast.expr | None:
    found = argument(call, 99, name)
    for other, position in _ALIASES.get(name, ()):
        if found is None and called(call).startswith("Transformer"):
            found = argument(call, position, other)
    return found if found is not None else argument(call, _POSITIONS.get(name, 99), name)


def _constructor_values(case: Case, a: str, b: str) -> list[int | None]:
    call = case.call
    found = [case.source.number_behind(_argument_named(call, n)) for n in (a, b)] if call is not None else []
    return [pair[1] if pair is not None else None for pair in found]
