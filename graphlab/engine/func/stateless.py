"""Modules as functions of their parameters: `functional_call`, `stack_module_state`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: Any,
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with other parameters and buffers than its own, by their paths; its own stay as they are."""
    if isinstance(parameter_and_buffer_dicts, dict):
        given = parameter_and_buffer_dicts
    elif isinstance(parameter_and_buffer_dicts, Sequence):
        if not all(isinstance(each, dict) for each in parameter_and_buffer_dicts):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        counted = Counter(key for each in parameter_and_buffer_dicts for key in each)
        repeated = [key for key, n in counted.items() if n > 1]
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        given = {key: value for each in parameter_and_buffer_dicts for key, value in each.items()}
    else:
        raise ValueError(
            "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got "
            f"{type(parameter_and_buffer_dicts)}"
        )
    arguments = () if args is None else args if isinstance(args, tuple) else (args,)
    with _swapped(module, given, tie_weights, strict):
        return module(*arguments, **(kwargs or {}))


def _places(module: Any) -> dict[str, tuple[Any, str, str]]:
    """Each parameter and buffer by its path: the module that has it, the table, the name."""
    found = {}
    for path, part in module.named_modules(remove_duplicate=False):
        for table in ("_parameters", "_buffers"):
            for name in part.__dict__[table]:
                found[f"{path}.{name}" if path else name] = (part, table, name)
    return found


@contextmanager
def _swapped(module: Any, given: dict[str, Any], tie_weights: bool, strict: bool) -> Iterator[None]:
    places = _places(module)
    if strict:
        missing = sorted(key for key in places if key not in given and _held(places[key]) is not None)
        unexpected = sorted(key for key in given if key not in places)
        if missing or unexpected:
            texts = [f"Unexpected key(s): {', '.join(map(repr, unexpected))}."] if unexpected else []
            texts += [f"Missing key(s): {', '.join(map(repr, missing))}."] if missing else []
            raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(texts))
    new = {key: value for key, value in given.items() if key in places}
    for key in given:
        if key not in places:
            module.get_submodule(key.rpartition(".")[0])  # refuses a path that leads nowhere
    if tie_weights:
        by_tensor = {id(_held(places[key])): value for key, value in new.items()}
        for key, place in places.items():
            if key not in new and id(_held(place)) in by_tensor and _held(place) is not None:
                new[key] = by_tensor[id(_held(place))]
    before = {key: _held(places[key]) for key in new}
    try:
        for key, value in new.items():
            _put(places[key], value)
        yield
    finally:
        for key, value in before.items():
            _put(places[key], value)


def _held(place: tuple[Any, str, str]) -> Any:
    part, table, name = place
    return part.__dict__[table][name]


def _put(place: tuple[Any, str, str], value: Any) -> None:
    part, table, name = place
    if value is not None and not isinstance(value, Tensor):
        raise TypeError(f"{value} is not an instance of torch.Tensor")
    part.__dict__[table][name] = value
    part.__dict__[name] = value


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters and the buffers of several models of one class, stacked by name, for `vmap`."""
    if not len(models):
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({bool(model.training) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(model) is not type(models[0]) for model in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    tables = []
    for walk in ("named_parameters", "named_buffers"):
        all_models = [dict(getattr(model, walk)()) for model in models]
        tables.append({name: _stacked([each[name] for each in all_models], name) for name in all_models[0]})
    return tables[0], tables[1]


def _stacked(tensors: list[Tensor], name: str) -> Any:
    wants = {t.requires_grad for t in tensors}
    if len(wants) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    result = FUNCTIONS["stack"](tensors).detach()
    return result.requires_grad_() if wants == {True} else result
