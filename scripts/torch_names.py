"""Writes graphlab/engine/torch_names.txt: the public names of the installed torch. `--check` only compares."""

from __future__ import annotations

import importlib
import sys
import types
import warnings
from pathlib import Path
from typing import Any

# ruff: noqa: SIM905
FILE = Path(__file__).resolve().parents[1] / "graphlab" / "engine" / "torch_names.txt"
MODULES = """
torch torch.Tensor torch.autograd torch.autograd.forward_ad torch.autograd.functional torch.autograd.graph
torch.backends torch.backends.cudnn torch.cuda torch.cuda.amp torch.distributions torch.fft torch.func torch.linalg
torch.nn torch.nn.Module torch.nn.functional torch.nn.init torch.nn.parameter torch.nn.utils
torch.nn.utils.parametrizations torch.nn.utils.parametrize torch.nn.utils.prune torch.nn.utils.rnn torch.optim
torch.optim.lr_scheduler torch.optim.swa_utils torch.random torch.special torch.testing torch.utils
torch.utils.checkpoint torch.utils.data
""".split()


def text() -> str:
    """The whole file."""
    import torch

    warnings.simplefilter("ignore")
    lines = [f"# Public names of torch {torch.__version__.partition('+')[0]}, made by scripts/torch_names.py"]
    for name in MODULES:
        lines.append(f"{name}: {' '.join(public_names(_owner(name)))}")
    homes: dict[str, set[str]] = {}
    for name in MODULES:
        for each, value in vars(_owner(name)).items():
            if isinstance(value, type) and value.__name__ == each and _is_home(value.__module__) and each[0] != "_":
                homes.setdefault(value.__module__, set()).add(each)
    lines += [f"class {home}: {' '.join(sorted(names))}" for home, names in sorted(homes.items())]
    return "\n".join(lines) + "\n"


def _is_home(module: str) -> bool:
    return module == "torch._C" or (module.startswith("torch") and not module.startswith("torch._"))


def _owner(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        parent, _, last = name.rpartition(".")
        return getattr(importlib.import_module(parent), last)


def public_names(owner: Any) -> list[str]:
    """The names of a module or class of torch that are its own: no tools that it imported for itself."""
    return sorted(name for name in dir(owner) if not name.startswith("_") and _is_own(owner, name))


def _is_own(owner: Any, name: str) -> bool:
    value = getattr(owner, name, None)
    if isinstance(owner, type):
        return True
    if name in ("TYPE_CHECKING", "annotations") or (owner.__name__.count(".") and _is_borrowed(owner, name, value)):
        return False
    if isinstance(value, types.ModuleType):
        return value.__name__.startswith(f"{owner.__name__}.") and not name.startswith("_")
    home = getattr(value, "__module__", None)
    if isinstance(home, str) and not home.startswith("torch") and isinstance(value, type | types.FunctionType):
        return False
    return not (isinstance(home, str) and home.startswith(("typing", "collections")))


def _is_borrowed(owner: Any, name: str, value: Any) -> bool:
    """Whether a module below torch only uses a class that is offered further up."""
    import torch

    homes = [each for each in (torch, torch.nn) if isinstance(value, type) and getattr(each, name, None) is value]
    return (
        any(not each.__name__.startswith(owner.__name__) for each in homes) and owner.__name__ != "torch.nn.parameter"
    )


def main() -> int:
    """Write the file, or compare it."""
    made = text()
    if "--check" in sys.argv[1:]:
        is_stale = not FILE.exists() or FILE.read_text(encoding="utf-8") != made
        if is_stale:
            print("graphlab/engine/torch_names.txt is stale: run scripts/torch_names.py")
        return int(is_stale)
    FILE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
