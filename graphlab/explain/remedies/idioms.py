"""Training idioms gone wrong: two networks, pairs as arguments, data sets of dictionaries, buffers, classes as rows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from math import prod

from graphlab.explain import words
from graphlab.explain.case import Argument, Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.gradients import _behind, _owner
from graphlab.explain.remedies.kit import (
    definition,
    enclosing,
    indent_of,
    maybe,
    names_in,
    on_line,
    remedy,
    shape_named,
    shortened,
    statement,
    tensor_named,
    without_call,
)
from graphlab.explain.remedies.shapes import last_layer, placed
from graphlab.explain.shapes import shapes_of
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix


@remedy("GL304", is_cause=True)
def fake_detached(case: Case, found: Found) -> Iterator[Fix]:
    """Two networks, two optimizers: what the first made is judged twice; cut its history where the second learns."""
    call = case.call_of("backward")
    loop = next(enclosing(case, call, ast.For, ast.While), case.source.tree)
    if loop is None:
        return
    calls = [n for n in ast.walk(loop) if isinstance(n, ast.Call)]
    steps = {dotted(c.func) for c in calls if called(c) == "step"}
    others = [c for c in calls if called(c) == "backward" and c is not call and c.lineno < case.line and not c.keywords]
    if len(steps) < 2 or not others or not isinstance(others[-1].func, ast.Attribute):
        return
    first, second = (
        [c for e in _behind(case, owner) for c in ast.walk(e) if isinstance(c, ast.Call) and dotted(c.func)]
        for owner in (others[-1].func.value, _owner(case))
    )
    for one in first:
        for node in one.args:
            made = case.source.assigned(dotted(node), node) if isinstance(node, ast.Name) else None
            is_shared = any(
                two is not one and dotted(two.func) == dotted(one.func) and node_name(two) == dotted(node)
                for two in second
            )
            if is_shared and isinstance(made, ast.Call) and one.lineno <= others[-1].lineno:
                text = f"{case.source.text_of(node)}.detach()"
                found.words.update(
                    at=others[-1].lineno, fake=words.code(dotted(node)), net=words.code(dotted(one.func))
                )
                found.fix = N_(
                    "Where {net} learns, cut {fake} from the network that made it: {fake} gets a `.detach()` in the "
                    "loss of line {at}."
                )
                yield maybe(
                    N_("Cut what {net} gets from its history on line {line}: `{text}`"),
                    case.source.append(node, ".detach()"),
                    net=words.code(dotted(one.func)),
                    line=one.lineno,
                    text=text,
                )
                return


def node_name(call: ast.Call) -> str:
    """The name of a call's first argument."""
    return dotted(call.args[0]) if call.args else ""


@remedy("GL306", is_cause=True)
def read_from_a_copy(case: Case, found: Found) -> Iterator[Fix]:
    """`states[t + 1] = cell(x[t], states[t])`: read from a copy, since the buffer is written to again."""
    for node in case.source.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Subscript):
            continue
        name = dotted(node.targets[0].value)
        reads = [n for n in ast.walk(node.value) if isinstance(n, ast.Subscript) and name and dotted(n.value) == name]
        if reads and node.lineno <= case.line:
            texts = [f"{case.source.text_of(r)}.clone()" for r in reads]
            found.words.update(buffer=words.code(name), at=node.lineno)
            found.fix = N_(
                "Line {at} writes into {buffer} while its entries are still needed: read them from a `.clone()`, or "
                "collect the results in a list and `torch.stack` them."
            )
            yield maybe(
                N_("Read from a copy on line {line}: `{text}`"),
                [e for r in reads for e in case.source.append(r, ".clone()")],
                line=node.lineno,
                text=texts[0],
            )


@remedy("GL303", is_cause=True)
def input_that_learns(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.autograd.grad(score, x)` of an input that nobody told to require a gradient."""
    if "differentiated Tensors" not in message_of(case):
        return
    call = case.call_of("grad")
    node = argument(call, 1, "inputs") if call is not None else None
    if node is None:
        return
    nodes = node.elts if isinstance(node, ast.Tuple | ast.List) else [node]
    names = [dotted(n) for n in nodes if dotted(n)]
    found.words["name"] = words.listing(words.code(n) for n in names) or words.code(case.source.text_of(node))
    found.title = N_("{name} doesn't require a gradient, so there is none to ask for")
    found.what = N_("`grad` is asked for the gradient of {name}, which was made without `requires_grad=True`.")
    found.why = N_("PyTorch records only what is computed from tensors that require a gradient.")
    found.fix = N_("Call `.requires_grad_()` on {name} before anything is computed from it.")
    for each in nodes:
        made = case.source.assigned(dotted(each), call) if dotted(each) else None
        where = case.source.statement_of(made)
        if made is None or not isinstance(where, ast.Assign):
            continue
        tensor = tensor_named(case, dotted(each))
        suffix = ".requires_grad_()" if tensor is None or not tensor.requires_grad else ""
        if suffix:
            yield maybe(
                N_("Let {name} require a gradient where it is made: `{text}`"),
                case.source.append(made, suffix),
                name=words.code(dotted(each)),
                text=shortened(f"{dotted(each)} = {case.source.base(made)}{suffix}", 90),
            )


@remedy("GL809", is_cause=True)
def pair_unpacked(case: Case, found: Found) -> Iterator[Fix]:
    """`model(pair)` where the model takes both parts as arguments."""
    missing = re.search(r"missing (\d+) required positional argument", message_of(case))
    if missing is None or ".forward()" not in message_of(case):
        return
    n = int(missing.group(1))
    for call in on_line(case, ast.Call):
        if len(call.args) != 1 or call.keywords or isinstance(call.args[0], ast.Starred):
            continue
        node = call.args[0]
        made = case.source.assigned(dotted(node), node) if dotted(node) else node
        loops = [
            loop for loop in enclosing(case, call, ast.For) if dotted(loop.target) == dotted(node) and dotted(node)
        ]
        if (isinstance(made, ast.Tuple | ast.List) and len(made.elts) == n + 1) or loops:
            text = f"*{case.source.text_of(node)}"
            found.words["text"] = text
            found.fix = N_("It was given one tuple; the star gives its parts one by one: `{text}`.")
            yield maybe(
                N_("Give the parts one by one: `{text}`"),
                [case.source.replace(node, text)],
                text=f"{case.source.text_of(call.func)}({text})",
            )


@remedy("GL809", is_cause=True)
def index_of_getitem(case: Case, found: Found) -> Iterator[Fix]:
    """`def __getitem__(self):` without the number of the sample."""
    named = re.match(r"(\w+)\.__getitem__\(\) takes 1 positional argument but 2", message_of(case))
    function = definition(case, "__getitem__", named.group(1)) if named is not None else None
    if function is None or len(function.args.args) != 1:
        return
    last = function.args.args[-1]
    name = "index"
    edits = [case.source.insert_at(last.end_lineno or last.lineno, last.end_col_offset or 0, f", {name}")]
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for part in parts:
                if isinstance(part, ast.Attribute) and dotted(part).startswith("self."):
                    edits += case.source.append(part, f"[{name}]")
    found.words.update(cls=words.code(named.group(1) if named is not None else ""))
    found.what = N_("A loader asks {cls} for one sample by its number, and `__getitem__` takes no number.")
    found.why = N_("`dataset[3]` calls `__getitem__(3)`, which must return sample number 3.")
    found.fix = N_("Write `def __getitem__(self, index):`, and return the sample with that number.")
    yield maybe(N_("Let `__getitem__` take the number of the sample, and return that one"), edits)


@remedy("GL131", "GL802", "GL812", is_cause=True)
def keys_for_values(case: Case, found: Found) -> Iterator[Fix]:
    """`for x, y in loader` where each batch is a dictionary: unpacking it gives the keys."""
    if "str" not in message_of(case):
        return
    keys = next(
        (
            [k.value for k in r.value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)]
            for f in case.source.nodes
            if isinstance(f, ast.FunctionDef) and f.name in ("__getitem__", "collate", "collate_fn")
            for r in ast.walk(f)
            if isinstance(r, ast.Return) and isinstance(r.value, ast.Dict)
        ),
        [],
    )
    for loop in enclosing(case, statement(case), ast.For):
        target = loop.target
        if not isinstance(target, ast.Tuple) or len(target.elts) != len(keys) or not keys:
            continue
        names = case.source.text_of(target)
        text = f"{names} = " + ", ".join(f'batch["{k}"]' for k in keys)
        found.words.update(
            keys=words.listing(words.code(repr(k)) for k in keys), at=loop.lineno, names=words.code(names)
        )
        found.what = N_("Each batch is a dictionary, and line {at} unpacks it: {names} get its keys {keys}.")
        found.why = N_("Going through a dictionary, or unpacking one, gives its keys and not its values.")
        found.fix = N_("Take the values by their keys.")
        yield maybe(
            N_("Take the values by their keys: `{text}`"),
            [case.source.replace(target, "batch"), case.source.line_before(loop.body[0], text)],
            text=text,
        )


def _loss_pair(case: Case) -> tuple[Argument, Argument] | None:
    shapes = [words.tuple_of(case.facts.get(key) or []) for key in ("input_shape", "target_shape")]
    operands = case.arguments(["", ""], shapes)
    if len(operands) < 2 or not all(placed(o) for o in operands[:2]):
        return None
    return operands[0], operands[1]


@remedy("GL403", is_cause=True)
def targets_of_this_batch(case: Case, found: Found) -> Iterator[Fix]:
    """Labels made once for a full batch, and a last batch that is smaller; one score where two come out."""
    pair = _loss_pair(case)
    if pair is None:
        return
    prediction, target = pair
    a, b = prediction.shape, target.shape
    if prediction.node is None or target.node is None:
        return
    if len(a) == len(b) and a[1:] == b[1:] and a[:1] < b[:1]:
        size = f"{prediction.base}.size(0)" if isinstance(prediction.node, ast.Name) else str(a[0])
        found.words.update(n=a[0], n_target=b[0], input=prediction.said, target=target.said)
        found.fix = N_(
            "The batch has {n} samples, and {target} was made for {n_target}: make it as long as the batch, which is "
            "shorter at the end of the data."
        )
        yield maybe(
            N_("Take as many targets as there are samples: `{text}`"),
            case.source.append(target.node, f"[:{size}]"),
            text=f"{target.base}[:{size}]",
        )
        for loader in [c for c in case.source.calls() if called(c) == "DataLoader"]:
            if argument(loader, 99, "drop_last") is None:
                yield maybe(
                    N_("Leave out the last, smaller batch: `drop_last=True`"),
                    [case.source.add_argument(loader, "drop_last=True")],
                )
    elif len(a) == 2 and a[1] > 1 and b in ([a[0]], [a[0], 1]):
        found.words.update(n=a[1], input=prediction.said, target=target.said, loss=found.words.get("loss", ""))
        found.fix = N_(
            "{input} has {n} numbers for each sample and {target} has one: for two classes one score is enough with "
            "{loss}; with {n} scores use `CrossEntropyLoss`."
        )
        flat = f"{target.base}.view(-1)" if len(b) == 2 else target.base
        layer = last_layer(case, case.tensors[0].id) if case.tensors else None
        if layer is not None:
            _call, node, path = layer
            suffix = ".squeeze(1)" if len(b) == 1 else ""
            edits = [case.source.replace(node, "1")]
            edits += case.source.append(prediction.node, suffix) if suffix else []
            yield maybe(
                N_("Let {layer} give one score for each sample: `{text}`"),
                edits,
                layer=words.code(path),
                text=f"{prediction.base}{suffix}",
            )
        text = f"torch.nn.functional.one_hot({flat}.long(), {a[1]}).float()"
        yield maybe(
            N_("Write each class as a row of {n} numbers: `{text}`"),
            [case.source.replace(target.node, text)],
            n=a[1],
            text=text,
        )


@remedy("GL101", is_cause=True)
def classes_as_rows(case: Case, found: Found) -> Iterator[Fix]:
    """Scores with an axis of classes against class numbers, as in a Dice loss: one-hot first."""
    shapes = shapes_of(case)
    tensors = case.tensors
    if len(shapes) != 2 or len(tensors) < 2 or case.op in ("eq", "ne"):
        return
    operands = case.arguments(["", ""], shapes)
    for a, b in ((0, 1), (1, 0)):
        scores, classes = shapes[a], shapes[b]
        name = dotted(operands[b].node)
        n = len(scores)
        if n != len(classes) + 1 or n < 2 or [scores[0], *scores[2:]] != classes or not name.isidentifier():
            continue
        if tensors[b].dtype != "int64" or scores[1] < 2:
            continue
        where = statement(case)
        text = f"torch.nn.functional.one_hot({name}, {scores[1]})"
        if n > 2:
            text += f".permute({', '.join(map(str, [0, n - 1, *range(1, n - 1)]))})"
        text = f"{name} = {text}"
        found.words.update(classes=words.code(name), n=scores[1])
        found.fix = N_(
            "{classes} holds class numbers; the other one has {n} scores for each: make rows with `one_hot`."
        )
        if where is not None:
            yield maybe(
                N_("Write each class as a row of {n} numbers: `{text}`"),
                [case.source.line_before(where, text)],
                n=scores[1],
                text=text,
            )


@remedy("GL107", is_cause=True)
def axis_for_joining(case: Case, found: Found) -> Iterator[Fix]:
    """`cat` of a matrix and a stack of one: give the matrix the missing axis."""
    call = case.call_of("cat", "concat")
    pieces = call.args[0] if call is not None and call.args else None
    if not isinstance(pieces, ast.Tuple | ast.List):
        return
    shapes = [shape_named(case, dotted(p)) for p in pieces.elts]
    known = [s for s in shapes if s is not None]
    if len(known) != len(shapes) or len({len(s) for s in known}) != 2:
        return
    most = max(known, key=len)
    for piece, shape in zip(pieces.elts, known):
        if len(shape) != len(most) - 1:
            continue
        for axis in range(len(most)):
            grown = [*shape[:axis], 1, *shape[axis:]]
            if sum(x != y for x, y in zip(grown, most)) <= 1:
                text = f"{case.source.base(piece)}.unsqueeze({axis})"
                found.words.update(piece=words.code(case.source.text_of(piece)), n=len(shape), most=len(most))
                found.fix = N_("{piece} has {n} axes and the other one {most}: give it the missing axis first.")
                yield maybe(
                    N_("Give {name} the missing axis: `{text}` has shape {shape}"),
                    case.source.append(piece, f".unsqueeze({axis})"),
                    name=words.code(case.source.text_of(piece)),
                    text=text,
                    shape=words.shape(grown),
                )
                break


@remedy("GL110", is_cause=True)
def axes_of_the_mask(case: Case, found: Found) -> Iterator[Fix]:
    """A mask that was flattened over the first axes: flatten what it picks from in the same way."""
    for node in on_line(case, ast.Subscript):
        shape = shape_named(case, dotted(node.value))
        mask = words.tuple_of(case.facts.get("mask") or case.facts.get("mask_shape") or [])
        if shape is None or len(mask) != 1:
            continue
        n_axes = next((k for k in range(2, len(shape) + 1) if prod(shape[:k]) == mask[0]), 0)
        if not n_axes:
            continue
        text = f"{dotted(node.value)}.flatten(0, {n_axes - 1})"
        found.words.update(text=text)
        found.fix = N_("The mask is flat; flatten the same axes of the tensor: `{text}`.")
        yield maybe(
            N_("Flatten the same axes of the tensor: `{text}`"),
            case.source.append(node.value, f".flatten(0, {n_axes - 1})"),
            text=text,
        )
        if isinstance(node.slice, ast.Call) and called(node.slice) in ("view", "flatten", "reshape", "ravel"):
            yield maybe(
                N_("Leave the mask as it is, with the axes of the tensor: `{text}`"),
                [without_call(case, node.slice)],
                text=shortened(case.source.text_of(node)),
            )


@remedy("GL407", is_cause=True)
def targets_of_any_size(case: Case, found: Found) -> Iterator[Fix]:
    """Targets that are measurements and not probabilities: the loss for those."""
    if not case.facts.get("is_target"):
        return
    for call in [*on_line(case, ast.Call), *case.source.calls()]:
        name = called(call)
        if name in ("binary_cross_entropy", "BCELoss"):
            new = "mse_loss" if name == "binary_cross_entropy" else "MSELoss"
            text = case.source.text_of(call.func).removesuffix(name) + new
            yield maybe(
                N_("Compare measurements by their squared distance: `{text}`"),
                [case.source.replace(call.func, text)],
                text=text,
            )
            return


@remedy("GL719")
def enough_steps(case: Case, found: Found) -> Iterator[Fix]:
    """`total_steps` as many as the loop makes; the schedule stepped only while it lasts."""
    n = case.facts.get("total")
    loops = list(enclosing(case, statement(case), ast.For))
    counts = [
        loop.iter.args[0]
        for loop in loops
        if isinstance(loop.iter, ast.Call) and called(loop.iter) == "range" and len(loop.iter.args) == 1
    ]
    for call in case.source.calls():
        node = argument(call, 2, "total_steps") if called(call) == "OneCycleLR" else None
        if node is not None and len(counts) == len(loops) and counts:
            text = " * ".join(case.source.base(c) for c in counts)
            yield maybe(
                N_("Plan as many steps as the loop makes: `total_steps={text}`"),
                [case.source.replace(node, text)],
                text=text,
            )
    where = statement(case)
    if (
        isinstance(where, ast.Expr)
        and isinstance(where.value, ast.Call)
        and isinstance(where.value.func, ast.Attribute)
    ):
        owner = case.source.text_of(where.value.func.value)
        text = f"if {owner}.last_epoch < {n} - 1:"
        if isinstance(n, int):
            yield maybe(
                N_("Step only while the schedule lasts: `{text}`"),
                [case.source.replace(where, f"{text}\n{indent_of(case, where)}    {case.source.text_of(where)}")],
                text=text,
            )


@remedy("GL708")
def tensor_for_buffer(case: Case, found: Found) -> Iterator[Fix]:
    """`CrossEntropyLoss(weight=[0.2, 0.8])`: a tensor of the list."""
    name = str(case.facts.get("name") or "")
    for call in on_line(case, ast.Call):
        for item in call.keywords:
            if item.arg == name:
                text = f"torch.tensor({case.source.text_of(item.value)})"
                yield maybe(
                    N_("Make a tensor of it: `{text}`"), [case.source.replace(item.value, text)], text=shortened(text)
                )
        if called(call) == "register_buffer" and len(call.args) > 1:
            text = f"torch.tensor({case.source.text_of(call.args[1])})"
            yield maybe(
                N_("Make a tensor of it: `{text}`"), [case.source.replace(call.args[1], text)], text=shortened(text)
            )
    where = statement(case)
    if isinstance(where, ast.Assign) and not isinstance(where.value, ast.Call):
        text = f"torch.tensor({case.source.text_of(where.value)})"
        yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(where.value, text)], text=shortened(text))


@remedy("GL213")
def mask_of_truth(case: Case, found: Found) -> Iterator[Fix]:
    """A mask of 0 and 1: as True and False."""
    call = case.call_of("masked_fill", "masked_fill_", "where", "masked_select")
    if call is None:
        return
    is_function = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "torch"
    node = argument(call, 1 if is_function and called(call) != "where" else 0, "mask")
    if node is not None:
        yield maybe(
            N_("Turn 0 and 1 into False and True: `{text}.bool()`"),
            case.source.append(node, ".bool()"),
            text=case.source.base(node),
        )


@remedy("GL214")
def source_converted(case: Case, found: Found) -> Iterator[Fix]:
    """What is put in, turned into the dtype of what it is put into."""
    call = case.call_of("scatter", "scatter_", "scatter_add", "scatter_add_", "scatter_reduce", "scatter_reduce_")
    if call is None or not isinstance(call.func, ast.Attribute):
        return
    is_function = dotted(call.func.value) == "torch"
    owner = call.args[0] if is_function and call.args else call.func.value
    node = argument(call, 3 if is_function else 2, "src")
    if node is not None:
        suffix = f".to({case.source.text_of(owner)}.dtype)"
        yield maybe(
            N_("Give it the same type: `{text}`"),
            case.source.append(node, suffix),
            text=shortened(case.source.base(node) + suffix),
        )


@remedy("GL405", is_cause=True)
def classes_below_zero(case: Case, found: Found) -> Iterator[Fix]:
    """`one_hot` of labels with −1 or −100 for what is to be ignored."""
    if "non-negative" not in message_of(case):
        return
    call = case.call_of("one_hot")
    node = argument(call, 0, "tensor") if call is not None else None
    if node is not None:
        base = case.source.base(node)
        yield maybe(
            N_("Leave out the samples without a class: `{text}`"),
            [case.source.replace(node, f"{base}[{base} >= 0]")],
            text=f"{base}[{base} >= 0]",
        )
        yield maybe(
            N_("Count them as class 0: `{text}`"),
            case.source.append(node, ".clamp(min=0)"),
            text=f"{base}.clamp(min=0)",
        )


@remedy("GL201", is_cause=True)
def weights_of_the_classes(case: Case, found: Found) -> Iterator[Fix]:
    """Class weights in double precision, as NumPy computes them."""
    if case.op not in ("cross_entropy", "nll_loss"):
        return
    for call in case.source.calls():
        node = argument(call, 0 if called(call) in ("CrossEntropyLoss", "NLLLoss") else 2, "weight")
        if called(call) not in ("CrossEntropyLoss", "NLLLoss", "cross_entropy", "nll_loss") or node is None:
            continue
        found.words["b"] = words.code(case.source.text_of(node))
        found.words["name"] = found.words["b"]
        found.why = N_("The scores and the weights of the classes are multiplied, and a loss doesn't convert either.")
        found.fixes = []
        yield maybe(
            N_("Write `{text}{suffix}`"),
            case.source.append(node, ".float()"),
            text=case.source.base(node),
            suffix=".float()",
        )
        return


@remedy("GL414")
def weight_for_each_column(case: Case, found: Found) -> Iterator[Fix]:
    """`pos_weight` with another number of entries than there are labels."""
    n = case.facts.get("n")
    for call in case.source.calls():
        node = argument(call, 99, "pos_weight")
        made = case.source.assigned(dotted(node), node) if node is not None and dotted(node) else node
        if isinstance(made, ast.Call) and called(made) == "tensor" and made.args and isinstance(n, int):
            items = made.args[0].elts if isinstance(made.args[0], ast.List) else []
            if items and len(items) < n:
                _, _, line, column = case.source.place(items[-1])
                yield maybe(
                    N_("Give the missing classes the weight 1: {n} numbers in all"),
                    [case.source.insert_at(line, column, ", 1.0" * (n - len(items)))],
                    n=n,
                )
            elif len(items) > n > 0:
                _, _, line, column = case.source.place(items[n - 1])
                _, _, end_line, end_column = case.source.place(items[-1])
                yield maybe(
                    N_("Keep the weights of the {n} classes that there are"),
                    [Edit(line, column, end_line, end_column, "")],
                    n=n,
                )
        if node is not None and integer(node) is None and names_in(node) == []:
            return
