"""Kinds of numbers and devices that can't be mixed."""

from __future__ import annotations

import ast

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.losses import dtype_name
from graphlab.explain.shapes import rewrite
from graphlab.explain.source import dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix

_METHODS = {"float32": "float", "float64": "double", "int64": "long", "int32": "int", "bool": "bool", "float16": "half"}


@diagnosis(
    "GL201",
    Severity.ERROR,
    kinds=("dtype_mix",),
    title=N_("{op} can't mix {a_type} and {b_type}"),
    what=N_("{a} holds {a_type} numbers and {b} holds {b_type}."),
    why=N_("Matrix products and layers compute in one kind of number; unlike `+` they don't convert by themselves."),
    fix=N_("Convert the one with fewer digits' use: data goes to the type of the weights with `{suffix}`."),
    example={"op": "matmul", "dtypes": ["int64", "float32"]},
    program="""import torch
a = torch.ones(2, 2)
b = torch.tensor([[1, 2], [3, 4]])
print(a @ b)
""",
    mended="""import torch
a = torch.ones(2, 2)
b = torch.tensor([[1, 2], [3, 4]])
print(a @ b.float())
""",
)
def dtype_mix(case: Case) -> Found | None:
    """Two dtypes in one product or layer."""
    dtypes = [dtype_name(str(d)) for d in case.facts.get("dtypes") or []]
    op = case.op or _("This operation")
    if len(dtypes) < 2:
        return Found(
            {"op": words.code(case.op) if case.op else _("this operation"), "suffix": ".float()"},
            title=N_("{op} can't mix two kinds of numbers"),
            what=N_("The two tensors hold different kinds of numbers (dtypes)."),
            fix=N_("Print both dtypes, and convert the data with `{suffix}`."),
        )
    is_layer = case.op in ("linear", "addmm", "Linear")
    a, b = case.arguments([_("the input") if is_layer else _("the left tensor"), _("the right tensor")])[:2]
    said_b = _("the weight") if is_layer and b.node is None else b.said
    floats = ("float16", "bfloat16", "float32", "float64")
    # What isn't floating point becomes so; among floats the data follows float32, the type of weights.
    change_left = dtypes[0] not in floats or (dtypes[1] in floats and (is_layer or dtypes[0] == "float64"))
    target = dtypes[1] if change_left else dtypes[0]
    operand = a if change_left else b
    suffix = f".{_METHODS.get(target, 'float')}()"
    found = Found(
        {
            "op": words.code(op) if case.op else op,
            "a": a.said,
            "b": said_b,
            "a_type": words.code(dtypes[0]),
            "b_type": words.code(dtypes[1]),
            "suffix": suffix,
            "name": operand.said if operand is a else said_b,
        }
    )
    found.fix = N_("Convert {name} with `{suffix}`, or give it that type where it is made.")
    edits = rewrite(case, operand, suffix)
    if edits:
        title = words.fill(N_("Write `{text}{suffix}`"), {"text": operand.base, "suffix": suffix})
        found.fixes.append(
            Fix(
                title,
                "safe" if target == "float64" or dtypes[0 if change_left else 1] not in floats else "maybe",
                edits,
            )
        )
    return found


@diagnosis(
    "GL202",
    Severity.ERROR,
    kinds=("dtype_unsupported", "mean_dtype"),
    title=N_("{op} needs floating point numbers"),
    what=N_("{x} holds whole numbers ({dtype}), and {op} isn't made for them."),
    why=N_("The result has digits after the point, so PyTorch wants the input as floating point instead of guessing."),
    fix=N_("Convert it first with `.float()`, or write the numbers with a point."),
    example={"op": "mean", "dtype": "int64"},
    program="""import torch
x = torch.tensor([1, 2, 4])
print(x.mean())
""",
    mended="""import torch
x = torch.tensor([1, 2, 4])
print(x.float().mean())
""",
)
def float_needed(case: Case) -> Found | None:
    """mean, softmax and the like of integers."""
    op = str(case.op or case.facts.get("op") or "")
    tensors = case.tensors
    dtype = dtype_name(str(case.facts.get("dtype") or (tensors[0].dtype if tensors else "")))
    (x,) = case.arguments([_("the tensor")])
    found = Found({"op": words.code(op) if op else _("this operation"), "x": x.said, "dtype": dtype})
    if not dtype:
        found.what = N_("{x} holds whole numbers, and {op} isn't made for them.")
    edits = rewrite(case, x, ".float()")
    if edits:
        found.fixes.append(Fix(words.fill(N_("Write `{text}.float()`"), {"text": x.base}), "safe", edits))
    return found


@diagnosis(
    "GL203",
    Severity.ERROR,
    kinds=("device_mix",),
    title=N_("Tensors on {a_device} and {b_device} can't be used together"),
    what=N_("{op} got one tensor on {a_device} and another on {b_device}."),
    why=N_(
        "A device computes only with what lies in its own memory, and PyTorch doesn't copy between devices by itself."
    ),
    fix=N_("Move both to one device: `.to(device)` for data, `model.to(device)` for the model."),
    example={"op": "add", "devices": ["cuda:0", "cpu"]},
    program="""import torch
a = torch.ones(2, device="cuda")
b = torch.ones(2)
print(a + b)
""",
    mended="""import torch
a = torch.ones(2, device="cuda")
b = torch.ones(2)
print(a + b.to("cuda"))
""",
)
def device_mix(case: Case) -> Found | None:
    """Operands on two devices."""
    devices = [str(d) for d in case.facts.get("devices") or []]
    different = list(dict.fromkeys(devices))
    if len(different) < 2:
        return None
    found = Found(
        {
            "op": words.code(case.op) if case.op else _("the operation"),
            "a_device": words.code(different[0]),
            "b_device": words.code(different[1]),
        }
    )
    gpu = next((d for d in different if not d.startswith("cpu")), "")
    if case.op == "pack_padded_sequence":
        found.fix = N_("Put the lengths on the CPU: `pack_padded_sequence(x, lengths.cpu(), …)`; the data may stay.")
        found.why = N_("The lengths decide how the data is laid out, so they are read by Python and not by the GPU.")
        return found
    if case.facts.get("is_generator"):
        found.what = N_("The random numbers are drawn on {b_device}, and the generator for them lies on {a_device}.")
        found.fix = N_(
            "Make the generator where the numbers are drawn, `torch.Generator(device)`; a data loader wants one on the "
            "CPU, so don't set the default device or dtype to that of the GPU before it."
        )
        return found
    if case.op == "numpy" and gpu:
        found.words["gpu"] = words.code(gpu)
        found.title = N_("A tensor on {gpu} can't become a NumPy array directly")
        found.what = N_("`numpy()` was called, perhaps by a plot or by `np.array`, on a tensor that lies on {gpu}.")
        found.why = N_("NumPy only reads the memory of the computer, and PyTorch doesn't copy by itself.")
        found.fix = N_("Copy it first: `x.cpu().numpy()`, or `x.detach().cpu().numpy()` if it has a graph.")
        return found
    arguments = case.arguments([_("the left tensor"), _("the right tensor")])
    tensors = case.tensors
    where = [t.device for t in tensors] if len(tensors) == 2 else devices
    if gpu and len(where) == 2:
        for argument, device in zip(arguments, where):
            if device.startswith("cpu") and argument.node is not None:
                found.words.update(
                    {
                        "a": arguments[0].said,
                        "b": arguments[1].said,
                        "a_at": words.code(where[0]),
                        "b_at": words.code(where[1]),
                    }
                )
                found.what = N_("{a} lies on {a_at} and {b} on {b_at}.")
                target = gpu.split(":")[0]
                title = words.fill(
                    N_('Move {name} to the GPU: `{text}.to("{gpu}")`'),
                    {"name": argument.said, "text": argument.base, "gpu": target},
                )
                found.fixes.append(Fix(title, "safe", rewrite(case, argument, f'.to("{target}")')))
    return found


@diagnosis(
    "GL204",
    Severity.ERROR,
    kinds=("result_type", "dtype_mix"),
    over=("GL201",),
    title=N_("{a_type} results can't be stored in a tensor of {b_type}"),
    what=N_("The result is {a_type}, but it is to be written into {x}, which holds {b_type} numbers."),
    why=N_(
        "An in-place operation keeps the type of its tensor, and digits after the point would be lost without a word."
    ),
    fix=N_("Make the tensor floating point from the start (`.float()`), or write the result to a new tensor."),
    example={"dtypes": ["float32", "int64"]},
    program="""import torch
x = torch.tensor([1, 2])
x += 0.5
""",
    mended="""import torch
x = torch.tensor([1, 2])
x = x + 0.5
""",
)
def result_type(case: Case) -> Found | None:
    """An in-place write that would lose digits."""
    dtypes = [dtype_name(str(d)) for d in case.facts.get("dtypes") or []]
    if len(dtypes) < 2 or (case.kind == "dtype_mix" and not case.op.endswith("_")):
        return None
    found = Found({"a_type": words.code(dtypes[0]), "b_type": words.code(dtypes[1]), "x": _("a tensor")})
    statement = next((n for n in case.source.nodes if isinstance(n, ast.AugAssign) and n.lineno == case.line), None)
    symbols = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
    if statement is not None and isinstance(statement.target, ast.Name) and type(statement.op) in symbols:
        name, value = dotted(statement.target), case.source.text_of(statement.value)
        found.words["x"] = words.code(name)
        if isinstance(statement.value, ast.BinOp | ast.IfExp):
            value = f"({value})"
        text = f"{name} = {name} {symbols[type(statement.op)]} {value}"
        title = words.fill(N_("Make a new tensor: `{text}`"), {"text": text})
        found.fixes.append(Fix(title, "safe", [case.source.replace(statement, text)]))
    return found
