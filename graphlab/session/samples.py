"""The sample programs: plain .py files whose docstring says what they show."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

import graphlab

ORDER = (
    "linear_regression", "mlp", "xor", "expression", "tensors", "column_targets", "wide_linear", "softmax_dim",
    "vector_backward", "integer_grad", "jacobian", "out_of_memory",
)  # fmt: skip
"""The order on the start page; others follow by name."""


@dataclass(frozen=True)
class Sample:
    """One sample program. `title` and `summary` come from its docstring: the first line, and the rest."""

    name: str
    title: str
    summary: str
    path: Path

    @property
    def source(self) -> str:
        """The program's text."""
        return self.path.read_text(encoding="utf-8")


def folder() -> Path:
    """Where the samples lie: inside an installed package, beside it in a source checkout."""
    package = Path(graphlab.__file__).resolve().parent
    inside = package / "samples"
    return inside if inside.is_dir() else package.parent / "samples"


def samples() -> list[Sample]:
    """All samples in their order."""
    found = {path.stem: _sample(path) for path in sorted(folder().glob("*.py"))}
    names = [name for name in ORDER if name in found] + [name for name in found if name not in ORDER]
    return [found[name] for name in names]


def _sample(path: Path) -> Sample:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or path.stem
    title, _line, rest = text.partition("\n")
    return Sample(path.stem, title.strip().rstrip("."), " ".join(rest.split()), path)
