"""What a failed program leaves behind: the operator that refused, its operands, the place, its own traceback."""

from __future__ import annotations

import ast
import platform
import traceback
from dataclasses import dataclass, field
from types import CodeType
from typing import Any

import numpy as np

import graphlab
from graphlab.record.spans import Site, SourceMap

ATTRIBUTE = "_graphlab_failed_operator"
"""Where an exception carries its FailedOperator: it lives exactly as long as the exception."""

_SIZES = (
    *("in_features", "out_features", "in_channels", "out_channels", "kernel_size", "num_features", "normalized_shape"),
    *("num_embeddings", "embedding_dim", "input_size", "hidden_size", "embed_dim", "num_heads", "dim"),
)


@dataclass(slots=True)
class FailedOperator:
    """An operator that refused its arguments, as the recorder saw it."""

    op: str
    inputs: list[int]
    shapes: list[list[int] | None]
    dtypes: list[str]
    params: dict[str, Any]
    site: Site
    module: tuple[str, int]
    module_facts: dict[str, Any] = field(default_factory=dict)


def of(error: BaseException) -> FailedOperator | None:
    """The operator in which `error` arose, None when it arose elsewhere."""
    return getattr(error, ATTRIBUTE, None)


def sizes_of(module: Any) -> dict[str, Any]:
    """What a module says about the sizes that it takes and gives."""
    if module is None:
        return {}
    facts: dict[str, Any] = {"module_type": type(module).__name__}
    for name in _SIZES:
        value = getattr(module, name, None)
        if isinstance(value, int | tuple):
            facts[name] = list(value) if isinstance(value, tuple) else value
    return facts


def own_frames(error: BaseException, filename: str) -> list[tuple[CodeType, int, int]]:
    """The program's own frames from the outermost in: code, instruction, line."""
    frames = []
    trail = error.__traceback__
    while trail is not None:
        if trail.tb_frame.f_code.co_filename == filename:
            frames.append((trail.tb_frame.f_code, trail.tb_lasti, trail.tb_lineno))
        trail = trail.tb_next
    return frames


def traceback_text(error: BaseException, filename: str, source: str) -> str:
    """The traceback as Python prints it, with the program's own frames only."""
    lines = source.splitlines()
    stack = [
        traceback.FrameSummary(filename, line, code.co_name, line=lines[line - 1] if 0 < line <= len(lines) else "")
        for code, _, line in own_frames(error, filename)
    ]
    shown = stack if len(stack) <= 40 else [*stack[:20], *stack[-20:]]
    head = "Traceback (most recent call last):\n" if stack else ""
    tail = "".join(traceback.format_exception_only(type(error), error))
    facts = getattr(error, "facts", None) or {}
    near = facts.get("nearest") if isinstance(error, AttributeError) else None
    if near and "Did you mean" not in tail and "absent" not in facts:
        tail = f"{tail.rstrip()}. Did you mean: '{near[0]}'?\n"  # Python 3.12 and newer say so themselves
    return head + "".join(traceback.StackSummary.from_list(shown).format()) + tail


def operator_facts(facts: dict[str, Any], failed: FailedOperator, names: list[str], texts: list[str]) -> dict[str, Any]:
    """The exception's facts with what the program called the operands, and the module that it happened in."""
    operands = []
    for at, number in enumerate(failed.inputs):
        shape = failed.shapes[at]
        if shape is None:
            continue
        text = texts[at] if at < len(texts) else names[at]
        operands.append({"name": names[at], "shape": shape, "dtype": failed.dtypes[at], "tensor": number, "text": text})
    found = {**facts, "operands": operands, "op": facts.get("op") or failed.op}
    if failed.module[0]:
        found["module"] = failed.module[0]
        found.update({name: value for name, value in failed.module_facts.items() if name not in facts})
    return found


def operand_texts(source_map: SourceMap, code: CodeType, instruction: int, op: str, n_operands: int) -> list[str]:
    """The texts of an operator's arguments in the expression that called it, in their order."""
    node = source_map.expression(code, instruction)
    match node:
        case ast.BinOp(left=left, right=right):
            parts = [left, right]
        case ast.Compare(left=left, comparators=[right, *_]):
            parts = [left, right]
        case ast.UnaryOp(operand=operand):
            parts = [operand]
        case ast.Call(func=ast.Attribute(value=receiver, attr=name), args=args) if (
            name.rstrip("_") == op and len(args) < n_operands
        ):
            parts = [receiver, *args]
        case ast.Call(args=args):
            parts = list(args)
        case ast.Subscript(value=value):
            parts = [value]
        case _:
            parts = []
    return [source_map.text(part) for part in parts if not isinstance(part, ast.Starred)]


def checked_texts(texts: list[str], failed: FailedOperator, error: BaseException, filename: str) -> list[str]:
    """The texts, without those of variables that hold another tensor than the operator got.

    `model(x)` runs many operators, and only the first one gets x.
    """
    frame = None
    trail = error.__traceback__
    while trail is not None:
        if trail.tb_frame.f_code.co_filename == filename:
            frame = trail.tb_frame
        trail = trail.tb_next
    if frame is None:
        return texts
    for text, number in zip(texts, failed.inputs):
        held = frame.f_locals.get(text, frame.f_globals.get(text)) if text.isidentifier() else None
        if held is not None and getattr(held, "_mark", number) != number:
            return []
    return texts


def receiver_text(source_map: SourceMap, code: CodeType, instruction: int) -> str:
    """`loss` for the expression `loss.backward()`, "" for others."""
    match source_map.expression(code, instruction):
        case ast.Call(func=ast.Attribute(value=receiver, attr="backward")):
            return source_map.text(receiver)
    return ""


def versions() -> dict[str, str]:
    """What the run was made with."""
    return {"graphlab": graphlab.__version__, "numpy": np.__version__, "python": platform.python_version()}
