"""Python's own sentences about PyTorch's objects, where they differ because our tensors are written in Python."""

from __future__ import annotations

import ast
import re
from types import FunctionType

from graphlab.engine.tensor import Tensor
from graphlab.program.language import FILENAME

_METHOD = re.compile(r"'method'|\bnot method\b|\bto method\.|\btype method\b")


def reword(error: BaseException, source: str) -> None:
    """Let an error about a tensor's method that was not called (`loss.item`) call it what it is in PyTorch.

    Tensors' methods are built-in there, and plain methods here.
    """
    if type(error) is not TypeError or len(error.args) != 1 or not isinstance(error.args[0], str):
        return
    text = error.args[0]
    if _METHOD.search(text) and _names_a_tensor_method(_failed_lines(error), source):
        error.args = (_METHOD.sub(lambda m: m[0].replace("method", "builtin_function_or_method"), text),)


def _failed_lines(error: BaseException) -> range:
    """The lines of the expression that failed, none where the program called something that failed."""
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    if trail is None or trail.tb_frame.f_code.co_filename != FILENAME:
        return range(0)
    place = list(trail.tb_frame.f_code.co_positions())[trail.tb_lasti // 2]
    first, last = place[0] or trail.tb_lineno, place[1] or trail.tb_lineno
    return range(first, last + 1)


def _names_a_tensor_method(lines: range, source: str) -> bool:
    tree = ast.parse(source)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    used = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and n.lineno in lines}
    bound = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id in used for t in node.targets)
    }
    return any(
        isinstance(node, ast.Attribute)
        and (node.lineno in lines or id(node) in bound)
        and id(node) not in called
        and node.attr not in own
        and isinstance(getattr(Tensor, node.attr, None), FunctionType)
        for node in ast.walk(tree)
    )
