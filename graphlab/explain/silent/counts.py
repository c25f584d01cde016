"""Metrics that count wrongly: the best sample instead of the best class, sums divided by the wrong number."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.trail import line_of, roots
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix

_MONOTONE = ("softmax", "log_softmax", "sigmoid", "detach", "clone")


@silent_bug(
    "GL755",
    Severity.WARNING,
    title=N_("`{op}` along dim 0 picks the best sample for each class, not the best class for each sample"),
    what=N_("{scores} {shape} holds one row for each sample; `{op}` on line {line} goes along dim 0, the samples."),
    why=N_("`dim` names the axis that disappears. The classes are in axis 1, so that is the one to choose along."),
    fix=N_("Use `dim=1`."),
    example={"op": "argmax", "scores": "`out`", "shape": "(5, 5)", "line": 12},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 4)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(4, 2), torch.randint(0, 4, (4,))
for step in range(3):
    out = net(x)
    loss = nn.functional.cross_entropy(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print((out.argmax(dim=0) == y).float().mean())
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 4)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.randn(4, 2), torch.randint(0, 4, (4,))
for step in range(3):
    out = net(x)
    loss = nn.functional.cross_entropy(out, y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print((out.argmax(dim=1) == y).float().mean())
""",
)
def best_sample(run: Run) -> list[Found]:
    """argmax over the batch of what cross-entropy reads as (samples, classes)."""
    scored = [e for e in run.by_kind[EventKind.FORWARD] if e.op in ("cross_entropy", "nll_loss") and e.inputs]
    tensors = {_behind(run, e.inputs[0]) for e in scored}
    makers = {(m.module, m.span) for t in tensors if (m := run.made_by.get(t)) is not None}
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in ("argmax", "max") or event.params.get("dim") not in (0, [0]) or not event.inputs:
            continue
        scores = _behind(run, event.inputs[0])
        made = run.made_by.get(scores)
        is_score = scores in tensors or (made is not None and (made.module, made.span) in makers)
        if not is_score or len(run.tensor(event.inputs[0]).shape) != 2:
            continue
        if not any(e.op in ("eq", "ne") for t in event.outputs if t >= 0 for e in run.used_by.get(t, [])):
            continue
        line = line_of(run, event)
        values = {
            "op": event.op,
            "scores": quoted_name(run.trace, event.inputs[0]),
            "shape": words.shape(run.tensor(event.inputs[0]).shape),
            "line": line,
        }
        return [Found(values, fixes=_other_dim(run, event), event=event.id, line=line)]
    return []


def _behind(run: Run, tensor: int) -> int:
    """The scores themselves, before a softmax and the like, which don't change which is the greatest."""
    for _turn in range(4):
        made = run.made_by.get(tensor)
        if made is None or made.op not in _MONOTONE or not made.inputs:
            break
        tensor = made.inputs[0]
    return tensor


def _other_dim(run: Run, event: Event) -> list[Fix]:
    node = run.source.expression_at(run.span(event))
    if not isinstance(node, ast.Call) or called(node) != event.op:
        return []
    given = [k.value for k in node.keywords if k.arg in ("dim", "axis")] or node.args[-1:]
    if not given or not isinstance(given[0], ast.Constant) or given[0].value != 0:
        return []
    return [Fix(words.fill(N_("Use `dim=1`"), {}), "maybe", [run.source.replace(given[0], "1")])]


_LOADER = re.compile(r"(^|_)(loader|dl|dataloader)$")
_COUNT = re.compile(r"(^|_)(n_|num_)?(correct|hits|right|matches|corrects)$")


@silent_bug(
    "GL769",
    Severity.WARNING,
    title=N_("`{text}` divides by the wrong number"),
    what=N_("{total} adds up the mean of each batch and is divided by `{by}`, the number of samples."),
    why=N_("A mean is divided by its number of entries already. To average means, divide by how many there are."),
    fix=N_("Divide by the number of batches, `{instead}`, or add up `loss.item() * len(batch)`."),
    example={
        "text": "total / len(loader.dataset)",
        "total": "`total`",
        "by": "len(loader.dataset)",
        "instead": "len(loader)",
    },
    program="""import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(12, 2), torch.randn(12, 1)), batch_size=4)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    total = 0.0
    for xb, yb in loader:
        loss = nn.functional.mse_loss(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(total / len(loader.dataset))
""",
    mended="""import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset
torch.manual_seed(0)
loader = DataLoader(TensorDataset(torch.randn(12, 2), torch.randn(12, 1)), batch_size=4)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(2):
    total = 0.0
    for xb, yb in loader:
        loss = nn.functional.mse_loss(net(xb), yb)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    print(total / len(loader))
""",
)
def divided_wrongly(run: Run) -> list[Found]:
    """Means divided by the number of samples, counts of samples divided by the number of batches."""
    batches = [e for e in run.by_kind[EventKind.CREATE] if e.op == "batch" and e.outputs]
    if max((run.tensor(e.outputs[0]).shape[:1] or [1] for e in batches), default=[1])[0] < 2:
        return []
    found = []
    for node in run.source.nodes:
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
            continue
        by = node.right
        if called(by) != "len" or not isinstance(by, ast.Call) or not by.args:
            continue
        total, counted = dotted(node.left), by.args[0]
        added = _added_up(run, node, total)
        if not total or added is None:
            continue
        is_loader = dotted(counted).rpartition(".")[2] and _is_loader(run, counted)
        if isinstance(counted, ast.Attribute) and counted.attr == "dataset" and _is_mean(run, added):
            instead = f"len({run.source.text_of(counted.value)})"
            found.append(_divided(run, node, total, instead))
        elif is_loader and _COUNT.search(total.rpartition(".")[2].lower()) and _is_count(run, added):
            instead = f"len({run.source.text_of(counted)}.dataset)"
            one = _divided(run, node, total, instead)
            one.what = N_("{total} counts samples, and is divided by `{by}`, the number of batches.")
            one.why = N_("A share is the count of what fits divided by the count of all; by batches it passes 1.")
            one.fix = N_("Divide by the number of samples: `{instead}`.")
            found.append(one)
    return found[:2]


def _divided(run: Run, node: ast.BinOp, total: str, instead: str) -> Found:
    values = {
        "text": run.source.text_of(node),
        "total": words.code(total),
        "by": run.source.text_of(node.right),
        "instead": instead,
    }
    fixes = [Fix(words.fill(N_("Divide by `{instead}`"), values), "maybe", [run.source.replace(node.right, instead)])]
    return Found(values, fixes=fixes, line=node.lineno)


def _added_up(run: Run, node: ast.AST, total: str) -> ast.expr | None:
    """What is added to a total in a loop of the same function."""
    scope = run.source.scope_of(node)
    found = [
        n.value
        for n in run.source.nodes
        if isinstance(n, ast.AugAssign)
        and isinstance(n.op, ast.Add)
        and dotted(n.target) == total
        and run.source.scope_of(n) is scope
    ]
    return found[0] if len(found) == 1 else None


def _is_loader(run: Run, node: ast.expr) -> bool:
    made = run.source.assigned(dotted(node), node)
    return called(made) == "DataLoader" if made is not None else bool(_LOADER.search(dotted(node).lower()))


def _is_mean(run: Run, added: ast.expr) -> bool:
    """Whether a plain loss is added, one that is a mean over the batch."""
    if isinstance(added, ast.Call) and called(added) == "float" and added.args:
        added = added.args[0]
    inner = added.func.value if isinstance(added, ast.Call) and isinstance(added.func, ast.Attribute) else added
    if isinstance(added, ast.Call) and called(added) not in ("item", "detach"):
        return False
    name = dotted(inner)
    makers = [run.made_by.get(t) for t in roots(run) if run.tensor(t).name == name]
    return bool(makers) and all(
        m is not None and (m.params.get("reduction") == "mean" or m.op == "mean") for m in makers
    )


def _is_count(run: Run, added: ast.expr) -> bool:
    """Whether entries are counted: `(pred == y).sum().item()`."""
    return any(isinstance(n, ast.Call) and called(n) == "sum" for n in ast.walk(added)) and any(
        isinstance(n, ast.Compare) or (isinstance(n, ast.Call) and called(n) == "eq") for n in ast.walk(added)
    )
