"""Data sets, loaders, saved weights, containers of layers, and the settings of optimizers."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.objects import message_of
from graphlab.explain.remedies.kit import (
    maybe,
    on_line,
    remedy,
    shape_named,
    shortened,
    without_statement,
)
from graphlab.explain.source import argument, called, dotted, integer
from graphlab.i18n import N_
from graphlab.trace.records import Edit, Fix

_MAKERS = ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Adadelta", "NAdam", "RAdam", "Rprop", "LBFGS", "Adamax")


def _nn(case: Case) -> str:
    """How the program calls `torch.nn`."""
    for node in case.source.nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for each in node.names:
                if each.name in ("torch.nn", "nn") and (each.asname or each.name == "nn"):
                    return each.asname or "nn"
    return "torch.nn"


@remedy("GL701", "GL802", "GL731", leads=True)
def layers_registered(case: Case, found: Found) -> Iterator[Fix]:
    """A plain list of layers into `nn.ModuleList`, plain tensors into `nn.Parameter`."""
    if found.facts.get("name") is not None:
        return  # an attribute that is missing, not a list of layers
    nn = _nn(case)
    edits: list[Edit] = []
    for node in case.source.nodes:
        if not (isinstance(node, ast.Assign) and dotted(node.targets[0]).startswith("self.")):
            continue
        value = node.value
        kind = "ModuleDict" if isinstance(value, ast.Dict | ast.DictComp) else "ModuleList"
        if isinstance(value, ast.List | ast.ListComp | ast.Dict | ast.DictComp) and _makes_layers(case, value, node):
            text = f"{nn}.{kind}({case.source.text_of(value)})"
            yield maybe(
                N_("Register the layers: `{name} = {text}`"),
                [case.source.replace(value, text)],
                name=dotted(node.targets[0]),
                text=shortened(text),
            )
        elif isinstance(value, ast.Call) and argument(value, 99, "requires_grad") is not None and called(value) in (
            "randn", "zeros", "ones", "rand", "tensor", "empty",
        ):  # fmt: skip
            edits.append(case.source.replace(value, f"{nn}.Parameter({case.source.text_of(value)})"))
    if edits:
        yield maybe(N_("Make them parameters of the module: `{text}`"), edits, text=shortened(edits[0].text))


def _makes_layers(case: Case, value: ast.expr, node: ast.stmt) -> bool:
    """Whether a list holds layers, from the start or by `append` later."""
    names = [called(c) for c in ast.walk(value) if isinstance(c, ast.Call)]
    owner = dotted(node.targets[0]) if isinstance(node, ast.Assign) else ""
    for call in case.source.calls():
        if called(call) == "append" and isinstance(call.func, ast.Attribute) and dotted(call.func.value) == owner:
            names += [called(c) for a in call.args for c in ast.walk(a) if isinstance(c, ast.Call)]
    return any(n[:1].isupper() for n in names if n)


@remedy("GL704", leads=True)
def super_moved(case: Case, found: Found) -> Iterator[Fix]:
    """`super().__init__()` that comes after the layers: move it up."""
    for cls in case.source.nodes:
        if not isinstance(cls, ast.ClassDef) or not cls.lineno <= case.line <= (cls.end_lineno or 0):
            continue
        for function in cls.body:
            if not isinstance(function, ast.FunctionDef) or function.name != "__init__":
                continue
            late = [
                s
                for s in function.body[1:]
                if isinstance(s, ast.Expr) and called(s.value) == "__init__" and s.lineno > case.line
            ]
            if late:
                text = case.source.text_of(late[0])
                yield maybe(
                    N_("Move `{text}` up to the first line of `__init__`"),
                    [case.source.line_before(function.body[0], text), without_statement(case, late[0])],
                    text=text,
                )


@remedy("GL705", leads=True)
def forward_found(case: Case, found: Found) -> Iterator[Fix]:
    """`forward` that stands inside `__init__`; a list of layers that is called like a net."""
    for node in case.source.nodes:
        if isinstance(node, ast.FunctionDef) and node.name == "forward":
            outer = case.source.parents.get(node)
            if isinstance(outer, ast.FunctionDef):
                first = node.decorator_list[0].lineno if node.decorator_list else node.lineno
                shift = node.col_offset - outer.col_offset
                edits = []
                for line in range(first, (node.end_lineno or node.lineno) + 1):
                    text = case.source.lines[line - 1]
                    if text.strip() and not text[:shift].strip():
                        edits.append(Edit(line, 0, line, shift, ""))
                yield maybe(
                    N_("Take `forward` out of `{name}`: indent it like the other methods"), edits, name=outer.name
                )
    for call in case.source.calls():
        if called(call) == "ModuleList" and len(call.args) == 1 and isinstance(call.func, ast.Attribute):
            text = f"{case.source.text_of(call.func.value)}.Sequential(*{case.source.base(call.args[0])})"
            yield maybe(
                N_("Use a container that applies its layers one after the other: `{text}`"),
                [case.source.replace(call, text)],
                text=shortened(text),
            )


@remedy("GL707", leads=True)
def state_fitted(case: Case, found: Found) -> Iterator[Fix]:
    """Names without their prefix; only what both have; the model made with the saved sizes."""
    call = case.call_of("load_state_dict")
    node = argument(call, 0, "state_dict") if call is not None else None
    if call is None or node is None:
        return
    prefix = str(found.words.get("prefix") or "")
    missing, unexpected = (list(case.facts.get(k) or []) for k in ("missing", "unexpected"))
    text = case.source.base(node)
    if prefix and unexpected and str(unexpected[0]).startswith(prefix):
        new = f'{{k.removeprefix("{prefix}"): v for k, v in {text}.items()}}'
        yield maybe(
            N_("Take `{prefix}` off the names: `{new}`"),
            [case.source.replace(node, new)],
            prefix=prefix,
            new=shortened(new, 80),
        )
    elif prefix:
        new = f'{{"{prefix}" + k: v for k, v in {text}.items()}}'
        yield maybe(
            N_("Put `{prefix}` before the names: `{new}`"),
            [case.source.replace(node, new)],
            prefix=prefix,
            new=shortened(new, 80),
        )
    keys = [k for k in ("model_state_dict", "state_dict", "model") if k in unexpected]
    if keys:
        yield maybe(
            N_("The weights lie under a key of what was saved: `{text}`"),
            case.source.append(node, f'["{keys[0]}"]'),
            text=f'{text}["{keys[0]}"]',
        )
    sizes = list(case.facts.get("sizes") or [])
    if (missing or unexpected) and not sizes and argument(call, 1, "strict") is None:
        yield maybe(
            N_("Load only what both have, and leave the rest as it is: `strict=False`"),
            [case.source.add_argument(call, "strict=False")],
        )
    yield from _sizes_of_saved(case, sizes)
    owner = case.source.base(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if sizes and argument(call, 1, "strict") is None:
        found.fix = N_(
            "If the sizes differ on purpose, load only the layers that fit, and let the others learn anew; else build "
            "the model as it was when the weights were saved."
        )
        own = f"{owner}.state_dict()"
        new = f"{{k: v for k, v in {text}.items() if k in {own} and v.shape == {own}[k].shape}}"
        yield maybe(
            N_("Load the layers that fit, and leave the others as they are: `{new}`"),
            [case.source.replace(node, new), case.source.add_argument(call, "strict=False")],
            new=shortened(new, 80),
        )


def _sizes_of_saved(case: Case, sizes: list[list[object]]) -> Iterator[Fix]:
    """The layer of the model made as large as the saved one was."""
    for key, saved, wanted in sizes[:2]:
        if not (isinstance(saved, list) and isinstance(wanted, list) and len(saved) == len(wanted) == 2):
            continue
        changes = [(str(w), str(s)) for s, w in zip(saved, wanted) if s != w]
        made = [
            c
            for c in case.source.calls()
            if called(c) in ("Linear", "Embedding") and [integer(a) for a in c.args[:2]] == [wanted[1], wanted[0]]
        ]
        if len(made) == 1 and changes:
            edits = [
                case.source.replace(a, str(s))
                for a, s, w in ((made[0].args[0], saved[1], wanted[1]), (made[0].args[1], saved[0], wanted[0]))
                if s != w
            ]
            yield maybe(
                N_("Make the layer of {key} as it was saved: shape {shape}"),
                edits,
                key=words.code(str(key)),
                shape=words.shape([int(str(s)) for s in saved]),
            )


@remedy("GL131")
def state_of_it(case: Case, found: Found) -> Iterator[Fix]:
    """`load_state_dict(model)` → `load_state_dict(model.state_dict())`."""
    if found.facts.get("function") != "load_state_dict":
        return
    call = case.call_of("load_state_dict")
    node = argument(call, 0, "state_dict") if call is not None else None
    if node is not None:
        text = f"{case.source.base(node)}.state_dict()"
        yield maybe(N_("Load its weights: `{text}`"), case.source.append(node, ".state_dict()"), text=text)


@remedy("GL131")
def numbers_joined(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.stack` of plain numbers is `torch.tensor`."""
    if found.facts.get("got") not in ("float", "int", "bool"):
        return
    for call in on_line(case, ast.Call):
        if called(call) in ("stack", "cat") and len(call.args) == 1 and not call.keywords:
            text = f"torch.tensor({case.source.text_of(call.args[0])})"
            yield maybe(N_("Make a tensor of it: `{text}`"), [case.source.replace(call, text)], text=shortened(text))


@remedy("GL711")
def data_cut(case: Case, found: Found) -> Iterator[Fix]:
    """The longer tensors cut to the shortest."""
    call = case.call_of("TensorDataset")
    lengths = [(a, shape_named(case, dotted(a))) for a in call.args] if call is not None else []
    known = [(a, s[0]) for a, s in lengths if s]
    if len(known) == len(lengths) and known:
        n = min(s for _a, s in known)
        edits = [e for a, s in known if s > n for e in case.source.append(a, f"[:{n}]")]
        if edits:
            yield maybe(N_("Use only the first {n} samples of each"), edits, n=n)


@remedy("GL712")
def at_least_one(case: Case, found: Found) -> Iterator[Fix]:
    """A batch size of 1 instead of 0."""
    name = str(case.facts.get("name") or "")
    for call in case.source.calls():
        node = argument(call, 1 if name == "batch_size" else 99, name) if called(call) == "DataLoader" else None
        if node is not None and integer(node) is not None and (integer(node) or 0) < 1:
            yield maybe(N_("Write `{text}`"), [case.source.replace(node, "1")], text=f"{name}=1")
    if name == "num_samples":
        for call in case.source.calls():
            for keyword in call.keywords:
                if called(call) == "DataLoader" and keyword.arg == "shuffle":
                    yield maybe(
                        N_("Let the loader give no batch at all: `shuffle=False`"),
                        [case.source.replace(keyword.value, "False")],
                    )


@remedy("GL814")
def length_of_dataset(case: Case, found: Found) -> Iterator[Fix]:
    """`__len__` for a data set that has none."""
    name = str(found.facts.get("type_of_object") or "")
    cls = case.source.class_of(name)
    if cls is None or "has no len" not in message_of(case):
        return
    getter = next((f for f in cls.body if isinstance(f, ast.FunctionDef) and f.name == "__getitem__"), None)
    if getter is None:
        return
    indexed = [
        case.source.text_of(n.value)
        for n in ast.walk(getter)
        if isinstance(n, ast.Subscript) and dotted(n.value).startswith("self.")
    ]
    if indexed:
        indent = " " * getter.col_offset
        text = f"def __len__(self):\n{indent}    return len({indexed[0]})\n\n{indent}"
        line, column, _, _ = case.source.place(getter.decorator_list[0] if getter.decorator_list else getter)
        yield maybe(
            N_("Say how many samples there are: `def __len__(self): return len({text})`"),
            [case.source.insert_at(line, column, text)],
            text=indexed[0],
        )


@remedy("GL711", "GL710")
def sample_without_none(case: Case, found: Found) -> Iterator[Fix]:
    """`__getitem__` that ends without a `return`."""
    function = next((n for n in case.source.nodes if isinstance(n, ast.FunctionDef) and n.name == "__getitem__"), None)
    if function is None or any(isinstance(n, ast.Return) for n in ast.walk(function)):
        return
    last = function.body[-1]
    if isinstance(last, ast.Assign):
        names = ", ".join(
            dotted(s.targets[0]) for s in function.body if isinstance(s, ast.Assign) and dotted(s.targets[0])
        )
        _, _, line, column = case.source.place(last)
        if names:
            yield maybe(
                N_("Add `return {names}` at its end"),
                [case.source.insert_at(line, column, f"\n{' ' * last.col_offset}return {names}")],
                names=names,
            )


# settings


@remedy("GL715", "GL811", "GL900", "GL816", leads=True)
def number_as_text(case: Case, found: Found) -> Iterator[Fix]:
    """`lr="0.1"`: a number between quotation marks."""
    message = message_of(case)
    if "'str'" not in message and "str" not in message.split():
        return
    for call in on_line(case, ast.Call):
        for node in [*call.args, *(k.value for k in call.keywords)]:
            at = node
            if isinstance(node, ast.Name):
                at = case.source.assigned(node.id, node) or node
            if isinstance(at, ast.Constant) and isinstance(at.value, str) and _is_number(at.value):
                yield maybe(
                    N_("Write the number without quotation marks: {text}"),
                    [case.source.replace(at, at.value.strip())],
                    text=words.code(at.value.strip()),
                )
            elif (
                isinstance(at, ast.Subscript | ast.Call)
                and isinstance(node, ast.Name)
                and called(at) in ("input", "get")
            ):
                yield maybe(
                    N_("Turn the text into a number: `{text}`"),
                    [case.source.replace(node, f"float({node.id})")],
                    text=f"float({node.id})",
                )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip().lower() not in ("nan", "inf", "infinity", "-inf")


@remedy("GL715")
def optimizer_for_scheduler(case: Case, found: Found) -> Iterator[Fix]:
    """A scheduler of a model: put an optimizer between."""
    if case.kind != "not_optimizer" or found.fixes:
        return
    call = case.call
    if call is not None and call.args and dotted(call.args[0]):
        text = f"torch.optim.SGD({dotted(call.args[0])}.parameters(), lr=0.1)"
        yield maybe(N_("Give it an optimizer: `{text}`"), [case.source.replace(call.args[0], text)], text=text)


@remedy("GL716")
def group_left_out(case: Case, found: Found) -> Iterator[Fix]:
    """Parameters that stand in two groups: those of the later group taken out of the earlier."""
    call = case.call_of(*_MAKERS)
    groups = call.args[0] if call is not None and call.args else None
    if not isinstance(groups, ast.List) or len(groups.elts) != 2:
        return
    dicts = [g for g in groups.elts if isinstance(g, ast.Dict)]
    values = [v for d in dicts for k, v in zip(d.keys, d.values) if isinstance(k, ast.Constant) and k.value == "params"]
    if len(values) != 2:
        return
    first, second = values
    listed = case.source.text_of(second)
    if not isinstance(second, ast.List):
        listed = f"list({listed})"
    text = f"[p for p in {case.source.text_of(first)} if not any(p is q for q in {listed})]"
    yield maybe(
        N_("Leave out of the first group what the second one has: `{text}`"),
        [case.source.replace(first, text)],
        text=shortened(text, 90),
    )


@remedy("GL703")
def tensors_for_names(case: Case, found: Found) -> Iterator[Fix]:
    """Texts in the list of parameters, where variables of these names are there."""
    call = case.call_of(*_MAKERS)
    listed = call.args[0] if call is not None and call.args else None
    if isinstance(listed, ast.List):
        known = {n.id for n in case.source.nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        items = [e.value for e in listed.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
        if items and all(str(i) in known for i in items):
            text = f"[{', '.join(map(str, items))}]"
            yield maybe(
                N_("Give the tensors instead of their names: `{text}`"), [case.source.replace(listed, text)], text=text
            )
    if isinstance(listed, ast.Call) and called(listed) == "named_parameters" and isinstance(listed.func, ast.Attribute):
        text = f"{case.source.text_of(listed.func.value)}.parameters()"
        yield maybe(N_("Write `{text}`"), [case.source.replace(listed, text)], text=text)


# kinds of numbers


@remedy("GL208", leads=True)
def data_of_numbers(case: Case, found: Found) -> Iterator[Fix]:
    """Words numbered, empty places filled with NaN."""
    for call in on_line(case, ast.Call):
        if called(call) not in ("tensor", "as_tensor", "Tensor", "FloatTensor", "LongTensor") or not call.args:
            continue
        data = call.args[0]
        made = case.source.assigned(dotted(data), data) if isinstance(data, ast.Name) else data
        nones = (
            [n for n in ast.walk(made) if isinstance(n, ast.Constant) and n.value is None] if made is not None else []
        )
        if nones and found.facts.get("got") == "NoneType":
            yield maybe(
                N_('Put NaN where a value is missing: `float("nan")`'),
                [case.source.replace(n, 'float("nan")') for n in nones],
            )
        if case.facts.get("got") == "str" and isinstance(made, ast.ListComp):
            inner = case.source.text_of(data)
            where = case.source.statement_of(data)
            text = f"[names.index(n) for n in {inner}]"
            if where is not None and not any(isinstance(n, ast.Name) and n.id == "names" for n in case.source.nodes):
                found.words.update(data=words.code(shortened(inner, 40)))
                found.what = N_("{data} holds text (`str`); a tensor holds numbers only, all of one dtype.")
                yield maybe(
                    N_("Number the names in the order of the alphabet: `{text}`"),
                    [
                        case.source.line_before(where, f"names = sorted(set({inner}))"),
                        case.source.replace(data, text),
                    ],
                    text=shortened(text, 80),
                )
        texts = (
            [e for e in made.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)]
            if isinstance(made, ast.List)
            else []
        )
        if texts and isinstance(made, ast.List) and len(texts) == len(made.elts):
            if all(_is_number(str(t.value)) for t in texts):
                edits = [case.source.replace(t, str(t.value).strip()) for t in texts]
                yield maybe(N_("Write the numbers without quotation marks"), edits)
            else:
                inner = case.source.text_of(data)
                text = f"[sorted(set({inner})).index(s) for s in {inner}]"
                yield maybe(
                    N_("Number the words in alphabetical order: `{text}`"),
                    [case.source.replace(data, text)],
                    text=shortened(text, 80),
                )


@remedy("GL311", leads=True)
def one_number(case: Case, found: Found) -> Iterator[Fix]:
    """`torch.tensor` of a list of tensors is `stack`; `float(x)` of several is a list or a mean."""
    for call in on_line(case, ast.Call):
        name = called(call)
        if (
            name in ("tensor", "as_tensor", "FloatTensor", "Tensor")
            and len(call.args) == 1
            and "converted" in message_of(case)
        ):
            text = f"torch.stack({case.source.text_of(call.args[0])})"
            yield maybe(
                N_("Stack the tensors of the list: `{text}`"), [case.source.replace(call, text)], text=shortened(text)
            )
        elif isinstance(call.func, ast.Name) and name in ("float", "int", "bool") and len(call.args) == 1:
            base = case.source.base(call.args[0])
            for text, said in (
                (f"{base}.tolist()", N_("Take all of them as a list: `{text}`")),
                (f"{name}({base}.float().mean())", N_("Take their mean: `{text}`")),
            ):
                yield maybe(said, [case.source.replace(call, text)], text=shortened(text))
        elif isinstance(call.func, ast.Attribute) and dotted(call.func.value) in ("math", "np") and call.args:
            text = f"torch.{name}({', '.join(case.source.text_of(a) for a in call.args)})"
            yield maybe(
                N_("Use PyTorch's own function, which takes every entry: `{text}`"),
                [case.source.replace(call, text)],
                text=shortened(text),
            )


@remedy("GL202")
def masks_combined(case: Case, found: Found) -> Iterator[Fix]:
    """`&` between floats: of what is true in them."""
    node = case.expression
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr | ast.BitXor):
        edits = [*case.source.append(node.left, ".bool()"), *case.source.append(node.right, ".bool()")]
        yield maybe(
            N_("Combine what is true in both: `{a}.bool()` and `{b}.bool()`"),
            edits,
            a=case.source.base(node.left),
            b=case.source.base(node.right),
        )


@remedy("GL205", "GL131", "GL816", "GL809", leads=True)
def whole_numbers(case: Case, found: Found) -> Iterator[Fix]:
    """A float where a whole number counts: `//` where it was divided, else `int(…)`."""
    message = message_of(case)
    is_size = case.kind == "python" and re.match(r"(zeros|ones|randn|rand|empty|full)\(\)", message) is not None
    is_whole = "float" in message and ("int" in message or "index" in message)
    if case.kind != "index_kind" and not is_size and not is_whole:
        return
    if "tensor" in message and case.kind != "index_kind" and "got" not in message:
        return
    places: list[ast.expr] = []
    for node in on_line(case, ast.Subscript):
        places += list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
    for call in on_line(case, ast.Call):
        if called(call) not in ("print", "int", "float", "str", "len", "item"):
            places += [*call.args, *(k.value for k in call.keywords)]
    done: set[ast.expr] = set()
    for node in places:
        at: ast.expr | None = node
        for _step in range(4):
            if isinstance(at, ast.Name | ast.Attribute) and dotted(at):
                at = case.source.assigned(dotted(at), at)
        for part in ast.walk(at) if at is not None else []:
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div) and part not in done:
                done.add(part)
                left, right = case.source.place(part.left), case.source.place(part.right)
                between = case.source.text_between(left[2], left[3], right[0], right[1])
                if left[2] == right[0] and between.count("/") == 1:
                    column = left[3] + between.index("/")
                    text = f"{case.source.text_of(part.left)} // {case.source.text_of(part.right)}"
                    yield maybe(
                        N_("Divide without a rest: `{text}`"),
                        [Edit(left[2], column, left[2], column + 1, "//")],
                        text=text,
                    )
        if isinstance(at, ast.Constant) and isinstance(at.value, float) and at not in done:
            done.add(at)
            if at.value == int(at.value):
                yield maybe(
                    N_("Write the whole number {n}"), [case.source.replace(at, str(int(at.value)))], n=int(at.value)
                )
    if not done and case.kind == "index_kind":
        for node in on_line(case, ast.Subscript):
            if isinstance(node.slice, ast.Name | ast.BinOp | ast.Call):
                text = f"int({case.source.text_of(node.slice)})"
                yield maybe(
                    N_("Make a whole number of it: `{text}`"), [case.source.replace(node.slice, text)], text=text
                )


@remedy("GL816", leads=True)
def tensor_as_count(case: Case, found: Found) -> Iterator[Fix]:
    """`range(n)` with a floating point tensor."""
    if "converted to an index" not in message_of(case):
        return
    for call in on_line(case, ast.Call):
        if called(call) == "range":
            for node in call.args:
                if integer(node) is None and called(node) not in ("len", "int"):
                    text = f"int({case.source.text_of(node)})"
                    yield maybe(
                        N_("Make a whole number of it: `{text}`"),
                        [case.source.replace(node, text)],
                        text=shortened(text),
                    )


@remedy("GL131", leads=True)
def batch_unpacked(case: Case, found: Found) -> Iterator[Fix]:
    """The batch of a loader is a list of its parts; `torch.cat` takes one list."""
    got = found.facts.get("got")
    for call in on_line(case, ast.Call):
        for node in call.args:
            loops = [
                n
                for n in case.source.nodes
                if isinstance(n, ast.For) and dotted(n.target) == dotted(node) and n.lineno <= case.line
            ]
            if got in ("list", "tuple") and loops and dotted(node):
                text = f"{dotted(node)}[0]"
                yield maybe(
                    N_("Take the inputs out of the batch, which is a list of its parts: `{text}`"),
                    [case.source.replace(node, text)],
                    text=text,
                )
        if called(call) in ("cat", "stack", "concat", "hstack", "vstack") and len(call.args) > 1 and got == "Tensor":
            tensors = [a for a in call.args if integer(a) is None]
            if len(tensors) > 1:
                line, column, _, _ = case.source.place(tensors[0])
                _, _, end_line, end_column = case.source.place(tensors[-1])
                edits = [case.source.insert_at(line, column, "["), case.source.insert_at(end_line, end_column, "]")]
                text = f"[{', '.join(case.source.text_of(t) for t in tensors)}]"
                yield maybe(N_("Put them into one list: `{text}`"), edits, text=shortened(text))


_DTYPES = frozenset([
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "long", "float",
    "double",
])  # fmt: skip


@remedy("GL131", "GL900", "GL809", leads=True)
def named_by_text(case: Case, found: Found) -> Iterator[Fix]:
    """`dtype="float32"`, `.to("gpu")`."""
    message = message_of(case)
    for call in on_line(case, ast.Call):
        for node in [*call.args, *(k.value for k in call.keywords)]:
            value = node.value if isinstance(node, ast.Constant) else None
            if isinstance(value, str) and value in _DTYPES and "dtype" in message:
                yield maybe(N_("Write `{text}`"), [case.source.replace(node, f"torch.{value}")], text=f"torch.{value}")
            elif isinstance(value, str) and "device string" in message:
                if value.lower().startswith(("gpu", "cuda")):
                    number = "".join(c for c in value if c.isdigit())
                    text = f'"cuda:{number}"' if number else '"cuda"'
                    yield maybe(
                        N_("The GPU is called {text}"), [case.source.replace(node, text)], text=words.code(text)
                    )
                text = words.code('"cpu"')
                yield maybe(N_("Stay on the processor: {text}"), [case.source.replace(node, '"cpu"')], text=text)
