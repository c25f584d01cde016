"""What is handed over: the batch axis of one sample, lists of tensors, generators, masks, targets of another part."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from math import prod

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    definition,
    enclosing,
    maybe,
    on_line,
    remedy,
    shape_named,
    tensor_named,
    visible,
)
from graphlab.explain.shapes import shapes_of
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix


@remedy("GL116", leads=True)
def batch_of_one(case: Case, found: Found) -> Iterator[Fix]:
    """A picture without a batch axis, given to a whole net."""
    if case.kind != "norm_rank" or str(found.words.get("n")) not in "34":
        return
    n = int(str(found.words.get("n")))
    if str(n + 1) not in str(case.facts.get("wanted") or ""):
        return
    root = str(case.facts.get("module") or "").partition(".")[0]
    for call in case.source.calls():
        node = call.args[0] if len(call.args) == 1 else None
        made = case.source.assigned(dotted(call.func), call) if dotted(call.func) else None
        if node is None or not isinstance(made, ast.Call) or called(call) in ("print", "super"):
            continue
        while isinstance(made.func, ast.Attribute) and isinstance(made.func.value, ast.Call):  # Net().eval()
            made = made.func.value
        shape = shape_named(case, dotted(node))
        is_net = dotted(call.func) == root or case.source.class_of(called(made)) is not None
        if is_net and shape is not None and len(shape) == n:
            text = f"{case.source.base(node)}.unsqueeze(0)"
            found.words.update(sample=words.code(case.source.text_of(node)), sample_shape=words.shape(shape), text=text)
            found.fix = N_("{sample} has shape {sample_shape}, one sample without a batch axis: write `{text}`.")
            yield maybe(
                N_("Make a batch of one sample: `{text}`"), case.source.append(node, ".unsqueeze(0)"), text=text
            )
            found.fixes = []
            return


@remedy("GL130", is_cause=True)
def feature_axis(case: Case, found: Found) -> Iterator[Fix]:
    """A series of numbers where each step must be a vector of one."""
    if case.kind != "rnn_input" or case.facts.get("wanted") != 1:
        return
    for call in on_line(case, ast.Call):
        node = call.args[0] if call.args and dotted(call.func) else None
        tensor = tensor_named(case, dotted(node))
        is_other = tensor is not None and (len(tensor.shape) > 2 or tensor.shape[-1:] != [case.facts.get("given")])
        if node is None or not dotted(node) or is_other or not _is_recurrent(case, call):
            continue
        text = f"{case.source.base(node)}.unsqueeze(-1)"
        found.words.update(x=words.code(dotted(node)), text=text)
        found.fix = N_("Each step of {x} must be a vector of one number: write `{text}`.")
        yield maybe(
            N_("Give each step one number of its own: `{text}`"), case.source.append(node, ".unsqueeze(-1)"), text=text
        )


def _is_recurrent(case: Case, call: ast.Call) -> bool:
    made = case.source.assigned(dotted(call.func), call)
    return called(made) in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell")


@remedy("GL811", is_cause=True)
def none_at_first(case: Case, found: Found) -> Iterator[Fix]:
    """`if loss < best` with `best = None` at the start."""
    if "NoneType" not in message_of(case) or "not supported between" not in message_of(case):
        return
    for node in on_line(case, ast.Compare):
        for side in (node.left, *node.comparators):
            made = case.source.assigned(dotted(side), side) if dotted(side) else None
            name = dotted(side)
            is_none = any(
                isinstance(n, ast.Assign)
                and dotted(n.targets[0]) == name
                and isinstance(n.value, ast.Constant)
                and n.value.value is None
                for n in case.source.nodes
            )
            if name and (is_none or (isinstance(made, ast.Constant) and made.value is None)):
                text = f"{name} is None or {case.source.text_of(node)}"
                found.words["best"] = words.code(name)
                found.fix = N_("{best} holds nothing in the first turn: ask for that first, or begin with `float(…)`.")
                inner = case.source.parents.get(node)
                new = f"({text})" if isinstance(inner, ast.BoolOp | ast.UnaryOp) else text
                yield maybe(
                    N_("Ask first whether it holds nothing: `{text}`"), [case.source.replace(node, new)], text=text
                )
                return


@remedy("GL403", "GL402", is_cause=True)
def targets_of_the_same_part(case: Case, found: Found) -> Iterator[Fix]:
    """`y_test` against predictions for `X_train`."""
    shapes = [words.tuple_of(case.facts.get(key) or []) for key in ("input_shape", "target_shape")]
    operands = case.arguments(["", ""], shapes)
    if len(operands) < 2 or operands[1].node is None or not all(o.shape for o in operands[:2]):
        return
    prediction, target = operands[:2]
    if prod(prediction.shape) == prod(target.shape):
        return
    if prediction.shape[0] != target.shape[0] and "n_target" not in found.words:
        found.words.update(n=prod(prediction.shape), m=prod(target.shape))
        found.words["target"] = target.said or words.code(target.base)
        found.fix = N_("One holds {n} numbers and {target} holds {m}: check that both come from the same samples.")
    elif len(prediction.shape) > 2:
        found.words["target"] = target.said or words.code(target.base)
        found.fix = N_("The layers before give other sizes than {target} has: pad or crop one of the two.")
    node = operands[1].node
    old = tensor_named(case, dotted(node))
    stem = dotted(node).partition("_")[0]
    for name in visible(case, node):
        other = tensor_named(case, name)
        if other is None or old is None or name in (dotted(node), dotted(prediction.node)):
            continue
        wanted = list(prediction.shape) if len(target.shape) == len(prediction.shape) else prediction.shape[:1]
        if list(other.shape) == wanted and other.dtype == old.dtype and name.partition("_")[0] == stem:
            yield maybe(
                N_("Compare with the targets of the same samples: `{name}` has shape {shape}"),
                [case.source.replace(node, name)],
                name=name,
                shape=words.shape(wanted),
            )
    a, b = prediction.shape, target.shape
    if len(a) == len(b) >= 3 and all(0 <= y - x <= 1 for x, y in zip(a, b)):
        makers = [c for c in case.source.calls() if called(c).startswith("ConvTranspose")]
        if makers and argument(makers[-1], 99, "output_padding") is None:
            yield maybe(
                N_("Let the last transposed convolution give one row more: `output_padding=1`"),
                [case.source.add_argument(makers[-1], "output_padding=1")],
            )


@remedy("GL131", is_cause=True)
def layer_made_with_the_data(case: Case, found: Found) -> Iterator[Fix]:
    """`x = nn.ReLU(x)` on a line before: a layer, not its output."""
    got = str(found.facts.get("got") or "")
    for node in on_line(case, ast.Name):
        before = [
            n.value
            for n in case.source.nodes
            if isinstance(n, ast.Assign)
            and dotted(n.targets[0]) == node.id
            and n.lineno < case.line
            and case.source.scope_of(n) is case.source.scope_of(node)
        ]
        made = before[-1] if before else None
        if got and isinstance(made, ast.Call) and called(made) == got and made.args:
            text = f"{case.source.text_of(made.func)}()"
            _, _, line, column = case.source.place(made.func)
            found.words.update(node=words.code(node.id), at=made.lineno, plain=case.source.text_of(made.func))
            found.what = N_("{node} is a layer: `{plain}(…)` on line {at} makes one, with the data as its setting.")
            found.why = N_("A layer is made first and called afterwards: the first brackets hold settings only.")
            found.fix = N_("Write `{plain}()(…)` on line {at}.")
            yield maybe(
                N_("Make the layer, then call it: `{text}(…)`"), [case.source.insert_at(line, column, "()")], text=text
            )
            return


@remedy("GL131", "GL802", is_cause=True)
def tensors_stacked(case: Case, found: Found) -> Iterator[Fix]:
    """A list or tuple of tensors where one tensor is wanted: `torch.mean(predictions)`, what `zip(*batch)` gives."""
    got = str(found.facts.get("got") or found.facts.get("owner") or "")
    if got not in ("list", "tuple"):
        return
    for node in on_line(case, ast.Name):
        made = case.source.assigned(node.id, node)
        is_zip = made is None and any(
            isinstance(n, ast.Assign)
            and isinstance(n.targets[0], ast.Tuple)
            and node.id in [dotted(t) for t in n.targets[0].elts]
            and isinstance(n.value, ast.Call)
            and called(n.value) == "zip"
            for n in case.source.nodes
        )
        is_list = got == "list" and isinstance(made, ast.ListComp) and isinstance(made.elt, ast.Call)
        parent = case.source.parents.get(node)
        if not (is_zip or is_list) or not isinstance(parent, ast.Call) or parent.func is node:
            continue
        text = f"torch.stack({node.id})"
        found.words.update(node=words.code(node.id), text=text)
        found.fix = N_("{node} holds several tensors; lay them on each other to get one: `{text}`.")
        yield maybe(N_("Make one tensor of them: `{text}`"), [case.source.replace(node, text)], text=text)
        if called(parent) in ("mean", "sum") and len(parent.args) == 1:
            yield maybe(
                N_("Take it over the list, entry by entry: `{text}`"),
                [case.source.replace(node, f"{text}, dim=0")],
                text=f"{case.source.text_of(parent.func)}({text}, dim=0)",
            )


@remedy("GL131", is_cause=True)
def arrays_stacked(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.stack` of NumPy arrays, `from_numpy` of a list."""
    call = case.call_of("stack", "cat", "concat", "vstack", "hstack")
    if call is not None and call.args and "ndarray" in str(found.facts.get("got")):
        inner = call.args[0]
        text = f"[torch.from_numpy(a) for a in {case.source.text_of(inner)}]"
        yield maybe(N_("Turn each array into a tensor: `{text}`"), [case.source.replace(inner, text)], text=text)
        found.fixes = []
    call = case.call_of("from_numpy")
    if call is not None and found.facts.get("got") in ("list", "tuple", "int", "float"):
        text = case.source.text_of(call.func).removesuffix("from_numpy") + "tensor"
        yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(call.func, text)], text=f"{text}(…)")


_TAKE_FUNCTIONS = frozenset({"apply", "map", "filter", "register_hook", "register_forward_hook", "vmap", "grad"})


@remedy("GL809", is_cause=True)
def function_itself(case: Case, found: Found) -> Iterator[Fix]:
    """`net.apply(init_weights())`: the function is to be given, not its result."""
    if "missing" not in message_of(case):
        return
    for call in on_line(case, ast.Call):
        parent = case.source.parents.get(call)
        name = dotted(call.func)
        is_given = isinstance(parent, ast.Call) and call in parent.args and called(parent) in _TAKE_FUNCTIONS
        if not call.args and not call.keywords and is_given and definition(case, name) is not None:
            _, _, line, column = case.source.place(call.func)
            _, _, end_line, end_column = case.source.place(call)
            found.words.update(plain=name)
            found.fix = N_("Give the function itself, without brackets: `{plain}`; it is called later.")
            yield maybe(
                N_("Give the function itself: `{text}`"), [Edit(line, column, end_line, end_column, "")], text=name
            )


def _summands(node: ast.expr) -> list[ast.expr]:
    """The entries of a list, the operands of a chain of `+`."""
    if isinstance(node, ast.List):
        return node.elts
    if isinstance(node, ast.BinOp):
        return [*_summands(node.left), *_summands(node.right)]
    return [node]


@remedy("GL703", "GL811", is_cause=True)
def parameters_of_both(case: Case, found: Found) -> Iterator[Fix]:
    """`[a.parameters(), b.parameters()]`, `a.parameters() + b.parameters()`: one list of all."""
    for node in [*on_line(case, ast.BinOp), *on_line(case, ast.List)]:
        parts = _summands(node)
        if len(parts) < 1 or not all(isinstance(p, ast.Call) and called(p) == "parameters" for p in parts):
            continue
        text = f"[{', '.join('*' + case.source.text_of(p) for p in parts)}]"
        found.words["text"] = text
        found.fix = N_("`parameters()` gives them one by one; put those of all modules into one list: `{text}`.")
        yield maybe(N_("Put all parameters into one list: `{text}`"), [case.source.replace(node, text)], text=text)
        return


@remedy("GL304", leads=True)
def constant_of_before(case: Case, found: Found) -> Iterator[Fix]:
    """What was computed before the loop and only serves as a number in it, as old probabilities do: cut its graph."""
    call = case.call_of("backward")
    for loop in enclosing(case, call, ast.For, ast.While):
        for name in visible(case, loop):
            tensor = tensor_named(case, name)
            made = case.source.assigned(name, loop)
            where = case.source.statement_of(made) if made is not None else None
            is_read = any(isinstance(n, ast.Name) and n.id == name for s in loop.body for n in ast.walk(s))
            if (
                tensor is None
                or not tensor.requires_grad
                or made is None
                or not isinstance(where, ast.Assign)
                or where.lineno >= loop.lineno
                or not is_read
                or isinstance(made, ast.Constant)
                or called(made) in ("tensor", "Parameter", "requires_grad_", "zeros", "randn", "ones", "rand")
            ):
                continue
            stores = [n for s in loop.body for n in ast.walk(s) if isinstance(n, ast.Name) and n.id == name]
            if any(isinstance(n.ctx, ast.Store) for n in stores):
                continue
            yield maybe(
                N_("Use {name} as a constant, without its graph: `.detach()` on line {line}"),
                case.source.append(made, ".detach()"),
                name=words.code(name),
                line=made.lineno,
            )
        return


@remedy("GL816", is_cause=True)
def whole_length(case: Case, found: Found) -> Iterator[Fix]:
    """`__len__` that divides with `/`."""
    if "'float' object" not in message_of(case):
        return
    for function in case.source.nodes:
        if not isinstance(function, ast.FunctionDef) or function.name != "__len__":
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                text = f"{case.source.text_of(node.left)} // {case.source.text_of(node.right)}"
                found.words.update(at=node.lineno, text=text)
                found.fix = N_("`__len__` must give a whole number: write `{text}` on line {at}.")
                yield maybe(N_("Divide to a whole number: `{text}`"), [case.source.replace(node, text)], text=text)


@remedy("GL806", is_cause=True)
def module_in_itself(case: Case, found: Found) -> Iterator[Fix]:
    """`return self(self.fc(x))` in `forward`."""
    for call in on_line(case, ast.Call):
        within = next(enclosing(case, call, ast.FunctionDef), None)
        is_self = dotted(call.func) in ("self", "self.forward")
        if within is not None and within.name == "forward" and is_self and len(call.args) == 1:
            text = case.source.text_of(call.args[0])
            found.fix = N_("`self(…)` in `forward` calls `forward` again: leave it out.")
            yield maybe(
                N_("Leave out the call of the module itself: `{text}`"), [case.source.replace(call, text)], text=text
            )


@remedy("GL101", is_cause=True)
def mask_of_steps(case: Case, found: Found) -> Iterator[Fix]:
    """A padding mask (batch, length) against scores (batch, heads, length, length)."""
    shapes = shapes_of(case)
    call = case.call_of("masked_fill", "masked_fill_")
    if len(shapes) != 2 or call is None:
        return
    scores, mask = max(shapes, key=len), min(shapes, key=len)
    node = argument(call, 0, "mask")
    n = len(scores) - 2
    if node is None or len(mask) != 2 or n < 1 or mask != [scores[0], scores[-1]]:
        return
    suffix = f"[:, {', '.join(['None'] * n)}, :]"
    text = f"{case.source.base(node)}{suffix}"
    found.words.update(text=text, shape=words.shape([mask[0], *[1] * n, mask[1]]))
    found.fix = N_("The mask says which steps of each sample are padding, for all heads and queries: `{text}`.")
    yield maybe(
        N_("Let the mask hold for all heads and queries: `{text}` has shape {shape}"),
        case.source.append(node, suffix),
        text=text,
        shape=words.shape([mask[0], *[1] * n, mask[1]]),
    )


@remedy("GL101", is_cause=True)
def predicted_classes(case: Case, found: Found) -> Iterator[Fix]:
    """Scores compared with class numbers: the class with the largest score first."""
    for node in on_line(case, ast.Compare):
        if not isinstance(node.ops[0], ast.Eq):
            continue
        for side, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            scores, classes = tensor_named(case, dotted(side)), tensor_named(case, dotted(other))
            if scores is None or classes is None or classes.dtype != "int64" or len(scores.shape) != 2:
                continue
            if list(classes.shape) == [scores.shape[0]]:
                text = f"{case.source.base(side)}.argmax(dim=1)"
                found.words.update(scores=words.code(dotted(side)), n=scores.shape[1], text=text)
                found.fix = N_(
                    "{scores} holds {n} scores for each sample; the predicted class is the largest: `{text}`."
                )
                yield maybe(
                    N_("Compare the predicted classes: `{text}`"), case.source.append(side, ".argmax(dim=1)"), text=text
                )
                return


@remedy("GL401", is_cause=True)
def signs_in_a_row(case: Case, found: Found) -> Iterator[Fix]:
    """Targets of `CosineEmbeddingLoss` as a column."""
    if case.op != "cosine_embedding_loss":
        return
    for call in on_line(case, ast.Call):
        if len(call.args) >= 3:
            text = f"{case.source.base(call.args[2])}.view(-1)"
            yield maybe(
                N_("Write them as one list: `{text}`"), case.source.append(call.args[2], ".view(-1)"), text=text
            )


@remedy("GL136")
def bias_of_zeros(case: Case, found: Found) -> Iterator[Fix]:
    """Xavier and Kaiming are for matrices; biases begin with zeros."""
    for call in on_line(case, ast.Call):
        if re.fullmatch(r"(?:xavier|kaiming)_(?:uniform|normal)_", called(call)) and call.args:
            text = case.source.text_of(call.func).removesuffix(called(call)) + "zeros_"
            text = f"{text}({case.source.text_of(call.args[0])})"
            yield maybe(N_("Let it begin with zeros: `{text}`"), [case.source.replace(call, text)], text=text)


@remedy("GL826")
def own_class(case: Case, found: Found) -> Iterator[Fix]:
    """`super(Encoder, self)` in another class, as copied text has it."""
    for call in on_line(case, ast.Call):
        if called(call) == "super" and call.args:
            yield maybe(N_("Leave the class out: `super()`"), [case.source.replace(call, "super()")])


@remedy("GL314", is_cause=True)
def state_of_a_module(case: Case, found: Found) -> Iterator[Fix]:
    """`copy.deepcopy(net)` of a module that keeps a computed tensor: cut that tensor's graph where it is kept."""
    call = case.call_of("deepcopy")
    node = call.args[0] if call is not None and call.args else None
    made = case.source.assigned(dotted(node), node) if node is not None and dotted(node) else None
    cls = case.source.class_of(called(made)) if isinstance(made, ast.Call) else None
    if cls is None:
        return
    found.fixes = []
    found.fix = N_("The module keeps a computed tensor; keep it without its graph, with `.detach()`.")
    for method in cls.body:
        if not isinstance(method, ast.FunctionDef) or method.name == "__init__":
            continue
        for item in ast.walk(method):
            if isinstance(item, ast.Assign) and dotted(item.targets[0]).startswith("self."):
                yield maybe(
                    N_("Keep {name} without its graph: `.detach()` on line {line}"),
                    case.source.append(item.value, ".detach()"),
                    name=words.code(dotted(item.targets[0])),
                    line=item.lineno,
                )


@remedy("GL802")
def in_place_name(case: Case, found: Found) -> Iterator[Fix]:
    """Names that PyTorch took out, of which the one with an underscore is left."""
    name = str(found.facts.get("name") or "")
    near = [str(n) for n in case.facts.get("nearest") or []] if case.facts.get("absent") else []
    if f"{name}_" in near:
        for node in on_line(case, ast.Attribute):
            if node.attr == name:
                _, _, line, column = case.source.place(node)
                yield maybe(N_("Write {near}"), [case.source.insert_at(line, column, "_")], near=words.code(f"{name}_"))
