"""How loss functions are made: weights for other classes, reductions, predictions given to the constructor."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix


@diagnosis(
    "GL414",
    Severity.ERROR,
    kinds=("class_weight",),
    title=N_("The class weights must be one for each of the {n} classes"),
    what=N_("`weight` has shape {shape}, and there are {n} classes."),
    why=N_("`weight` says how much each class counts in the loss, so it needs one number for each class."),
    fix=N_("Give `weight` {n} numbers, in the order of the classes."),
    example={"n": 3, "shape": [2]},
    program="""import torch
import torch.nn as nn
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0]))
loss = criterion(torch.zeros(2, 3), torch.tensor([0, 2]))
""",
    mended="""import torch
import torch.nn as nn
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 1.0]))
loss = criterion(torch.zeros(2, 3), torch.tensor([0, 2]))
""",
)
def class_weight(case: Case) -> Found | None:
    """Weights for another number of classes."""
    shape = words.shape(words.tuple_of(case.facts.get("shape") or []))
    found = Found({"n": case.facts.get("n", ""), "shape": shape})
    if case.facts.get("name") == "pos_weight":
        found.title = N_("`pos_weight` must have one number for each of the {n} labels")
        found.what = N_("`pos_weight` has shape {shape}, and each sample has {n} labels.")
        found.why = N_("`pos_weight` says for each label how much a yes counts, so it has one number for each.")
        found.fix = N_("Give `pos_weight` {n} numbers, in the order of the labels.")
    return found


FUNCTION_OF = {
    "MSELoss": "mse_loss",
    "BCELoss": "binary_cross_entropy",
    "BCEWithLogitsLoss": "binary_cross_entropy_with_logits",
    "CrossEntropyLoss": "cross_entropy",
    "NLLLoss": "nll_loss",
    "KLDivLoss": "kl_div",
    "L1Loss": "l1_loss",
    "SmoothL1Loss": "smooth_l1_loss",
    "GaussianNLLLoss": "gaussian_nll_loss",
    "PoissonNLLLoss": "poisson_nll_loss",
    "CTCLoss": "ctc_loss",
}
"""What the layers of losses are called as functions, where the name alone doesn't say it."""
_REDUCTIONS = ("mean", "sum", "none")


@diagnosis(
    "GL415",
    Severity.ERROR,
    kinds=("reduction", "ambiguous_bool"),
    over=("GL312",),
    title=N_("{loss} is made first and called afterwards"),
    what=N_("Line {line} gives the predictions and targets to the constructor of {loss}, which takes settings only."),
    why=N_("`nn.{name}()` makes a loss function; calling that function with predictions and targets gives the loss."),
    fix=N_("Write `nn.{name}()(prediction, target)`, or `F.{function}(prediction, target)`."),
    example={"reduction": "average"},
    program="""import torch
import torch.nn as nn
pred = torch.tensor([1.0, 2.0], requires_grad=True)
loss = nn.MSELoss(pred, torch.tensor([1.5, 2.5]))
""",
    mended="""import torch
import torch.nn as nn
pred = torch.tensor([1.0, 2.0], requires_grad=True)
loss = nn.MSELoss()(pred, torch.tensor([1.5, 2.5]))
""",
)
def loss_settings(case: Case) -> Found | None:
    """The loss's constructor called with the operands, or with a reduction that isn't one."""
    if case.kind == "reduction":
        text = str(case.facts.get("reduction") or "")
        found = Found({"text": words.code(text)})
        found.title = N_("There is no reduction {text}")
        found.what = N_("`reduction` was given as {text}; it can be `mean`, `sum` or `none`.")
        found.why = N_("The reduction says how the losses of all samples become one number.")
        found.fix = N_("Write `reduction='mean'` for the average, `'sum'` for the total, `'none'` to keep each one.")
        places = [n for n in case.source.nodes if isinstance(n, ast.Constant) and n.value == text]
        if len(places) == 1 and text:
            found.fixes.append(Fix(_("Write `mean`, the average"), "maybe", [case.source.replace(places[0], '"mean"')]))
        return found
    calls = [c for c in case.source.calls_at(case.line) if called(c).endswith("Loss") and len(c.args) >= 2]
    if len(calls) != 1:
        return _loss_class(case)
    call = calls[0]
    name = called(call)
    function = FUNCTION_OF.get(name) or re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    found = Found({"loss": words.code(name), "name": name, "function": function, "line": case.line})
    inner = ", ".join(case.source.text_of(a) for a in call.args)
    text = f"{case.source.text_of(call.func)}()({inner})"
    found.fixes.append(Fix(words.fill(N_("Write `{text}`"), {"text": text}), "safe", [case.source.replace(call, text)]))
    return found


def _loss_class(case: Case) -> Found | None:
    """`criterion = nn.MSELoss`, and `criterion(…)` then makes a loss function instead of calling one."""
    for call in case.source.calls_at(case.line):
        made = case.source.assigned(dotted(call.func), call) if dotted(call.func) and len(call.args) >= 2 else None
        name = dotted(made).rpartition(".")[2]
        if not name.endswith("Loss") or made is None:
            continue
        text = f"{case.source.text_of(made)}()"
        title = words.fill(N_("Make the loss function where it is named: `{text}`"), {"text": text})
        return Found(
            {"loss": words.code(name), "name": name, "at": made.lineno, "criterion": words.code(dotted(call.func))},
            fixes=[Fix(title, "maybe", [case.source.replace(made, text)])],
            what=N_("{criterion} is the class {loss} itself, set on line {at}, not a loss function made by it."),
            fix=N_("Write the brackets on line {at}: `nn.{name}()`."),
        )
    return None
