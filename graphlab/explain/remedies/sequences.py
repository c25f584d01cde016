"""Sequences: recurrent layers, attention and its masks, packed sequences, the letters of einsum."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import permutations

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.remedies.kit import maybe, on_line, remedy, shape_named, shortened
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_
from graphlab.trace.records import Fix

_ATTENTION = ("MultiheadAttention", "TransformerEncoderLayer", "TransformerDecoderLayer", "Transformer")
_MASKS = frozenset({
    "key_padding_mask", "src_key_padding_mask", "tgt_key_padding_mask", "memory_key_padding_mask", "attn_mask", "mask",
    "src_mask", "tgt_mask",
})  # fmt: skip


@remedy("GL131", is_cause=True)
def output_of_the_layer(case: Case, found: Found) -> Iterator[Fix]:
    """`out, hidden = lstm(x)`, and then `hidden`, which is a pair itself, where `out` is meant."""
    if found.facts.get("got") != "tuple":
        return
    for node in on_line(case, ast.Name):
        where = next(
            (
                a
                for a in reversed([n for n in case.source.nodes if isinstance(n, ast.Assign)])
                if isinstance(a.targets[0], ast.Tuple)
                and isinstance(a.value, ast.Call)
                and a.lineno < case.line
                and case.source.scope_of(a) is case.source.scope_of(node)
                and node.id in [dotted(t) for t in a.targets[0].elts[1:]]
            ),
            None,
        )
        if where is None or not isinstance(where.targets[0], ast.Tuple):
            continue
        output = dotted(where.targets[0].elts[0])
        call = case.source.text_of(where.value)
        found.words.update(node=words.code(node.id), output=words.code(output), call=words.code(shortened(call, 40)))
        found.what = N_("{node} is a tuple itself: {call} returns its output and then a pair of states.")
        found.why = N_("An LSTM returns `output, (h, c)`: one vector for each step, and the two states after the last.")
        found.fix = N_("Take {output}, the output of each step, or the last hidden state: `{plain}[0][-1]`.")
        found.words["plain"] = node.id
        yield maybe(
            N_("Take the last hidden state: `{text}`"),
            case.source.append(node, "[0][-1]"),
            text=f"{node.id}[0][-1]",
        )
        if output and output != "_":
            yield maybe(N_("Take the output of each step: `{text}`"), [case.source.replace(node, output)], text=output)
        return


@remedy("GL131", is_cause=True)
def unpacked_sequence(case: Case, found: Found) -> Iterator[Fix]:
    """What a recurrent layer makes of a packed sequence is packed, too."""
    if found.facts.get("got") != "PackedSequence":
        return
    found.fix = N_("Unpack the sequence first: `pad_packed_sequence` gives the padded tensor and the lengths.")
    is_first = any(
        isinstance(k.value, ast.Constant) and k.value.value is True
        for c in case.source.calls()
        if called(c) == "pack_padded_sequence"
        for k in c.keywords
        if k.arg == "batch_first"
    )
    for call in on_line(case, ast.Call):
        for node in call.args:
            if isinstance(node, ast.Name):
                rest = ", batch_first=True" if is_first else ""
                text = f"torch.nn.utils.rnn.pad_packed_sequence({node.id}{rest})[0]"
                yield maybe(N_("Unpack the sequence: `{text}`"), [case.source.replace(node, text)], text=text)


@remedy("GL714")
def unsorted(case: Case, found: Found) -> Iterator[Fix]:
    """Lengths in any order: let PyTorch sort and put them back."""
    call = case.call_of("pack_padded_sequence", "pack_sequence")
    if call is not None and argument(call, 99, "enforce_sorted") is None:
        yield maybe(
            N_("Let PyTorch sort them, and put them back: `enforce_sorted=False`"),
            [case.source.add_argument(call, "enforce_sorted=False")],
        )


@remedy("GL130", is_cause=True)
def step_of_the_sequence(case: Case, found: Found) -> Iterator[Fix]:
    """`cell(x[t], h)` of a batch-first `x`: the step is on axis 1."""
    if case.kind != "rnn_batch":
        return
    n_hidden = case.facts.get("hidden")
    for call in on_line(case, ast.Call):
        node = call.args[0] if len(call.args) == 2 else None
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Name):
            shape = shape_named(case, dotted(node.value))
            if shape is not None and len(shape) == 3 and shape[0] == n_hidden:
                text = f"{case.source.text_of(node.value)}[:, {node.slice.id}]"
                found.words.update(x=words.code(dotted(node.value)), shape=words.shape(shape), text=text)
                found.fix = N_("{x} has shape {shape}, with the batch in front: step number t is `{text}`.")
                yield maybe(N_("Take the step of every sample: `{text}`"), [case.source.replace(node, text)], text=text)


@remedy("GL135", is_cause=True)
def batch_in_front(case: Case, found: Found) -> Iterator[Fix]:
    """A mask for a batch-first input, and layers that take the sequence first; a mask on its side."""
    wanted, given = (words.tuple_of(case.facts.get(k) or []) for k in ("wanted", "given"))
    makers = [c for c in case.source.calls() if called(c) in _ATTENTION]
    is_missing = [c for c in makers if argument(c, 99, "batch_first") is None]
    masks = [k.value for c in on_line(case, ast.Call) for k in c.keywords if k.arg in _MASKS and "padding" in k.arg]
    shapes = [s for m in masks if (s := shape_named(case, dotted(m))) is not None and len(s) == 2]
    is_turned = any(s[::-1][case.facts.get("axis", 0)] == case.facts.get("size") for s in shapes)
    if is_missing and (is_turned or (len(wanted) == 2 and case.kind == "attention_mask")):
        found.words["maker"] = words.code(called(is_missing[0]))
        found.fix = N_(
            "Without `batch_first=True` {maker} reads axis 0 as the sequence; say so where the layer is made."
        )
        yield maybe(
            N_("The input has the batch in front, so tell the layer: `batch_first=True`"),
            [case.source.add_argument(c, "batch_first=True") for c in is_missing],
        )
    for call in on_line(case, ast.Call):
        for item in call.keywords:
            if item.arg not in _MASKS:
                continue
            shape = shape_named(case, dotted(item.value)) or given
            is_padding = "padding" in item.arg
            if is_padding != (case.kind == "padding_mask") or len(shape) != 2:
                continue
            if is_padding and shape[::-1][case.facts.get("axis", 0)] == case.facts.get("size"):
                text = f"{case.source.base(item.value)}.T"
                found.words.update(mask=words.code(case.source.text_of(item.value)), shape=words.shape(shape))
                found.what = N_("{mask} has shape {shape}, and this attention wants (batch, length): {size} first.")
                yield maybe(N_("Turn the mask over: `{text}`"), case.source.append(item.value, ".T"), text=text)


@remedy("GL124")
def letters_in_order(case: Case, found: Found) -> Iterator[Fix]:
    """The letters of one operand in the order that fits its sizes."""
    call = case.call_of("einsum")
    first = call.args[0] if call is not None and call.args else None
    if call is None or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return
    left, arrow, out = first.value.replace(" ", "").partition("->")
    parts = left.split(",")
    shapes = [o.get("shape") for o in case.facts.get("operands") or [] if isinstance(o, dict)]
    if len(shapes) != len(parts) or not all(isinstance(s, list) for s in shapes) or "." in left:
        return
    sizes = [[int(n) for n in s] for s in shapes if isinstance(s, list)]
    candidates: list[tuple[list[str], str]] = []
    for at, part in enumerate(parts):
        if len(part) == len(sizes[at]) <= 5:
            for order in permutations(part):
                candidates.append(([*parts[:at], "".join(order), *parts[at + 1 :]], out))
        elif len(part) == len(sizes[at]) + 1:
            for gone in part:
                rest = [*parts[:at], part.replace(gone, ""), *parts[at + 1 :]]
                candidates.append((rest, out if any(gone in r for r in rest) else out.replace(gone, "")))
        elif len(part) == len(sizes[at]) - 1:
            candidates.append(([*parts[:at], f"...{part}", *parts[at + 1 :]], f"...{out}" if arrow else out))
    seen = {left + arrow + out}
    # The nearest first; among these the one that changes a later operand, which is the one that the message names.
    candidates.sort(key=lambda c: (sum(a != b for x, y in zip(c[0], parts) for a, b in zip(x, y)), c[0][0] != parts[0]))
    for letters, result in candidates:
        text = ",".join(letters) + arrow + result
        if text not in seen and len(seen) < 4 and _fits(letters, sizes):
            seen.add(text)
            yield maybe(
                N_('Write a letter below each axis: `"{text}"`'), [case.source.replace(first, f'"{text}"')], text=text
            )


def _fits(letters: list[str], sizes: list[list[int]]) -> bool:
    """Whether each letter stands for one size."""
    known: dict[str, int] = {}
    for part, shape in zip(letters, sizes):
        plain = part.removeprefix("...")
        if len(plain) > len(shape) or (plain == part and len(part) != len(shape)):
            return False
        for letter, size in zip(plain, shape[len(shape) - len(plain) :]):
            if known.setdefault(letter, size) != size and 1 not in (known[letter], size):
                return False
    return True


@remedy("GL116", is_cause=True)
def features_to_axis_1(case: Case, found: Found) -> Iterator[Fix]:
    """BatchNorm1d of (batch, length, features): it wants the features on axis 1."""
    shape = words.tuple_of(case.facts.get("shape") or (case.tensors[0].shape if case.tensors else []))
    wanted = found.facts.get("wanted")
    call = case.expression
    if len(shape) != 3 or shape[-1] != wanted or not isinstance(call, ast.Call) or len(call.args) != 1:
        return
    if str(case.facts.get("module") or "").rpartition(".")[2] != dotted(call.func).rpartition(".")[2]:
        return
    node = call.args[0]
    found.words.update(features=wanted)
    found.fix = N_("The {features} features stand last; bring them to axis 1 and back with `.transpose(1, 2)`.")
    edits = [*case.source.append(node, ".transpose(1, 2)"), *case.source.append(call, ".transpose(1, 2)")]
    text = f"{case.source.text_of(call.func)}({case.source.base(node)}.transpose(1, 2)).transpose(1, 2)"
    yield maybe(N_("Bring the features to axis 1 and back: `{text}`"), edits, text=text)
