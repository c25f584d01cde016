"""Putting a program together: data sets and loaders, saved states, containers, settings of layers and optimizers."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix

MAX_KEYS = 4


def _keys(names: list[str]) -> str:
    shown = words.listing(words.code(n) for n in names[:MAX_KEYS])
    return shown if len(names) <= MAX_KEYS else _("{shown} and {n} more").format(shown=shown, n=len(names) - MAX_KEYS)


@diagnosis(
    "GL707",
    Severity.ERROR,
    kinds=("state_dict",),
    title=N_("The saved weights don't fit {name}"),
    what=N_("{said}"),
    why=N_("`load_state_dict` puts each saved tensor where the model has a parameter of the same name and shape."),
    fix=N_("Build the model as it was when the weights were saved: same layers, same names, same sizes."),
    example={"name": "Net", "missing": ["fc2.weight"], "unexpected": [], "sizes": []},
    program="""import torch.nn as nn
saved = nn.Sequential(nn.Linear(2, 3)).state_dict()
model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
model.load_state_dict(saved)
""",
    mended="""import torch.nn as nn
saved = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)).state_dict()
model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
model.load_state_dict(saved)
""",
)
def state_dict(case: Case) -> Found | None:
    """load_state_dict with missing, unexpected or differently shaped entries."""
    facts = case.facts
    name = str(facts.get("name") or "")
    missing, unexpected = list(facts.get("missing") or []), list(facts.get("unexpected") or [])
    sizes = list(facts.get("sizes") or [])
    parts = []
    if missing:
        parts.append(_("The model needs {keys}, which the saved weights don't have.").format(keys=_keys(missing)))
    if unexpected:
        parts.append(_("The saved weights hold {keys}, which the model doesn't have.").format(keys=_keys(unexpected)))
    for key, saved, wanted in sizes[:MAX_KEYS]:
        parts.append(
            _("{key} was saved with shape {saved}, and the model has shape {wanted}.").format(
                key=words.code(key), saved=words.shape(saved), wanted=words.shape(wanted)
            )
        )
    if parts and facts.get("is_cut"):
        parts.append(_("The list is cut off in the message, so there may be more."))
    if not parts:
        parts.append(_("Names or shapes of the saved weights differ from those of the model."))
    found = Found({"name": words.code(name) if name else _("the model"), "said": " ".join(parts)})
    prefix = _prefix(missing, unexpected)
    if prefix:
        found.words["prefix"] = prefix
        found.what = N_("{said} The names differ only by `{prefix}` in front.")
        found.why = N_("`DataParallel` and `torch.compile` wrap the model, and save its weights under a longer name.")
        found.fix = N_(
            'Take the prefix off: `{{k.removeprefix("{prefix}"): v for k, v in saved.items()}}`, '
            "or load before wrapping."
        )
    return found


def _prefix(missing: list[str], unexpected: list[str]) -> str:
    """What stands in front of all names of one side and not of the other."""
    for long, short in ((unexpected, missing), (missing, unexpected)):
        if long and short and len(long) == len(short) and long[0].endswith(short[0]):
            prefix = long[0][: len(long[0]) - len(short[0])]
            if prefix and [prefix + s for s in short] == long:
                return prefix
    return ""


@diagnosis(
    "GL709",
    Severity.ERROR,
    kinds=("assign_parameter",),
    title=N_("{name} must be an `nn.Parameter`"),
    what=N_("{name} is a parameter of the module, and a plain tensor was assigned to it."),
    why=N_("A module keeps track of its parameters; a plain tensor in their place would be lost to the optimizer."),
    fix=N_("Wrap it: `nn.Parameter(…)`; or change the numbers with `.copy_(…)` under `torch.no_grad()`."),
    example={"name": "weight", "got": "torch.FloatTensor"},
    program="""import torch
import torch.nn as nn
layer = nn.Linear(2, 2)
layer.weight = torch.eye(2)
""",
    mended="""import torch
import torch.nn as nn
layer = nn.Linear(2, 2)
layer.weight = nn.Parameter(torch.eye(2))
""",
)
def assign_parameter(case: Case) -> Found | None:
    """A tensor assigned to a parameter."""
    name = str(case.facts.get("name") or "")
    found = Found({"name": words.code(name) if name else _("this attribute")})
    statement = next((n for n in case.source.nodes if isinstance(n, ast.Assign) and n.lineno == case.line), None)
    if statement is not None:
        text = f"nn.Parameter({case.source.text_of(statement.value)})"
        has_nn = any(isinstance(n, ast.Import | ast.ImportFrom) and "nn" in ast.unparse(n) for n in case.source.nodes)
        text = text if has_nn else "torch." + text
        title = words.fill(N_("Write `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "safe", [case.source.replace(statement.value, text)]))
    return found


@diagnosis(
    "GL710",
    Severity.ERROR,
    kinds=("collate",),
    title=N_("The data set gives {got}, which can't be put into a batch"),
    what=N_(
        "`__getitem__` of the data set gave {got}; the DataLoader can join tensors, numbers, arrays, lists and "
        "dictionaries."
    ),
    why=N_("A batch is made by stacking what `__getitem__` returns for each index."),
    fix=N_("Return a tensor or a number from `__getitem__`, or give the DataLoader a `collate_fn` of your own."),
    example={"got": "NoneType"},
    program="""import torch
from torch.utils.data import DataLoader, Dataset
class Numbers(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        x = torch.tensor(float(i))
for x in DataLoader(Numbers(), batch_size=2):
    print(x)
""",
    mended="""import torch
from torch.utils.data import DataLoader, Dataset
class Numbers(Dataset):
    def __len__(self):
        return 4
    def __getitem__(self, i):
        return torch.tensor(float(i))
for x in DataLoader(Numbers(), batch_size=2):
    print(x)
""",
)
def collate(case: Case) -> Found | None:
    """What a data set gives can't be batched."""
    got = str(case.facts.get("got") or "").rpartition(".")[2]
    found = Found({"got": _("nothing (NoneType)") if got == "NoneType" else words.code(got)}, {"got": got})
    if got == "NoneType":
        found.fix = N_("Add the missing `return` at the end of `__getitem__`.")
        function = next(
            (n for n in case.source.nodes if isinstance(n, ast.FunctionDef) and n.name == "__getitem__"), None
        )
        last = function.body[-1] if function is not None else None
        if (
            isinstance(last, ast.Assign)
            and len(last.targets) == 1
            and isinstance(last.targets[0], ast.Name)
            and not any(isinstance(n, ast.Return) for n in ast.walk(function or last))
        ):
            text = f"return {case.source.text_of(last.value)}"
            title = words.fill(N_("Write `{text}`"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [case.source.replace(last, text)]))
    return found


@diagnosis(
    "GL711",
    Severity.ERROR,
    kinds=("dataset_sizes",),
    title=N_("The tensors of the data set have different lengths"),
    what=N_("`TensorDataset` pairs the tensors entry by entry, and their first axes differ{sizes}."),
    why=N_("Sample number i is made of entry i of each tensor, so all of them need the same number of entries."),
    fix=N_("Print `len(…)` of each: inputs and targets must have one entry for each sample."),
    example={"sizes": [10, 8]},
    program="""import torch
from torch.utils.data import TensorDataset
data = TensorDataset(torch.zeros(10, 2), torch.zeros(8))
""",
    mended="""import torch
from torch.utils.data import TensorDataset
data = TensorDataset(torch.zeros(10, 2), torch.zeros(10))
""",
)
def dataset_sizes(case: Case) -> Found | None:
    """TensorDataset of tensors of different lengths."""
    sizes = list(case.facts.get("sizes") or [])
    call = case.call_of("TensorDataset")
    if not sizes and call is not None and case.trace is not None:
        latest = {t.name: t.shape[0] for t in case.trace.tensors if t.name and t.shape}
        sizes = [latest[dotted(a)] for a in call.args if dotted(a) in latest]
    if len(set(sizes)) > 1:
        said = _(": {sizes}").format(sizes=words.listing(str(s) for s in sizes))
        return Found({"sizes": said}, {"sizes": sizes})
    return Found({"sizes": ""})


@diagnosis(
    "GL712",
    Severity.ERROR,
    kinds=("not_positive",),
    title=N_("{name} must be at least 1, not {value}"),
    what=N_("{name} is {value} here, and it must be a whole number of 1 or more."),
    why=N_("A loader needs at least one sample to draw, and at least one for each batch."),
    fix=N_("Check {name} and the length of the data set: `print(len(dataset))`."),
    example={"name": "num_samples", "value": 0},
    program="""import torch
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.zeros(0, 2)), batch_size=2, shuffle=True)
""",
    mended="""import torch
from torch.utils.data import DataLoader, TensorDataset
loader = DataLoader(TensorDataset(torch.zeros(4, 2)), batch_size=2, shuffle=True)
""",
)
def not_positive(case: Case) -> Found | None:
    """An empty data set, a batch size of 0."""
    name, value = str(case.facts["name"]), case.facts["value"]
    found = Found({"name": words.code(name), "value": value})
    if name == "num_samples":
        found.title = N_("The data set is empty: it has {value} samples")
        found.what = N_("The loader was to shuffle a data set with {value} samples (`num_samples={value}`).")
        found.fix = N_(
            "Find out why no sample is left: a slice past the end, a filter that keeps nothing, a wrong path."
        )
    return found


@diagnosis(
    "GL713",
    Severity.ERROR,
    kinds=("split_lengths",),
    title=N_("The parts don't add up to the data set"),
    what=N_("`random_split` was to cut the data set into parts{parts}, but it has another number of samples{n}."),
    why=N_("Each sample goes into exactly one part, so the lengths must add up to the length of the data set."),
    fix=N_("Let the last part take the rest: `len(data) - n_train`; or give shares such as `[0.8, 0.2]`."),
    example={},
    program="""import torch
from torch.utils.data import TensorDataset, random_split
train, test = random_split(TensorDataset(torch.zeros(10, 2)), [8, 3])
""",
    mended="""import torch
from torch.utils.data import TensorDataset, random_split
train, test = random_split(TensorDataset(torch.zeros(10, 2)), [8, 2])
""",
)
def split_lengths(case: Case) -> Found | None:
    """random_split with lengths that don't add up."""
    call = case.call_of("random_split")
    found = Found({"parts": "", "n": ""})
    if call is None or len(call.args) < 2:
        return found
    lengths = call.args[1]
    values = [n.value for n in lengths.elts if isinstance(n, ast.Constant)] if isinstance(lengths, ast.List) else []
    if values and all(isinstance(v, int) for v in values):
        total = sum(v for v in values if isinstance(v, int))
        found.words["parts"] = _(" of {parts}, together {total}").format(
            parts=words.listing(str(v) for v in values), total=total
        )
        data = case.source.assigned(dotted(call.args[0]), call) if dotted(call.args[0]) else call.args[0]
        n = _length(case, data)
        if n:
            found.words["n"] = f": {n}"
            rest = n - (total - int(str(values[-1])))
            if rest > 0 and isinstance(lengths, ast.List):
                title = words.fill(N_("Let the last part take the rest: {rest}"), {"rest": rest})
                found.fixes.append(Fix(title, "maybe", [case.source.replace(lengths.elts[-1], str(rest))]))
    return found


def _length(case: Case, data: ast.expr | None) -> int:
    """The number of samples of a `TensorDataset(x, …)`, 0 when it isn't known."""
    if not isinstance(data, ast.Call) or called(data) != "TensorDataset" or not data.args or case.trace is None:
        return 0
    name = dotted(data.args[0])
    if name:
        return next((t.shape[0] for t in reversed(case.trace.tensors) if t.name == name and t.shape), 0)
    made = next((t for t in case.trace.tensors if t.shape), None)
    return made.shape[0] if made is not None and len(case.trace.tensors) == len(data.args) else 0


@diagnosis(
    "GL715",
    Severity.ERROR,
    kinds=("optimizer_setting", "not_optimizer"),
    title=N_("The optimizer doesn't take {name} = {value}"),
    what=N_("{name} is {value}, and the optimizer refuses that."),
    why=N_("A learning rate, a momentum and a weight decay are sizes of steps: they can't be negative."),
    fix=N_("Use a small positive number, such as `lr=0.01`."),
    example={"name": "learning rate", "value": "-0.1"},
    program="""import torch
w = torch.zeros(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=-0.1)
""",
    mended="""import torch
w = torch.zeros(1, requires_grad=True)
opt = torch.optim.SGD([w], lr=0.1)
""",
)
def optimizer_setting(case: Case) -> Found | None:
    """A setting that an optimizer or scheduler refuses."""
    if case.kind == "not_optimizer":
        got = str(case.facts.get("got") or "")
        found = Found({"got": words.code(got) if got else _("something else")})
        found.title = N_("The scheduler wants the optimizer, not {got}")
        found.what = N_("The learning-rate scheduler was given {got}; it changes the learning rate of an optimizer.")
        found.why = N_("The learning rate lives in the optimizer, so that is what a scheduler works on.")
        found.fix = N_("Make the optimizer first and pass it: `StepLR(optimizer, step_size=10)`.")
        optimizers = [
            dotted(n.targets[0])
            for n in case.source.nodes
            if isinstance(n, ast.Assign) and called(n.value) in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad")
        ]
        call = case.call
        if len(optimizers) == 1 and call is not None and call.args:
            title = words.fill(N_("Pass {name}"), {"name": words.code(optimizers[0])})
            found.fixes.append(Fix(title, "safe", [case.source.replace(call.args[0], optimizers[0])]))
        return found
    name, value = str(case.facts.get("name") or ""), str(case.facts.get("value") or "")
    found = Found({"name": words.code(name), "value": words.code(value)}, {"name": name, "value": value})
    if name == "nesterov":
        found.title = N_("Nesterov's momentum needs a momentum")
        found.what = N_("`nesterov=True` was given without `momentum` (or with dampening).")
        found.why = N_("Nesterov's rule looks ahead along the momentum, so there must be one.")
        found.fix = N_("Add `momentum=0.9`, or leave `nesterov` out.")
        call = case.call
        if call is not None and argument(call, 99, "momentum") is None:
            title = _("Add `momentum=0.9`")
            found.fixes.append(Fix(title, "maybe", [case.source.add_argument(call, "momentum=0.9")]))
        return found
    call = case.call
    node = argument(call, 1, "lr") if call is not None and name == "learning rate" else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        text = case.source.text_of(node.operand)
        title = words.fill(N_("Leave out the minus: `lr={text}`"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(node, text)]))
    return found


@diagnosis(
    "GL716",
    Severity.ERROR,
    kinds=("parameter_twice",),
    title=N_("A parameter was given to the optimizer more than once"),
    what=N_("Some parameters stand in more than one parameter group of the optimizer."),
    why=N_("Each parameter has one learning rate, so it can be in one group only."),
    fix=N_("Leave the parameters of the special group out of the other one."),
    example={},
    program="""import torch
import torch.nn as nn
model = nn.Linear(2, 1)
opt = torch.optim.SGD([{"params": model.parameters()}, {"params": [model.bias]}], lr=0.1)
""",
    mended="""import torch
import torch.nn as nn
model = nn.Linear(2, 1)
opt = torch.optim.SGD([{"params": [model.weight]}, {"params": [model.bias]}], lr=0.1)
""",
)
def parameter_twice(case: Case) -> Found | None:
    """One parameter in two groups."""
    return Found()


_LAYERS = {
    "relu": "ReLU",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "softmax": "Softmax",
    "gelu": "GELU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "silu": "SiLU",
    "flatten": "Flatten",
    "dropout": "Dropout",
    "log_softmax": "LogSoftmax",
}


@diagnosis(
    "GL717",
    Severity.ERROR,
    kinds=("not_module",),
    title=N_("{got} is no layer"),
    what=N_("A container of layers was given {got}, which is not an `nn.Module` object."),
    why=N_("`nn.Sequential` and `nn.ModuleList` hold layer objects, made with brackets: `nn.ReLU()`."),
    fix=N_("Pass a layer object; a function such as `F.relu` has a layer for it: `nn.ReLU()`."),
    example={"got": "torch.nn.modules.activation.ReLU"},
    program="""import torch.nn as nn
net = nn.Sequential(nn.Linear(2, 4), nn.ReLU)
""",
    mended="""import torch.nn as nn
net = nn.Sequential(nn.Linear(2, 4), nn.ReLU())
""",
)
def not_module(case: Case) -> Found | None:
    """A class, a function or a list where a layer belongs."""
    got = str(case.facts.get("got") or "")
    last = got.rpartition(".")[2]
    found = Found({"got": words.code(last or got)}, {"got": got})
    call = case.call_of("Sequential", "ModuleList", "add_module", "append")
    if call is None:
        return found
    if last in ("list", "tuple") and len(call.args) == 1:
        text = f"*{case.source.text_of(call.args[0])}"
        found.fix = N_(
            "Put a star before the list, so that each layer is an argument of its own: `nn.Sequential({text})`."
        )
        found.words["text"] = text
        title = words.fill(N_("Write `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "safe", [case.source.replace(call.args[0], text)]))
        return found
    arguments: list[ast.expr] = list(call.args)
    if len(arguments) == 1 and isinstance(arguments[0], ast.List):
        arguments = list(arguments[0].elts)
    bare = [a for a in arguments if isinstance(a, ast.Attribute | ast.Name)]
    named = [a for a in bare if dotted(a).rpartition(".")[2] == last]
    if last in ("function", "builtin_function_or_method"):
        named = [a for a in bare if dotted(a).rpartition(".")[2] in _LAYERS]
    for node in named[:1]:
        name = dotted(node).rpartition(".")[2]
        layer = _LAYERS.get(name)
        text = f"nn.{layer}()" if layer else f"{case.source.text_of(node)}()"
        found.words["got"] = words.code(dotted(node)) if layer else found.words["got"]
        title = words.fill(N_("Write `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "safe", [case.source.replace(node, text)]))
    return found


@diagnosis(
    "GL718",
    Severity.ERROR,
    kinds=("probability",),
    title=N_("A dropout probability lies between 0 and 1, not at {value}"),
    what=N_("The dropout layer was given {value}; it wants the share of entries to drop, from 0 to 1."),
    why=N_("A probability of 0.5 drops half of the entries at random."),
    fix=N_("Write a percentage as a fraction: {value} % is {share}."),
    example={"value": 50},
    program="""import torch.nn as nn
layer = nn.Dropout(50)
""",
    mended="""import torch.nn as nn
layer = nn.Dropout(0.5)
""",
)
def probability(case: Case) -> Found | None:
    """Dropout in percent."""
    value = float(case.facts["value"])
    found = Found({"value": words.number(value), "share": words.number(value / 100)})
    if not 1 < value <= 100:
        found.fix = N_("Give a number from 0 to 1.")
        return found
    call = case.call_of("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "dropout", "AlphaDropout")
    node = argument(call, 1 if called(call) == "dropout" else 0, "p") if call is not None else None
    if node is not None:
        title = words.fill(N_("Write {share}"), found.words)
        found.fixes.append(Fix(title, "maybe", [case.source.replace(node, f"{value / 100:g}")]))
    return found


def state_facts(message: str) -> dict[str, object]:
    """What a message of load_state_dict lists: missing and unexpected names, and sizes that differ."""
    name = re.search(r"loading state_dict for (\w+)", message)

    def listed(word: str) -> list[str]:
        part = re.search(
            rf"{word}\s+key\(s\)\s+in\s+state_dict:\s*((?:(?:\"[^\"]{{1,200}}\"|\.\.\.|…)(?:,\s*)?){{1,500}})", message
        )
        # A terminal breaks a long name in its middle; names themselves hold no spaces.
        return ["".join(name.split()) for name in re.findall(r'"([^"]+)"', part.group(1))] if part is not None else []

    sizes = [
        [
            "".join(key.split()),
            [int(n) for n in re.findall(r"\d+", saved)],
            [int(n) for n in re.findall(r"\d+", wanted)],
        ]
        for key, saved, wanted in re.findall(
            r"size\s+mismatch\s+for\s+([\w. ]{1,200}): copying a param with shape (?:torch\.Size\()?[\[(]([\d, "
            r"]{0,100})[\])]\)? from checkpoint, "
            r"the shape in current model is (?:torch\.Size\()?[\[(]([\d, ]{0,100})[\])]",
            message,
        )
    ]
    is_cut = re.search(r"(?:\"[\w.]{0,200}?|\", ?)(?:\.\.\.|…)|[,:] \"[\w.]{1,200} ?$", message) is not None
    return {
        "name": name.group(1) if name is not None else "",
        "missing": listed("Missing"),
        "unexpected": listed("Unexpected"),
        "sizes": sizes,
        **({"is_cut": True} if is_cut else {}),
    }
