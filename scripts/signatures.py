"""Write graphlab/engine/ops/signatures.txt: how PyTorch's functions take their arguments.

Needs torch. The forms of native functions come from its own code generator (`torchgen`, which ships with it), those of
`torch.nn.functional` written in Python from their definitions. Only names that the engine has are written.
"""

from __future__ import annotations

import inspect
import re
import sys
import warnings
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
TARGET = ROOT / "graphlab" / "engine" / "ops" / "signatures.txt"
OPTIONS = (
    "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=False, "
    "bool? requires_grad=False"
)
LEFT_OUT = "^_|sparse|cudnn|miopen|mkldnn|fbgemm|quantize|fake_|q_|nested|_copy$|crow|ccol|batch_norm_"
BY_HAND = (
    ("torch.tensor", "tensor(PyObject* data, *, ScalarType? dtype=None, Device? device=None, bool pin_memory=False, "
     "bool requires_grad=False, DimnameList? names=None)"),
    ("torch.as_tensor", "as_tensor(PyObject* data, *, ScalarType? dtype=None, Device? device=None)"),
    ("torch.nonzero", "nonzero(Tensor input, *, bool as_tuple=False, Tensor out=None)"),
    ("torch.range", f"range(Scalar start, Scalar end, Scalar step=1, *, Tensor out=None, {OPTIONS})"),
    ("Tensor.new_tensor", "new_tensor(PyObject* data, *, ScalarType? dtype=None, Device? device=None, "
     "bool? requires_grad=False)"),
)  # fmt: skip
"""What is bound by hand, in no file that ships."""


def native() -> dict[str, list[str]]:
    """All native forms: "torch.sum", "Tensor.sum", "nn.gelu", "linalg.solve", …"""
    import torchgen
    from torchgen.gen import parse_native_yaml
    from torchgen.packaged.autograd import gen_python_functions as made

    root = Path(torchgen.__file__).parent / "packaged"
    functions = parse_native_yaml(
        str(root / "ATen" / "native" / "native_functions.yaml"), str(root / "ATen" / "native" / "tags.yaml")
    ).native_functions
    functions = [f for f in functions if made.should_generate_py_binding(f)]
    deprecated = str(root / "autograd" / "deprecated.yaml")
    pairs = made.load_signatures(functions, deprecated, method=False)
    found: dict[str, list[str]] = {}
    kinds: list[tuple[str, Any, Any]] = [
        ("torch", pairs, made.is_py_torch_function),
        ("nn", pairs, made.is_py_nn_function),
        ("linalg", pairs, made.is_py_linalg_function),
        ("special", pairs, made.is_py_special_function),
        ("fft", pairs, made.is_py_fft_function),
        ("Tensor", made.load_signatures(functions, deprecated, method=True), made.is_py_variable_method),
    ]
    for where, each, wanted in kinds:
        for name, overloads in made.group_filter_overloads(each, wanted).items():
            own = str(name).removeprefix(f"{where}_") if where in ("linalg", "special", "fft") else str(name)
            groups = made.group_overloads(overloads, symint=True)
            found[f"{where}.{own}"] = [g.signature.signature_str(skip_outputs=g.outplace is None) for g in groups]
    template = (root / "autograd" / "templates" / "python_variable_methods.cpp").read_text()
    for block in re.findall(r"PythonArgParser parser\(\{(.*?)\}\)", template, re.S):
        forms = re.findall(r'"([^"]+)"', block)
        found.setdefault("Tensor." + forms[0].partition("(")[0], forms)
    found |= {key: list(forms) for key, *forms in BY_HAND}
    return found


def _plain(default: Any) -> str:
    return "None" if default is None else repr(default)


def of_python(function: Any, name: str) -> str:
    """A function's own parameters: "py relu(input, inplace=False)"."""
    parts = []
    starred = False
    inner = [c.cell_contents for c in function.__closure__ or () if inspect.isfunction(c.cell_contents)]
    if len(inner) == 2 and list(inspect.signature(function).parameters) == ["args", "kwargs"]:
        # Chosen by the value of a boolean argument: the form without indices.
        function = min(inner, key=lambda f: "indices" in f.__name__)
        name = function.__name__
    for p in inspect.signature(function).parameters.values():
        if p.kind is p.VAR_POSITIONAL:
            starred = True
            parts.append("*" + p.name)
            continue
        if p.kind is p.VAR_KEYWORD:
            parts.append("**" + p.name)
            continue
        if p.kind is p.KEYWORD_ONLY and not starred:
            starred = True
            parts.append("*")
        parts.append(p.name if p.default is p.empty else f"{p.name}={_plain(p.default)}")
    return f"py {name}({', '.join(parts)})"


def collected() -> dict[str, list[str]]:
    """The forms of every name that the engine has."""
    import torch
    import torch.nn.functional as functional

    import graphlab.engine as engine
    from graphlab.engine.ops.run import FUNCTIONS

    forms = native()
    chosen: dict[str, list[str]] = {}
    ours = set(dir(engine)) | set(FUNCTIONS)
    theirs_too = {n for n in dir(torch) if "torch." + n in forms and not re.search(LEFT_OUT, n)}
    for name in sorted(ours | theirs_too):
        theirs = getattr(torch, name, None)
        if inspect.isfunction(theirs):
            if inspect.signature(theirs).parameters:
                chosen["torch." + name] = [of_python(theirs, theirs.__name__)]
            if "torch." + name in forms:
                chosen["aten." + name] = forms["torch." + name]
        elif "torch." + name in forms:
            chosen["torch." + name] = forms["torch." + name]
    theirs_too = {n for n in dir(torch.Tensor) if "Tensor." + n in forms and not re.search(LEFT_OUT, n)}
    for name in sorted(set(dir(engine.Tensor)) | theirs_too):
        theirs = getattr(torch.Tensor, name, None)
        if name.startswith("__"):
            continue
        if inspect.isfunction(theirs):
            chosen["Tensor." + name] = [of_python(theirs, theirs.__qualname__)]
        elif "Tensor." + name in forms:
            chosen["Tensor." + name] = forms["Tensor." + name]
    for name in sorted(dir(functional)):
        theirs = getattr(functional, name)
        if name.startswith("_") or not callable(theirs):
            continue
        if inspect.isfunction(theirs):
            chosen["F." + name] = [of_python(theirs, getattr(theirs, "__name__", name))]
        for where in ("nn", "torch"):
            if f"{where}.{name}" in forms:
                chosen.setdefault(f"F.{name}", forms[f"{where}.{name}"])
                if f"torch.{name}" not in chosen:
                    chosen.setdefault(f"aten.{name}", forms[f"{where}.{name}"])
                break
    for where in ("linalg", "special", "fft"):
        for key in forms:
            if key.startswith(where + "."):
                chosen[key] = forms[key]
    return chosen


class _Odd:
    """An argument that no function takes."""


def probed() -> dict[str, list[str]]:
    """What functions written in Python say to an argument of a wrong type, one argument at a time.

    Such a function meets its arguments in an order of its own, by attributes and by the native functions under it, so
    it is asked: "probe.softmax", "input|AttributeError|'{}' object has no attribute 'softmax'", ….
    """
    import torch
    import torch.nn.functional as functional
    from torch.testing._internal.common_methods_invocations import op_db

    warnings.simplefilter("ignore")
    found: dict[str, list[str]] = {}
    samples: dict[str, Any] = {}
    for op in op_db:
        kind = next((k for k in (torch.float32, torch.int64) if k in op.dtypes), None)
        name = op.name.removeprefix("nn.functional.")
        if kind is not None and name not in samples and inspect.isfunction(getattr(functional, name, None)):
            samples[name] = next(iter(op.sample_inputs("cpu", kind)), None)
    x = torch.ones(2, 3)
    for name in sorted(dir(functional)):
        function = getattr(functional, name)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        sample = samples.get(name)
        inner = [c.cell_contents for c in function.__closure__ or () if inspect.isfunction(c.cell_contents)]
        shape = inspect.signature(min(inner, key=lambda f: "indices" in f.__name__) if len(inner) == 2 else function)
        try:
            given = shape.bind(x) if sample is None else shape.bind(sample.input, *sample.args, **sample.kwargs)
        except TypeError:
            continue
        bound = dict(given.arguments)
        lines = []
        for parameter in shape.parameters:
            if parameter in ("kwargs", "args", "_random_samples"):
                continue
            try:
                function(**{**bound, parameter: _Odd()})
            except Exception as error:
                text = str(error).split("\n")[0].replace("_Odd", "{}").replace("_with_indices()", "()")
                if "<" not in text and "object at" not in text and "|" not in text:
                    lines.append(f"{parameter}|{type(error).__name__}|{text}")
        if lines:
            found["probe." + name] = lines
    return found


def main() -> None:
    """Write the file."""
    import torch

    lines = [
        f"# How functions of PyTorch {torch.__version__.split('+')[0]} take their arguments; made by "
        "scripts/signatures.py. The forms of a name are parted by tabs; @ stands for the options of a new tensor.\n"
    ]
    for key, forms in sorted((collected() | probed()).items()):
        lines.append("\t".join((key, *(f.replace(OPTIONS, "@") for f in forms))) + "\n")
    TARGET.write_text("".join(lines), encoding="utf-8")
    print(f"{len(lines) - 1} names, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
