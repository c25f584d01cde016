"""Schedules of the learning rate: never stepped, stepped too often, or told of the wrong direction."""

from __future__ import annotations

import ast
import itertools
import re

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import loops_around, method_calls, step_calls
from graphlab.explain.silent.trail import rate_of
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import EventKind, Fix

_SCHEDULER = re.compile(
    "LambdaLR|MultiplicativeLR|StepLR|MultiStepLR|ConstantLR|LinearLR|ExponentialLR|PolynomialLR|CosineAnnealingLR|"
    "ChainedScheduler|SequentialLR|ReduceLROnPlateau|CyclicLR|OneCycleLR|CosineAnnealingWarmRestarts"
)
_BETTER_WHEN_HIGH = re.compile(r"(^|_)(acc|accuracy|f1|auc|score|precision|recall|iou|dice|bleu|reward)(_|$)")


def schedulers(run: Run) -> dict[str, ast.Call]:
    """The schedulers that the program makes, by the names they go by."""
    found: dict[str, ast.Call] = {}
    for node in run.source.nodes:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if _SCHEDULER.fullmatch(called(node.value)):
            found.update({dotted(t): node.value for t in node.targets if dotted(t)})
    return found


def _steps_of(run: Run, name: str) -> list[ast.Call]:
    last = name.rpartition(".")[2]
    return [
        c
        for c in method_calls(run, "step")
        if isinstance(c.func, ast.Attribute) and dotted(c.func.value).rpartition(".")[2] == last
    ]


def _is_handed_on(run: Run, name: str) -> bool:
    """Whether the scheduler goes elsewhere under its name: into a call, a list, another name."""
    last = name.rpartition(".")[2]
    for node in run.source.nodes:
        if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        if dotted(node).rpartition(".")[2] == last and not isinstance(run.source.parents.get(node), ast.Attribute):
            return True
    return False


@silent_bug(
    "GL746",
    Severity.WARNING,
    title=N_("{scheduler} is never stepped: the learning rate stays {rate}"),
    what=N_("{scheduler}, a `{type}`, is made on line {line}, and its `step()` is called nowhere."),
    why=N_("A scheduler changes the learning rate only when its `step()` is called."),
    fix=N_("Call `{scheduler_text}.step()` once in each epoch, after `{optimizer}.step()`."),
    example={
        "scheduler": "`scheduler`",
        "scheduler_text": "scheduler",
        "type": "StepLR",
        "line": 4,
        "rate": "0.1",
        "optimizer": "optimizer",
    },
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
for epoch in range(6):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
for epoch in range(6):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
""",
)
def schedule_not_stepped(run: Run) -> list[Found]:
    """A scheduler without `step()`."""
    rates = [r for e in run.by_kind[EventKind.UPDATE] if (r := rate_of(e)) is not None]
    if len(run.trace.losses) < 2 or not rates:
        return []
    found = []
    for name, call in schedulers(run).items():
        if _steps_of(run, name) or _is_handed_on(run, name):
            continue
        values = {
            "scheduler": words.code(name),
            "scheduler_text": name,
            "type": called(call),
            "line": call.lineno,
            "rate": words.number(rates[-1]),
            "optimizer": (dotted(call.args[0]) if call.args else "") or "optimizer",
        }
        one = Found(values, fixes=_stepped(run, name, called(call)), line=call.lineno)
        if called(call) == "ReduceLROnPlateau":
            one.fix = N_("Call `{scheduler_text}.step(…)` with the loss of the validation at the end of each epoch.")
        elif called(call) == "OneCycleLR":
            one.fix = N_("Call `{scheduler_text}.step()` after each `{optimizer}.step()`.")
        found.append(one)
    return found[:1]


def _stepped(run: Run, name: str, type_: str) -> list[Fix]:
    """The missing `step()` as the last statement of the loop over epochs."""
    steps = [c for c in step_calls(run) if isinstance(run.source.scope_of(c), ast.Module)]
    if len(steps) != 1 or type_ in ("ReduceLROnPlateau", "OneCycleLR"):
        return []
    around = [each for each in loops_around(run, steps[0]) if isinstance(each, ast.For)]
    if not around:
        return []
    last = around[-1].body[-1]
    _line, column, end_line, end_column = run.source.place(last)
    first_column = run.source.place(around[-1].body[0])[1]
    text = f"{name}.step()"
    title = words.fill(N_("Add `{text}` at the end of the loop"), {"text": text})
    edit = run.source.insert_at(end_line, end_column, f"\n{' ' * max(column, first_column)}{text}")
    return [Fix(title, "maybe", [edit])]


@silent_bug(
    "GL747",
    Severity.WARNING,
    title=N_("The learning rate is down to {low} after {n_early} of {n} steps: {scheduler} is stepped too often"),
    what=N_("`{call}` on line {line} took the learning rate from {first} to {low} in the first half of the training."),
    why=N_(
        "Each `step()` of the scheduler counts as one turn of its schedule; in the loop over batches it comes once a "
        "batch, not once an epoch."
    ),
    fix=N_("Call `{call}` once an epoch, after the loop over the batches."),
    example={
        "low": "1e−07",
        "first": "0.1",
        "n_early": 30,
        "n": 60,
        "scheduler": "`scheduler`",
        "call": "scheduler.step()",
        "line": 14,
    },
    program="""import torch
torch.manual_seed(0)
x = torch.randn(40, 2)
y = x.sum(1)
w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.05)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
for epoch in range(4):
    for xb, yb in zip(x.split(8), y.split(8)):
        loss = ((xb @ w - yb) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
""",
    mended="""import torch
torch.manual_seed(0)
x = torch.randn(40, 2)
y = x.sum(1)
w = torch.zeros(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.05)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.1)
for epoch in range(4):
    for xb, yb in zip(x.split(8), y.split(8)):
        loss = ((xb @ w - yb) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    scheduler.step()
""",
)
def decayed_away(run: Run) -> list[Found]:
    """A schedule that is over long before the training."""
    made = schedulers(run)
    updates = run.by_kind[EventKind.UPDATE]
    if not made or not updates:
        return []
    known = [e for e in updates if e.inputs[:1] == updates[0].inputs[:1]]
    rates = [r for e in known if (r := rate_of(e)) is not None]
    if len(rates) < 6:
        return []
    half = len(rates) // 2
    is_gone = rates[half] < 2e-3 * rates[0] and all(b <= a * 1.0001 for a, b in itertools.pairwise(rates))
    for name, call in made.items():
        for step in _steps_of(run, name):
            around = [each for each in loops_around(run, step) if isinstance(each, ast.For)]
            text = run.source.text_of(step)
            values = {
                "low": words.number(float(f"{rates[half]:.1g}")),
                "first": words.number(rates[0]),
                "n_early": half,
                "n": len(rates),
                "scheduler": words.code(name),
                "call": text,
                "line": step.lineno,
            }
            if is_gone:
                one = Found(values, {"rate": rates[half]}, event=known[half].id, line=step.lineno)
                if len(around) < 2:
                    one.why = N_("A factor that is applied again and again leaves next to nothing of the rate.")
                    one.fix = N_("Choose a factor nearer to 1 or a greater step size, so that the rate lasts.")
                return [one]
            if _is_once_an_epoch(run, call, step):
                one = Found(values, line=step.lineno)
                one.title = N_("{scheduler} is planned for batches and is stepped once an epoch")
                one.what = N_(
                    "The schedule is as long as there are batches, and `{call}` on line {line} stands outside their "
                    "loop: only its beginning is used."
                )
                one.why = N_("The length of a schedule is counted in calls of its `step()`.")
                one.fix = N_("Call `{call}` after each `optimizer.step()`, in the loop over the batches.")
                return [one]
            period = _counted_in_epochs(run, call, around)
            if period and any(b > 1.001 * a for a, b in itertools.pairwise(rates)):
                one = Found({**values, "period": period}, line=step.lineno)
                one.title = N_("{scheduler} goes up and down: `{period}` counts epochs, and it is stepped once a batch")
                one.what = N_(
                    "`{call}` on line {line} runs {n} times, and the schedule is over after `{period}` of them: then "
                    "the learning rate rises again."
                )
                one.why = N_("The length of a schedule is counted in calls of its `step()`.")
                return [one]
    return []


def _is_once_an_epoch(run: Run, call: ast.Call, step: ast.Call) -> bool:
    """A schedule of `steps_per_epoch` or `epochs * len(loader)` steps whose `step()` isn't where the optimizer's is."""
    length = [k for k in call.keywords if k.arg in ("steps_per_epoch", "total_steps", "T_max", "total_iters")]
    is_long = any(k.arg == "steps_per_epoch" or "len(" in run.source.text_of(k.value) for k in length)
    around = loops_around(run, step)
    trained = [loops_around(run, c) for c in step_calls(run) if run.source.scope_of(c) is run.source.scope_of(step)]
    return (
        is_long
        and bool(trained)
        and all(len(t) > len(around) and around == t[-len(around) :] for t in trained if around)
    )


def _counted_in_epochs(run: Run, call: ast.Call, around: list[ast.For]) -> str:
    """`T_max=epochs` of a scheduler that is stepped in the inner loop of `for epoch in range(epochs)`."""
    length = argument(call, 1, "T_max") if called(call) == "CosineAnnealingLR" else None
    if length is None or len(around) < 2 or not isinstance(around[1].iter, ast.Call):
        return ""
    outer = around[1].iter
    same = called(outer) == "range" and len(outer.args) == 1 and ast.dump(outer.args[0]) == ast.dump(length)
    return run.source.text_of(length) if same else ""


@silent_bug(
    "GL748",
    Severity.WARNING,
    title=N_("{scheduler} waits for {value} to fall, and it should rise"),
    what=N_("`{call}` on line {line} gives {value} to a `ReduceLROnPlateau` in its mode 'min'."),
    why=N_(
        "In the mode 'min' a value that doesn't fall counts as no progress, so the learning rate is cut while "
        "{value} gets better."
    ),
    fix=N_("Make it with `mode='max'`, or give it the loss."),
    example={"scheduler": "`scheduler`", "value": "`accuracy`", "call": "scheduler.step(accuracy)", "line": 12},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=1)
for epoch in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    accuracy = 1 - loss.item() / 9
    scheduler.step(accuracy)
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.01)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", patience=1)
for epoch in range(4):
    loss = (w * 3.0 - 6.0) ** 2
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    accuracy = 1 - loss.item() / 9
    scheduler.step(accuracy)
""",
)
def plateau_upside_down(run: Run) -> list[Found]:
    """ReduceLROnPlateau in its mode 'min' with an accuracy."""
    found = []
    for name, call in schedulers(run).items():
        if called(call) != "ReduceLROnPlateau":
            continue
        mode = argument(call, 1, "mode")
        if mode is not None and not (isinstance(mode, ast.Constant) and mode.value == "min"):
            continue
        for step in _steps_of(run, name):
            value = dotted(step.args[0]).rpartition(".")[2] if step.args else ""
            if not _BETTER_WHEN_HIGH.search(value.lower()):
                continue
            values = {
                "scheduler": words.code(name),
                "value": words.code(value),
                "call": run.source.text_of(step),
                "line": step.lineno,
            }
            edit = (
                run.source.replace(mode, '"max"') if mode is not None else run.source.add_argument(call, 'mode="max"')
            )
            title = words.fill(N_("Make it with `mode='max'`"), {})
            found.append(Found(values, fixes=[Fix(title, "maybe", [edit])], line=step.lineno))
    return found[:1]
