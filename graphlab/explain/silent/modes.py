"""Models that train in `eval()` mode or are tested in `train()` mode."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import in_loop_with_backward, method_calls
from graphlab.explain.silent.trail import ancestors, learned, line_of, roots, updated
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Event, EventKind, Fix, TensorKind

_RANDOM = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")


def _training_sections(run: Run) -> list[tuple[int, int]]:
    """Stretches of events in which a parameter was updated, recorded in detail."""
    steps = {e.id for e in run.by_kind[EventKind.UPDATE]}
    sections = [(s.first, s.end) for s in run.trace.sections if s.kind == "iteration" and s.detailed]
    ordered = sorted(steps)
    return [(a, b) for a, b in sections if any(a <= s < b for s in ordered)]


def _random_modules(run: Run) -> dict[str, str]:
    """Modules that behave differently in training: path and type."""
    return {
        m.path: m.type
        for m in run.trace.modules
        if (m.type in _RANDOM and "p=0.0" not in m.text) or m.type.startswith("BatchNorm")
    }


def _roots_of(paths: Iterable[str]) -> set[str]:
    return {p.partition(".")[0] for p in paths}


@silent_bug(
    "GL726",
    Severity.WARNING,
    title=N_("{model} is trained in `eval()` mode"),
    what=N_(
        "{layers} did nothing of its own in {n} training iterations: `eval()` was called and `train()` wasn't "
        "called after it."
    ),
    why=N_(
        "In `eval()` mode dropout drops nothing and batch norm doesn't learn its statistics, so training isn't "
        "what it seems."
    ),
    fix=N_("Call `{text}.train()` before the training loop, and `{text}.eval()` only to test."),
    example={"model": "`net`", "layers": "`net.1` (Dropout)", "n": 5, "text": "net"},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
net.eval()
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
net.train()
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def trained_in_eval(run: Run) -> list[Found]:
    """Dropout and batch norm that rest while parameters are updated."""
    modules = _random_modules(run)
    evals = [c for c in method_calls(run, "eval") if isinstance(c.func, ast.Attribute)]
    evals += [
        c for c in method_calls(run, "train") if c.args and isinstance(c.args[0], ast.Constant) and not c.args[0].value
    ]
    if not modules or not evals:
        return []
    owners = {dotted(c.func.value) for c in evals if isinstance(c.func, ast.Attribute)}
    frozen = _frozen(run)
    quiet: dict[str, int] = {}
    for first, end in _training_sections(run):
        events = run.trace.events[first:end]
        active = {
            e.module
            for e in events
            if e.kind == EventKind.FORWARD and (e.op.endswith("dropout") or e.params.get("training"))
        }
        trained = {e.module for e in events if e.kind == EventKind.BACKWARD and e.module} - frozen
        rest = {
            e.module
            for e in events
            if e.kind == EventKind.FORWARD and e.op == "batch_norm" and not e.params.get("training")
        }
        for path, type_ in modules.items():
            root = path.partition(".")[0]
            if root not in _roots_of(trained) or path in active or path in frozen:
                continue
            # A batch norm that rests shows in the trace; a dropout that rests leaves nothing behind.
            if (type_ in _RANDOM and _siblings_ran(path, trained)) or path in rest:
                quiet[path] = quiet.get(path, 0) + 1
    hits = {p: n for p, n in quiet.items() if n >= 2}
    if not hits:
        return []
    path, n = max(hits.items(), key=lambda item: item[1])
    root = path.partition(".")[0]
    owner = root if root in owners else next(iter(sorted(owners)), root)
    if root not in owners and "self" not in owners and "model" not in owners and len(owners) != 1:
        return []
    line = evals[0].lineno
    fixes = []
    loop = _training_loop(run)
    if loop is not None:
        first_statement = loop.body[0]
        title = words.fill(N_("Add `{text}.train()` at the head of the loop"), {"text": owner})
        fixes.append(Fix(title, "maybe", [run.source.line_before(first_statement, f"{owner}.train()")]))
    layers = f"{words.code(path)} ({modules[path]})"
    return [Found({"model": words.code(owner), "layers": layers, "n": n, "text": owner}, fixes=fixes, line=line)]


def _frozen(run: Run) -> set[str]:
    """Modules that were given no parameter to train: all of theirs, or of their siblings where they have none, rest."""
    learning: dict[str, bool] = {}
    for tensor in run.trace.tensors:
        if tensor.kind in (TensorKind.PARAMETER, TensorKind.LEAF) and "." in tensor.name:
            path = tensor.name.rpartition(".")[0]
            learning[path] = learning.get(path, False) or tensor.requires_grad
    found = {path for path, is_learning in learning.items() if not is_learning}
    for module in run.trace.modules:
        if module.path in learning or "." not in module.path:
            continue
        parent = module.path.rpartition(".")[0]
        siblings = [is_learning for path, is_learning in learning.items() if path.startswith(parent + ".")]
        if siblings and not any(siblings):
            found.add(module.path)
    return found


def _siblings_ran(path: str, trained: set[str]) -> bool:
    parent = path.rpartition(".")[0]
    return any(p != path and (p.rpartition(".")[0] == parent or p == parent) for p in trained)


def _training_loop(run: Run) -> ast.For | ast.While | None:
    """The innermost loop around a `backward()` call."""
    for call in method_calls(run, "backward"):
        node: ast.AST | None = call
        while node is not None and not isinstance(node, ast.For | ast.While):
            node = run.source.parents.get(node)
        if node is not None:
            return node
    return None


@silent_bug(
    "GL727",
    Severity.WARNING,
    title=N_("{layers} is still training while {model} is tested"),
    what=N_("On line {line} {model} predicts without gradients, and {layers} works as in training: {effect}."),
    why=N_("Dropout and batch norm must be told that training is over; `torch.no_grad()` doesn't do it."),
    fix=N_("Call `{text}.eval()` before testing, and `{text}.train()` before training goes on."),
    example={
        "model": "`net`",
        "layers": "`net.1` (Dropout)",
        "line": 14,
        "effect": "it drops entries at random",
        "text": "net",
    },
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    print(net(x).mean())
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(2, 4), nn.Dropout(0.5), nn.Linear(4, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x, y = torch.randn(8, 2), torch.randn(8, 1)
for step in range(4):
    loss = ((net(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
net.eval()
with torch.no_grad():
    print(net(x).mean())
""",
)
def tested_in_train(run: Run) -> list[Found]:
    """Dropout or batch norm in training mode where no gradient is recorded, after or beside training."""
    trained = {run.tensor(t).name.partition(".")[0] for t in updated(run)}
    last_update = max((e.id for e in run.by_kind[EventKind.UPDATE]), default=-1)
    if last_update < 0:
        return []
    hits: dict[tuple[str, int], list[Event]] = {}
    targets = ancestors(run, roots(run))
    used_backward = {e.forward for e in run.by_kind[EventKind.BACKWARD]}
    generators = _generators(run, trained)
    for event in run.by_kind[EventKind.FORWARD]:
        is_random = event.op.endswith("dropout") and event.params.get("p", 1) != 0
        is_norm = event.op == "batch_norm" and event.params.get("training")
        if not (is_random or is_norm) or not event.outputs or event.id in used_backward:
            continue
        if event.outputs[0] in targets:
            continue  # computed without gradients for a loss: no test but a teacher's answer, a next state's value
        root = event.module.partition(".")[0]
        is_watched = run.tensor(event.outputs[0]).requires_grad
        if (is_watched and event.id < last_update) or (root and root not in trained):
            continue
        if is_watched and _is_for_distillation(run, event.outputs[0]):
            continue
        if is_norm and root in generators:
            continue
        hits.setdefault((event.module, event.span), []).append(event)
    for (path, _span), events in hits.items():
        if _meant(run, line_of(run, events[0]), bool(run.tensor(events[0].outputs[0]).requires_grad)):
            continue
        inputs = {tuple(e.inputs[:1]) for e in events}
        root = path.partition(".")[0]
        entry = _calls_of(run, root, events[0])
        # Many draws over one input are Monte Carlo dropout, and meant.
        if len(events) >= 5 and len({tuple(entry_inputs) for entry_inputs in inputs}) <= 1 + len(events) // 5:
            continue
        if (
            len(events) >= 5
            and re.search(r"range\(|repeat|samples", run.source.text)
            and _same_root_input(run, root, events)
        ):
            continue
        type_ = next((m.type for m in run.trace.modules if m.path == path), "")
        is_function = events[0].op.endswith("dropout") and type_ not in _RANDOM
        line = line_of(run, events[0])
        effect = _("it drops entries at random") if "dropout" in events[0].op else _("it uses the mean of this batch")
        layers = f"{words.code(path)} ({type_})" if type_ and not is_function else words.code(events[0].op)
        text = root or "model"
        found = Found(
            {"model": words.code(text), "layers": layers, "line": line, "effect": effect, "text": text},
            event=events[0].id,
            line=line,
        )
        if run.tensor(events[0].outputs[0]).requires_grad:
            found.what = N_(
                "On line {line} {model} is used after its training, and {layers} works as before: {effect}."
            )
        if is_function:
            found.why = N_(
                "`F.dropout` doesn't know whether the module trains or is tested; it drops always unless it is told."
            )
            found.fix = N_(
                "Write `F.dropout(x, training=self.training)`, or use the layer `nn.Dropout`, and call `eval()` "
                "to test."
            )
            calls = [c for c in run.source.calls_at(line) if called(c) == "dropout"]
            if (
                len(calls) == 1
                and not any(k.arg == "training" for k in calls[0].keywords)
                and "self" in run.source.text
            ):
                edit = run.source.add_argument(calls[0], "training=self.training")
                found.fixes.append(Fix(_("Add `training=self.training`"), "maybe", [edit]))
        elif entry is not None:
            title = words.fill(N_("Add `{text}.eval()` before it"), {"text": text})
            found.fixes.append(Fix(title, "maybe", [run.source.line_before(entry, f"{text}.eval()")]))
        return [found]
    return []


_NOISE = ("randn", "rand", "normal", "randn_like", "uniform")


def _generators(run: Run, trained: set[str]) -> set[str]:
    """Models that make samples of noise for another model to judge. Their samples are drawn with the statistics of
    the batch while they train, in the papers as in the tutorials."""
    entered: dict[str, list[bool]] = {}
    judged: set[str] = set()
    for event in run.by_kind[EventKind.FORWARD]:
        root = event.module.partition(".")[0]
        if root not in trained:
            continue
        for tensor in event.inputs[:1]:
            made = run.made_by.get(tensor)
            before = made.module.partition(".")[0] if made is not None else ""
            if before and before != root:
                judged.add(before)
            elif made is not None and not before and made.kind in (EventKind.CREATE, EventKind.FORWARD):
                entered.setdefault(root, []).append(made.op in _NOISE)
    return {root for root in judged if entered.get(root) and all(entered[root])}


def _is_for_distillation(run: Run, tensor: int) -> bool:
    """Whether what comes of a tensor is compared with another model's answer: a test compares it with data."""
    known = learned(run)
    of_it = {tensor}
    for event in run.by_kind[EventKind.FORWARD]:
        if of_it.isdisjoint(event.inputs):
            continue
        of_it.update(event.outputs)
        if event.op.endswith(("_loss", "div", "entropy")) and len(event.inputs) >= 2:
            others = [t for t in event.inputs[:2] if t not in of_it]
            if any(t in known and not run.tensor(t).requires_grad for t in others):
                return True
    return False


def _meant(run: Run, line: int, is_watched: bool) -> bool:
    """Whether the program says itself that it wants the training mode there: `train()` came last before the place."""
    calls = [*method_calls(run, "eval"), *method_calls(run, "train")]
    if is_watched and calls:
        return True
    outside = [c for c in calls if c.lineno < line and not in_loop_with_backward(run, c)]
    last = max(outside, key=lambda c: c.lineno, default=None)
    after_training = list(method_calls(run, "backward"))
    is_late = last is not None and all(b.lineno < last.lineno for b in after_training)
    return last is not None and is_late and called(last) == "train" and not last.args


def _same_root_input(run: Run, root: str, events: list[Event]) -> bool:
    """Whether the model was fed one and the same tensor each time."""
    firsts = set()
    for event in events:
        at = event.id
        while at > 0 and run.trace.events[at - 1].module.partition(".")[0] == root:
            at -= 1
        firsts.add(tuple(run.trace.events[at].inputs[:1]))
    return len(firsts) == 1


def _calls_of(run: Run, root: str, event: Event) -> ast.stmt | None:
    """The statement after training that calls the model."""
    for call in run.source.calls():
        if dotted(call.func) == root and not in_loop_with_backward(run, call):
            statement = run.source.statement_of(call)
            parent = run.source.parents.get(statement) if statement is not None else None
            if isinstance(parent, ast.With) and parent.body and parent.body[0] is statement:
                return parent
            if statement is not None:
                return statement
    return None
