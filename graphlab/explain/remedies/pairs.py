"""Two tensors that a loss pairs: the same numbers in another shape, another batch, a score for every step."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from math import prod

from graphlab.explain import words
from graphlab.explain.case import Argument, Case, Found
from graphlab.explain.remedies.kit import maybe, remedy, tensor_named, visible
from graphlab.explain.shapes import shapes_of
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Fix

_LOSSES = frozenset({
    "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "kl_div", "binary_cross_entropy_with_logits",
    "binary_cross_entropy",
})  # fmt: skip


def _pair(case: Case) -> tuple[Argument, Argument] | None:
    shapes = shapes_of(case)
    if len(shapes) != 2:
        return None
    operands = case.arguments(["", ""], shapes)
    if len(operands) != 2 or any(o.node is None for o in operands):
        return None
    a, b = (Argument(o.said, o.text, o.name, s, o.node) for o, s in zip(operands, shapes))
    return a, b


@remedy("GL101", is_cause=True)
def same_numbers(case: Case, found: Found) -> Iterator[Fix]:
    """(4, 784) against (4, 1, 28, 28): as many numbers for each sample, arranged in another way."""
    pair = _pair(case)
    if pair is None or case.op not in _LOSSES:
        return
    a, b = pair
    if prod(a.shape) != prod(b.shape) or a.shape[:1] != b.shape[:1] or a.node is None or b.node is None:
        return
    text = f"{b.base}.view_as({a.text})"
    if not dotted(a.node):
        text = f"{b.base}.reshape{words.shape(a.shape)}"
    found.words.update(
        each=prod(a.shape[1:]), text=text, a=a.said or words.code(a.base), b=b.said or words.code(b.base)
    )
    found.fix = N_("Both hold {each} numbers for each sample; give {b} the shape of {a}: `{text}`.")
    suffix = text[len(b.base) :]
    yield maybe(N_("Give one the shape of the other: `{text}`"), case.source.append(b.node, suffix), text=text)
    if dotted(b.node):
        back = f"{a.base}.view_as({b.text})"
        yield maybe(
            N_("Give one the shape of the other: `{text}`"),
            case.source.append(a.node, f".view_as({b.text})"),
            text=back,
        )


@remedy("GL101", is_cause=True)
def of_this_batch(case: Case, found: Found) -> Iterator[Fix]:
    """All targets against the predictions of one batch, where those of the batch have a name as well."""
    pair = _pair(case)
    if pair is None or case.op not in _LOSSES:
        return
    a, b = pair
    if not a.shape or not b.shape or a.shape[0] == b.shape[0] or not isinstance(b.node, ast.Name):
        return
    old = tensor_named(case, b.node.id)
    for name in visible(case, b.node):
        other = tensor_named(case, name)
        if other is None or old is None or name in (b.node.id, dotted(a.node)):
            continue
        if list(other.shape) == a.shape and other.dtype == old.dtype:
            found.words.update(n=a.shape[0], n_target=b.shape[0], b=b.said, name=words.code(name))
            found.fix = N_(
                "The batch has {n} samples and {b} has {n_target}: compare with {name}, the targets of the batch."
            )
            yield maybe(
                N_("Compare with the targets of the same samples: `{name}` has shape {shape}"),
                [case.source.replace(b.node, name)],
                name=name,
                shape=words.shape(a.shape),
            )
            return


@remedy("GL101", is_cause=True)
def decoder_too_small(case: Case, found: Found) -> Iterator[Fix]:
    """Pictures that come out of transposed convolutions a little smaller than they went in: `output_padding=1`."""
    pair = _pair(case)
    if pair is None or case.op not in _LOSSES:
        return
    a, b = pair[0].shape, pair[1].shape
    makers = [c for c in case.source.calls() if called(c).startswith("ConvTranspose")]
    lacking = [c for c in makers if argument(c, 99, "output_padding") is None and argument(c, 3, "stride") is not None]
    if len(a) != len(b) or len(a) < 3 or a[:2] != b[:2] or not all(0 < y - x <= 4 for x, y in zip(a[2:], b[2:])):
        return
    if not lacking:
        return
    found.words.update(size=" × ".join(map(str, a[2:])), wanted=" × ".join(map(str, b[2:])), b=pair[1].said)
    found.fix = N_(
        "The transposed convolutions give {size} where {b} has {wanted}: with a stride of 2 add `output_padding=1`."
    )
    for chosen in dict.fromkeys((tuple(lacking), (lacking[-1],))):
        yield maybe(
            N_("Let {n} transposed convolutions give one row more: `output_padding=1`")
            if len(chosen) > 1
            else N_("Let the last transposed convolution give one row more: `output_padding=1`"),
            [case.source.add_argument(c, "output_padding=1") for c in chosen],
            n=len(chosen),
        )


@remedy("GL401", is_cause=True)
def last_step(case: Case, found: Found) -> Iterator[Fix]:
    """Scores for each step of a sequence, and one class for the whole of it: take the last step."""
    shapes = [words.tuple_of(case.facts.get(k) or []) for k in ("input_shape", "target_shape")]
    prediction, target = [*case.arguments(["", ""], shapes), Argument(""), Argument("")][:2]
    a, b = shapes
    if len(a) != 3 or len(b) != 1 or prediction.node is None or b[0] not in a[:2]:
        return
    suffix = "[:, -1]" if a[0] == b[0] else "[-1]"
    n_steps = a[1] if a[0] == b[0] else a[0]
    text = f"{prediction.base}{suffix}"
    found.words.update(
        input=prediction.said or words.code(prediction.base),
        target=target.said or words.code(target.base),
        n_steps=n_steps,
        n=b[0],
        n_classes=a[2],
        input_shape=words.shape(a),
        target_shape=words.shape(b),
        text=text,
    )
    found.title = N_("{input} has scores for each of {n_steps} steps, {target} one class for each sample")
    found.what = N_(
        "{input} has shape {input_shape}, {n_classes} scores for each of the {n_steps} steps of {n} samples; {target} "
        "has shape {target_shape}, one class for each sample."
    )
    found.why = N_("To classify a whole sequence, one vector of it is used: that of the last step, or a mean over all.")
    found.fix = N_("Use the scores of the last step: `{text}`.")
    yield maybe(N_("Use the scores of the last step: `{text}`"), case.source.append(prediction.node, suffix), text=text)
    dim = 1 if a[0] == b[0] else 0
    yield maybe(
        N_("Use the mean over all steps: `{text}`"),
        case.source.append(prediction.node, f".mean(dim={dim})"),
        text=f"{prediction.base}.mean(dim={dim})",
    )
