"""Losses: the shape, range and dtype of targets, and softmax."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.axes import broadcast_axes, marked_axes
from graphlab.explain.case import Argument, Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.shapes import broadcast_shape, rewrite
from graphlab.explain.source import argument, called, dotted, literal
from graphlab.explain.values import range_at
from graphlab.i18n import N_, _
from graphlab.trace.records import Edit, Fix

LOSS_NAMES = {
    "cross_entropy": "CrossEntropyLoss",
    "nll_loss": "NLLLoss",
    "mse_loss": "MSELoss",
    "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss",
    "huber_loss": "HuberLoss",
    "binary_cross_entropy": "BCELoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss",
}


def loss_name(case: Case) -> str:
    """The loss as learners write it: `CrossEntropyLoss`."""
    name = str(case.facts.get("loss") or case.op)
    return LOSS_NAMES.get(name, name)


def loss_operands(case: Case) -> tuple[Argument, Argument]:
    """Input and target of the loss."""
    shapes = [words.tuple_of(case.facts.get(key) or []) for key in ("input_shape", "target_shape")]
    prediction, target = case.arguments([_("the input"), _("the target")], shapes)[:2]
    return prediction, target


def made_by(case: Case, operand: Argument) -> ast.Call | None:
    """The `torch.tensor(…)` call that made an operand, where the text shows it."""
    node = operand.node
    if node is None:
        return None
    made: ast.expr | None = node
    for _turn in range(4):  # y, y_train = … look through plain copies of names
        if not dotted(made):
            break
        made = case.source.assigned(dotted(made), made)
    return (
        made if isinstance(made, ast.Call) and called(made) in ("tensor", "as_tensor", "Tensor", "LongTensor") else None
    )


def _flattened_literal(case: Case, operand: Argument) -> Fix | None:
    """`torch.tensor([[0], [1], [2]])` → `torch.tensor([0, 1, 2])`."""
    made = made_by(case, operand)
    rows = literal(made.args[0]) if made is not None and made.args else None
    if made is None or not isinstance(rows, list) or not all(isinstance(r, list) and len(r) == 1 for r in rows):
        return None
    node = made.args[0]
    if not isinstance(node, ast.List):
        return None
    edits: list[Edit] = []
    items: list[str] = []
    for row in node.elts:
        if not isinstance(row, ast.List):
            return None
        items.append(case.source.text_of(row.elts[0]))
        edits.append(case.source.replace(row, items[-1]))
    shown = ", ".join(items[:4]) + (", …" if len(items) > 4 else "")
    title = words.fill(
        N_("Write the targets as one list of class numbers: `{text}`"), {"text": f"torch.{called(made)}([{shown}])"}
    )
    return Fix(title, "safe", edits)


def _is_column(shape: list[int]) -> bool:
    return len(shape) == 2 and shape[1] == 1


# GL401


@diagnosis(
    "GL401",
    Severity.ERROR,
    kinds=("target_shape", "spatial_target"),
    title=N_("The target of {loss} must have shape {wanted}, not {target_shape}"),
    what=N_("{target} has shape {target_shape}, a column; {loss} wants one class number for each of the {n} samples."),
    why=N_(
        "{loss} reads the target as a list of class numbers: for an input of shape (N, C) the target has shape (N,)."
    ),
    fix=N_("Drop the extra axis of the target with `.squeeze(1)`, or write it as one flat list of class numbers."),
    example={"loss": "cross_entropy", "input_shape": [3, 4], "target_shape": [3, 1]},
    program="""import torch
import torch.nn as nn
scores = torch.tensor([[2.0, 0.5, 0.1], [0.3, 1.5, 0.2], [0.1, 0.4, 3.0]], requires_grad=True)
targets = torch.tensor([[0], [1], [2]])
loss = nn.CrossEntropyLoss()(scores, targets)
""",
    mended="""import torch
import torch.nn as nn
scores = torch.tensor([[2.0, 0.5, 0.1], [0.3, 1.5, 0.2], [0.1, 0.4, 3.0]], requires_grad=True)
targets = torch.tensor([0, 1, 2])
loss = nn.CrossEntropyLoss()(scores, targets)
""",
)
def target_column(case: Case) -> Found | None:
    """Class targets that are a column (N, 1), one-hot integers, or another shape of too many axes."""
    if case.kind == "spatial_target":
        return _spatial_target(case)
    if case.facts.get("loss") not in ("cross_entropy", "nll_loss", None) or case.facts.get("batch_sizes"):
        return None
    if case.op == "cosine_embedding_loss":
        return Found(
            {"loss": words.code("CosineEmbeddingLoss")},
            title=N_("The target of {loss} must be one row of numbers"),
            what=N_("{loss} wants one 1 or −1 for each pair, in a tensor with one axis; this target has more."),
            why=N_("Each pair of vectors is either alike (1) or not (−1), so the target has shape (N,)."),
            fix=N_("Bring the target to one axis with `.view(-1)`."),
        )
    prediction, target = loss_operands(case)
    loss = words.code(loss_name(case))
    shape = target.shape
    if not shape:
        if case.facts.get("target_shape") is not None or case.facts.get("input_shape"):
            return None
        return Found(
            {"loss": loss},
            title=N_("The target of {loss} has too many axes"),
            what=N_("The target has more than one axis; {loss} wants one class number for each sample."),
            fix=N_(
                "If the target is a column of shape (N, 1), use `target.squeeze(1)`; if it is one-hot, "
                "`target.argmax(dim=1)`."
            ),
        )
    if len(shape) < 2:
        return _of_a_sequence(case, prediction, target) if len(prediction.shape) > 2 else None
    wanted = case.facts.get("wanted_shape")
    if isinstance(wanted, list) and len(wanted) >= 2 and not prediction.shape:
        return Found(
            {"loss": loss, "wanted": words.shape(wanted), "target_shape": words.shape(shape)},
            what=N_("The target has shape {target_shape}, and to these scores belongs one of shape {wanted}."),
            why=N_("Scores of shape (N, C, d₁, …) have the classes along axis 1; the target has all the other axes."),
            fix=N_(
                "Bring the target to the shape {wanted}, or move the classes of the scores to axis 1 with `transpose`."
            ),
        )
    said = {
        "loss": loss,
        "target": target.said,
        "input": prediction.said,
        "target_shape": words.shape(shape),
        "input_shape": words.shape(prediction.shape),
        "wanted": words.shape(shape[:1]),
        "n": shape[0],
    }
    found = Found(said)
    if len(prediction.shape) == 2:
        found.picture = marked_axes(
            [prediction.said.strip("`"), target.said.strip("`")],
            [prediction.shape, shape],
            [[], list(range(1, len(shape)))],
            _("The target needs one class number for each sample; the marked axis is too many."),
            [[_("batch"), _("classes")], [_("batch"), *[""] * (len(shape) - 1)]],
        )
    if _is_column(shape):
        flat = _flattened_literal(case, target)
        squeeze = rewrite(case, target, ".squeeze(1)")
        if squeeze:
            text = words.fill(
                N_("Drop the extra axis in the call: `{text}.squeeze(1)` has shape {wanted}"),
                {"text": target.base, "wanted": words.shape(shape[:1])},
            )
            found.fixes.append(Fix(text, "safe", squeeze))
        if flat is not None:
            found.fixes.append(flat)
        return found
    if len(prediction.shape) >= 3 and shape != prediction.shape:
        found.words["wanted"] = words.shape([prediction.shape[0], *prediction.shape[2:]])
        found.words["n_classes"] = prediction.shape[1]
        found.what = N_(
            "{input} has shape {input_shape}, so {loss} reads axis 1 as {n_classes} classes and wants a target of "
            "shape {wanted}; {target} has shape {target_shape}."
        )
        found.why = N_(
            "Scores of shape (N, C, d₁, …) have the classes along axis 1; the target has all the other axes."
        )
        found.fix = N_(
            "Bring the target to the shape {wanted}, or move the classes of the scores to axis 1 with `transpose`."
        )
        return found
    found.what = N_("{target} has shape {target_shape}; {loss} wants one class number for each of the {n} samples.")
    found.fix = N_("Give {loss} a target of shape {wanted} with one class number for each sample.")
    if shape == prediction.shape:
        edits = rewrite(case, target, ".argmax(dim=1)")
        found.what = N_(
            "{target} has shape {target_shape}, one column for each class; with integers {loss} wants class numbers."
        )
        found.fix = N_("If {target} is one-hot, `argmax(dim=1)` gives the class numbers.")
        if edits:
            title = words.fill(
                N_("Turn the one-hot rows into class numbers: `{text}.argmax(dim=1)`"), {"text": target.base}
            )
            found.fixes.append(Fix(title, "maybe", edits))
    return found


def _of_a_sequence(case: Case, prediction: Argument, target: Argument) -> Found:
    """Scores for each place, and a target with one number for each sample."""
    wanted = [prediction.shape[0], *prediction.shape[2:]]
    return Found(
        {
            "loss": words.code(loss_name(case)),
            "wanted": words.shape(wanted),
            "target": target.said,
            "target_shape": words.shape(target.shape),
            "input": prediction.said,
            "input_shape": words.shape(prediction.shape),
        },
        what=N_(
            "{input} has shape {input_shape}, scores for several places of a sample; {target} has shape "
            "{target_shape}, one class for each sample."
        ),
        why=N_("Scores of shape (N, C, d₁, …) have the classes along axis 1; the target has all the other axes."),
        fix=N_("Give the loss scores of shape (N, C), one row for each sample, or a target of shape {wanted}."),
    )


def _spatial_target(case: Case) -> Found:
    """Targets of a segmentation that have channels, as the older messages tell them."""
    given, n = case.facts.get("target_shape"), case.facts.get("n_dims")
    found = Found(
        {"loss": words.code("CrossEntropyLoss"), "shape": words.shape(given or []), "n": n or 0},
        title=N_("The target of {loss} must have three axes"),
        what=N_("The scores have a class axis and two of places; their target has {n} axes, and three are wanted."),
        why=N_("Scores of shape (N, C, H, W) belong to a target of shape (N, H, W) that holds class numbers."),
        fix=N_(
            "Drop an axis of size 1 with `target.squeeze(1)`; if the target is one-hot or a colour picture, turn it "
            "into class numbers first (`target.argmax(dim=1)`)."
        ),
    )
    if given:
        found.what = N_("The scores have a class axis and two of places; their target has shape {shape}.")
    return found


@diagnosis(
    "GL402",
    Severity.ERROR,
    kinds=("target_shape",),
    title=N_("The input of {loss} has {n_input}, the target {n_target}"),
    what=N_("{input} holds {n_input} and {target} holds {n_target}, so they can't be paired."),
    why=N_(
        "A loss compares each prediction with its own target, so the first axis, the batch, must have the same size."
    ),
    fix=N_(
        "Check that both come from the same batch, and that no `view` or `reshape` on the way mixed batch and features."
    ),
    example={"loss": "cross_entropy", "input_shape": [3, 4], "target_shape": [2]},
    program="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 4, requires_grad=True)
target = torch.tensor([0, 1])
loss = F.cross_entropy(scores, target)
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 4, requires_grad=True)
target = torch.tensor([0, 1, 3])
loss = F.cross_entropy(scores, target)
""",
)
def batch_sizes(case: Case) -> Found | None:
    """Predictions and class targets of different batch sizes."""
    if case.facts.get("loss") not in ("cross_entropy", "nll_loss", None):
        return None
    prediction, target = loss_operands(case)
    sizes = case.facts.get("batch_sizes")
    if sizes is None:
        if not prediction.shape or len(target.shape) != 1 or prediction.shape[0] == target.shape[0]:
            return None
        sizes = [prediction.shape[0], target.shape[0]]
    from graphlab.i18n import ngettext

    counts = [ngettext("{n} sample", "{n} samples", n).format(n=n) for n in sizes]
    found = Found(
        {
            "loss": words.code(loss_name(case)),
            "input": prediction.said,
            "target": target.said,
            "n_input": counts[0],
            "n_target": counts[1],
        }
    )
    if prediction.shape and target.shape:
        found.picture = marked_axes(
            [prediction.said.strip("`"), target.said.strip("`")],
            [prediction.shape, target.shape],
            [[0], [0]],
            _("The first axis is the batch: both need the same size there."),
        )
    return found


@diagnosis(
    "GL403",
    Severity.ERROR,
    kinds=("target_shape", "target_count"),
    title=N_("{loss} needs input and target of one shape: {input_shape} is not {target_shape}"),
    what=N_("{input} has shape {input_shape} and {target} has shape {target_shape}."),
    why=N_("{loss} compares entry with entry and doesn't broadcast, so both shapes must be the same."),
    fix=N_("Reshape {target} to {input_shape}, for instance with `unsqueeze(1)`, or the input to {target_shape}."),
    example={"loss": "binary_cross_entropy_with_logits", "input_shape": [3, 1], "target_shape": [3]},
    program="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 1, requires_grad=True)
target = torch.tensor([0.0, 1.0, 1.0])
loss = F.binary_cross_entropy_with_logits(scores, target)
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 1, requires_grad=True)
target = torch.tensor([0.0, 1.0, 1.0])
loss = F.binary_cross_entropy_with_logits(scores, target.unsqueeze(1))
""",
)
def same_shape_loss(case: Case) -> Found | None:
    """A binary cross-entropy with two shapes."""
    if case.kind == "target_count":
        return Found(
            {"n_input": case.facts["n_input"], "n_target": case.facts["n_target"], "loss": words.code("BCELoss")},
            title=N_("{loss} has {n_input} predictions for {n_target} targets"),
            what=N_("The input holds {n_input} numbers and the target {n_target}, so they can't be paired."),
            fix=N_(
                "Print both shapes. With one output a sample the target has as many entries as samples; class numbers "
                "with several outputs need `CrossEntropyLoss`."
            ),
            why=N_("{loss} compares entry with entry, so both must hold equally many."),
        )
    if not str(case.facts.get("loss", "")).startswith("binary_cross_entropy"):
        return None
    prediction, target = loss_operands(case)
    return Found(
        {
            "loss": words.code(loss_name(case)),
            "input": prediction.said,
            "target": target.said,
            "input_shape": words.shape(prediction.shape),
            "target_shape": words.shape(target.shape),
        },
        fixes=_same_shape_fixes(case, prediction, target),
        picture=broadcast_axes([prediction.said.strip("`"), target.said.strip("`")], [prediction.shape, target.shape]),
    )


def _same_shape_fixes(case: Case, prediction: Argument, target: Argument) -> list[Fix]:
    """`target.unsqueeze(1)` or `prediction.squeeze(1)` where one is (N,) and the other (N, 1)."""
    fixes: list[Fix] = []
    for column, flat, is_target_flat in ((prediction, target, True), (target, prediction, False)):
        if not _is_column(column.shape) or flat.shape != column.shape[:1]:
            continue
        first, second = (flat, column) if is_target_flat else (column, flat)
        more, suffixes = _what_comes_next(case, prediction, target)
        for operand in (first, second):
            suffix, shape = (".unsqueeze(1)", column.shape) if operand is flat else (".squeeze(1)", flat.shape)
            is_target = operand is target
            suffix += suffixes[is_target]
            edits = rewrite(case, operand, suffix)
            other = rewrite(case, prediction if is_target else target, suffixes[not is_target])
            if edits:
                changes = [f"{operand.base}{suffix}"]
                if suffixes[not is_target] and other:
                    edits = [*edits, *other]
                    changes.append(f"{(prediction if is_target else target).base}{suffixes[not is_target]}")
                if more:
                    edits = [*edits, *more]
                    changes.append(more[0].text)
                if len(changes) > 1 or suffixes[is_target]:
                    title = words.fill(
                        N_("Write {changes}: both get shape {shape}, and the kinds of numbers fit as well"),
                        {"changes": words.listing(words.code(c) for c in changes), "shape": words.shape(shape)},
                    )
                    fixes.append(Fix(title, "maybe", edits))
                    continue
                title = words.fill(
                    N_("Write `{text}{suffix}`: {name} gets shape {shape}, like the other one"),
                    {"text": operand.base, "suffix": suffix, "name": operand.said, "shape": words.shape(shape)},
                )
                fixes.append(Fix(title, "safe", edits))
    return fixes


def _what_comes_next(case: Case, prediction: Argument, target: Argument) -> tuple[list[Edit], tuple[str, str]]:
    """What the loss would refuse once the shapes fit: edits of the loss itself, what is put behind input and target."""
    tensors = case.tensors
    if len(tensors) < 2 or case.trace is None or not str(case.facts.get("loss", "")).startswith("binary_cross"):
        return [], ("", "")
    suffix = ".float()" if not tensors[1].dtype.startswith(("float", "bfloat")) else ""
    limits = range_at(case.trace, tensors[0].id, case.event)
    is_scores = (
        case.facts.get("loss") == "binary_cross_entropy" and limits is not None and not 0 <= limits[0] <= limits[1] <= 1
    )
    if not is_scores:
        return [], ("", suffix)
    made = [c for c in case.source.calls() if called(c) == "BCELoss" and isinstance(c.func, ast.Attribute)]
    if len(made) == 1 and isinstance(made[0].func, ast.Attribute):
        text = f"{case.source.text_of(made[0].func.value)}.BCEWithLogitsLoss"
        return [case.source.replace(made[0].func, text)], ("", suffix)
    return [], (".sigmoid()", suffix)


@diagnosis(
    "GL404",
    Severity.WARNING,
    kinds=("target_size",),
    title=N_("{loss} compares {input_shape} with {target_shape}: every pair, not one to one"),
    what=N_(
        "{input} has shape {input_shape} and {target} has shape {target_shape}, so the loss averages over {result}."
    ),
    why=N_(
        "The two are broadcast against each other: each prediction is compared with every target, and learning "
        "goes astray."
    ),
    fix=N_("Give both the same shape: {target} with `unsqueeze`, or {input} with `squeeze`."),
    example={"loss": "mse_loss", "input_shape": [3, 1], "target_shape": [3]},
    program="""import torch
import torch.nn.functional as F
y = torch.tensor([1.0, 2.0, 3.0])
prediction = torch.zeros(3, 1, requires_grad=True)
loss = F.mse_loss(prediction, y)
loss.backward()
""",
    mended="""import torch
import torch.nn.functional as F
y = torch.tensor([1.0, 2.0, 3.0])
prediction = torch.zeros(3, 1, requires_grad=True)
loss = F.mse_loss(prediction, y.unsqueeze(1))
loss.backward()
""",
)
def loss_broadcast(case: Case) -> Found | None:
    """A regression loss whose input and target broadcast."""
    prediction, target = loss_operands(case)
    result = broadcast_shape(prediction.shape, target.shape)
    if result is None or prediction.shape == target.shape:
        return None
    return Found(
        {
            "loss": words.code(loss_name(case)),
            "input": prediction.said,
            "target": target.said,
            "input_shape": words.shape(prediction.shape),
            "target_shape": words.shape(target.shape),
            "result": " × ".join(str(d) for d in result),
        },
        fixes=_same_shape_fixes(case, prediction, target),
        picture=broadcast_axes([prediction.said.strip("`"), target.said.strip("`")], [prediction.shape, target.shape]),
    )


@diagnosis(
    "GL405",
    Severity.ERROR,
    kinds=("target_range",),
    title=N_("Class {value} doesn't exist: there are {n}, numbered from 0"),
    what=N_("The target holds class {value}, but {input} has {n} scores a sample, for the classes 0 to {last}."),
    why=N_(
        "A class number is an index into the scores of a sample, so it must lie between 0 and the number of "
        "classes − 1."
    ),
    fix=N_("Number the classes from 0, or let the last layer give at least {needed} scores."),
    example={"loss": "cross_entropy", "target": 3, "n_classes": 3},
    program="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 3, requires_grad=True)
loss = F.cross_entropy(scores, torch.tensor([1, 2, 3]))
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 3, requires_grad=True)
loss = F.cross_entropy(scores, torch.tensor([1, 2, 3]) - 1)
""",
)
def target_range(case: Case) -> Found | None:
    """A class number that the scores don't have."""
    value, n = case.facts.get("target"), case.facts.get("n_classes")
    if case.facts.get("is_negative"):
        return Found(
            title=N_("`one_hot` got a class number below 0"),
            what=N_("`one_hot` makes a row for each class number, and some of them are negative."),
            why=N_("Classes are numbered from 0; −1 or −100 is often written where there is no class to learn."),
            fix=N_(
                "Leave these samples out with a mask, such as `labels[labels >= 0]`, or give them a class of their own."
            ),
        )
    if value is None and case.facts.get("loss") == "one_hot":
        call = case.call_of("one_hot")
        given = argument(call, 1, "num_classes") if call is not None else None
        text = case.source.text_of(given) if given is not None else ""
        return Found(
            {"n": words.code(text) if text else _("`num_classes`")},
            title=N_("A class number doesn't fit into `one_hot`"),
            what=N_("`one_hot` was to make rows for {n} classes, and a class number is as large as that or larger."),
            why=N_("Classes are numbered from 0, so the largest number that fits is the number of classes − 1."),
            fix=N_("Raise `num_classes` to the largest class number + 1, or leave it out."),
        )
    if value is None:
        return Found(
            title=N_("A class number in the target is too large or negative"),
            what=N_("On the GPU, a target holds a class number that the scores don't have."),
            fix=N_(
                "Print `target.min()` and `target.max()`: they must lie between 0 and the size of the last layer − 1."
            ),
        )
    if n is None:
        return Found(
            {"value": value, "needed": int(value) + 1},
            title=N_("Class {value} doesn't exist"),
            what=N_("The target holds class {value}, but the input has no score with that number."),
        )
    value, n = int(value), int(n)
    prediction, target = loss_operands(case)
    found = Found({"value": words.number(value), "n": n, "last": n - 1, "needed": value + 1, "input": prediction.said})
    if value < 0:
        found.fix = N_(
            "Number the classes from 0 and leave out negative ones, or set `ignore_index` to the number to skip."
        )
        return found
    edits = rewrite(case, target, " - 1")
    if value == n and edits and isinstance(target.node, ast.Name | ast.Call):
        title = words.fill(
            N_("Count the classes from 0: `{text} - 1`, if {target} counts from 1"),
            {"text": target.base, "target": target.said},
        )
        found.fixes.append(Fix(title, "maybe", edits))
    return found


@diagnosis(
    "GL406",
    Severity.ERROR,
    kinds=("target_dtype",),
    title=N_("The target of {loss} has dtype {dtype}"),
    what=N_("{target} holds {dtype} numbers, but {loss} wants class numbers as int64 (`torch.long`)."),
    why=N_("A class number says which score to look at, so it must be a whole number, not a measurement."),
    fix=N_("Turn {target} into class numbers with `.long()`."),
    example={"loss": "cross_entropy", "input_dtype": "float32", "target_dtype": "float32"},
    program="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 3, requires_grad=True)
target = torch.tensor([0.0, 1.0, 2.0])
loss = F.cross_entropy(scores, target)
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.zeros(3, 3, requires_grad=True)
target = torch.tensor([0.0, 1.0, 2.0])
loss = F.cross_entropy(scores, target.long())
""",
)
def target_dtype(case: Case) -> Found | None:
    """A target of the wrong dtype: floats where indices belong, or integers where probabilities do."""
    prediction, target = loss_operands(case)
    dtype = str(case.facts.get("target_dtype") or "")
    name = loss_name(case)
    found = Found(
        {"loss": words.code(name) if name else _("the loss"), "target": target.said, "dtype": dtype_name(dtype)}
    )
    wants_classes = name in ("CrossEntropyLoss", "NLLLoss") and not case.facts.get("is_one_hot")
    if prediction.shape and prediction.shape == target.shape and name == "CrossEntropyLoss":
        wants_classes = False
    suffix = ".long()" if wants_classes else ".float()"
    if not wants_classes:
        found.what = N_("{target} holds {dtype} numbers, but {loss} compares floating point numbers here.")
        if name == "CrossEntropyLoss":
            found.what = N_(
                "{target} has the shape of the scores, so {loss} reads it as probabilities; those are floating "
                "point, not {dtype}."
            )
        found.why = N_("Each entry of the target is a probability or a measurement here, and those are floating point.")
        found.fix = N_("Turn {target} into floating point with `.float()`.")
        wanted = dtype_name(str(case.facts.get("input_dtype") or ""))
        if found.words["dtype"].startswith("float") and wanted.startswith("float") and case.trace is None:
            found.words["wanted"] = wanted
            found.what = N_("{target} holds {dtype} numbers, and the other side of the loss {wanted}.")
            found.why = N_("Arrays of NumPy are float64 unless told otherwise; layers of PyTorch are float32.")
            found.fix = N_("Bring both to one dtype: most often `.float()` for what comes from NumPy.")
    edits = rewrite(case, target, suffix)
    if edits:
        title = words.fill(N_("Write `{text}{suffix}` in the call"), {"text": target.base, "suffix": suffix})
        found.fixes.append(
            Fix(title, "safe" if suffix == ".float()" or "int" in found.words["dtype"] else "maybe", edits)
        )
    return found


@diagnosis(
    "GL407",
    Severity.ERROR,
    kinds=("probability_range",),
    title=N_("{loss} got numbers outside 0 to 1"),
    what=N_("{input} must hold probabilities between 0 and 1, and some entries lie outside."),
    why=N_("Binary cross-entropy takes logarithms of p and 1 − p, which exist for probabilities only."),
    fix=N_("Put `torch.sigmoid` after the last layer, or better use `BCEWithLogitsLoss`, which does it safely."),
    example={"loss": "binary_cross_entropy"},
    program="""import torch
import torch.nn.functional as F
scores = torch.tensor([2.0, -1.0], requires_grad=True)
loss = F.binary_cross_entropy(scores, torch.tensor([1.0, 0.0]))
""",
    mended="""import torch
import torch.nn.functional as F
scores = torch.tensor([2.0, -1.0], requires_grad=True)
loss = F.binary_cross_entropy_with_logits(scores, torch.tensor([1.0, 0.0]))
""",
)
def probability_range(case: Case) -> Found | None:
    """Scores where probabilities belong."""
    prediction, target = loss_operands(case)
    found = Found({"loss": words.code("BCELoss"), "input": prediction.said})
    if case.facts.get("is_target") or "elements of target" in case.message:
        found.words["target"] = target.said
        found.title = N_("The target of {loss} has numbers outside 0 to 1")
        found.what = N_("{target} must hold probabilities between 0 and 1, and some entries lie outside.")
        found.fix = N_(
            "Bring the data into 0 to 1 first, by its least and largest value; or compare with `MSELoss`, which takes "
            "any numbers."
        )
        return found
    call = case.call_of("binary_cross_entropy")
    if call is not None and isinstance(call.func, ast.Attribute):
        text = case.source.text_of(call.func) + "_with_logits"
        title = words.fill(N_("Use `{text}`, which applies the sigmoid itself"), {"text": text})
        found.fixes.append(Fix(title, "maybe", [case.source.replace(call.func, text)]))
    edits = rewrite(case, prediction, ".sigmoid()")
    if edits:
        title = words.fill(N_("Turn scores into probabilities: `{text}.sigmoid()`"), {"text": prediction.base})
        found.fixes.append(Fix(title, "maybe", edits))
    return found


_SCALAR_TYPES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "long int": "int64", "long": "int64",
    "int": "int32",
    "float": "float32", "double": "float64", "c10::Half": "float16", "ComplexFloat": "complex64",
}  # fmt: skip


def dtype_name(name: str) -> str:
    """float32 for "Float", "torch.float32" and "torch.cuda.FloatTensor"."""
    name = name.removesuffix("Tensor").rpartition(".")[2] or name
    return _SCALAR_TYPES.get(name, name)


# GL410 softmax


@diagnosis(
    "GL410",
    Severity.WARNING,
    kinds=("softmax_dim",),
    title=N_("{op} without `dim`: PyTorch picks dim={dim} here"),
    what=N_(
        "{x} has shape {shape}, and `{op}` isn't told along which axis the numbers are to sum to 1; it takes dim={dim}."
    ),
    why=N_(
        "Without `dim` the rule is: dim 0 for tensors of 0, 1 or 3 axes, else dim 1; the axis is easily the wrong one."
    ),
    fix=N_("Say it: `dim=-1` makes each row along the last axis sum to 1, which is right for class scores."),
    example={"op": "softmax", "shape": [2, 3], "dim": 1},
    program="""import torch
import torch.nn.functional as F
x = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]])
print(F.softmax(x))
""",
    mended="""import torch
import torch.nn.functional as F
x = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]])
print(F.softmax(x, dim=1))
""",
)
def softmax_dim(case: Case) -> Found | None:
    """softmax or log_softmax without dim."""
    op = str(case.facts.get("op") or "softmax").strip("_")
    shape = words.tuple_of(case.facts.get("shape") or [])
    dim = case.facts.get("dim")
    if "shape" not in case.facts or dim is None:
        return Found(
            {"op": op},
            title=N_("{op} without `dim`"),
            what=N_("`{op}` isn't told along which axis the numbers are to sum to 1, so PyTorch picks one."),
        )
    call = case.call_of("softmax", "log_softmax", "softmin", "Softmax", "LogSoftmax", "Softmin")
    if call is None:
        made = [
            c
            for c in case.source.calls()
            if called(c) in ("Softmax", "LogSoftmax", "Softmin") and not c.args and not c.keywords
        ]
        call = made[0] if len(made) == 1 else None
    (x,) = case.arguments([_("the input")], [shape])
    if call is None and isinstance(case.expression, ast.Call) and not rewrite(case, x, ""):
        x = Argument(_("the input"), shape=shape)
    found = Found(
        {"op": words.code(op) if False else op, "dim": int(dim), "shape": words.shape(shape), "x": x.said},
        {"implicit_dim": int(dim)},
    )
    if call is not None and argument(call, 99, "dim") is None:
        last = len(shape) - 1
        for chosen, applicability in ((int(dim), "safe"), (last, "maybe")):
            if chosen == int(dim) and applicability == "maybe":
                continue
            said = (
                N_("Add `dim={dim}`, what PyTorch picks now: each of the {n} sums to 1 along axis {axis}")
                if applicability == "safe"
                else N_("Add `dim={dim}`: the {size} numbers along the last axis sum to 1")
            )
            size = shape[chosen] if shape else 1
            groups = 1
            for axis, length in enumerate(shape):
                groups *= length if axis != chosen else 1
            group = _("{n} groups of {size} numbers").format(n=groups, size=size)
            title = words.fill(said, {"dim": chosen, "n": group, "axis": chosen, "size": size})
            found.fixes.append(Fix(title, applicability, [case.source.add_argument(call, f"dim={chosen}")]))
    if shape and int(dim) == len(shape) - 1:
        found.fix = N_("Say it: `dim={dim}` makes each row along the last axis sum to 1, as it does now.")
    return found
