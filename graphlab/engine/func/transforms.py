"""`torch.func`: functions that make gradient functions out of functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graphlab.engine import modes
from graphlab.engine.autograd.gradients import grad as gradients
from graphlab.engine.autograd.graph import AccumulateGrad, accumulator
from graphlab.engine.func.trees import flatten, tree_map, unflatten
from graphlab.engine.func.vectorized import _wraps
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor, wrap

Function = Callable[..., Any]
JVP = "jvp(f, primals, tangents)"


class _Inner:
    """Tensors that a transform differentiates with respect to, apart from all that is outside of it."""

    def __init__(self) -> None:
        self._leaves: set[Any] = set()

    def fresh(self, t: Any) -> Any:
        """A tensor with the same values, where a gradient can be asked for; history from outside is kept."""
        if not isinstance(t, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(t)}")
        if t._rg:
            return t.view_as(t)
        if t._array.dtype.kind not in "fVc":
            return t.detach()
        made = t.detach().requires_grad_()
        self._leaves.add(accumulator(made))
        self._leaves.add(made)  # keeps its accumulator
        return made

    def left(self, tree: Any) -> Any:
        """What comes out of the transform: without history, unless it leads outside."""
        return tree_map(lambda t: self._outside(t) if isinstance(t, Tensor) else t, tree)

    def _outside(self, t: Tensor) -> Tensor:
        if not t._rg or (modes.grad and self._leads_outside(t)):
            return t
        made: Tensor = t.detach()
        return made

    def _leads_outside(self, t: Tensor) -> bool:
        stack: list[Any] = [t._fn or accumulator(t)]
        seen = set()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if type(node) is AccumulateGrad:
                if node not in self._leaves:
                    return True
            else:
                stack.extend(edge for edge in node.edges if edge is not None)
        return False


def _argnums(argnums: Any, n: int) -> tuple[int, ...]:
    """The positions of the arguments to differentiate by."""
    chosen = argnums if isinstance(argnums, tuple) else (argnums,)
    if not isinstance(argnums, int | tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    found = []
    for each in chosen:
        if not isinstance(each, int):
            raise RuntimeError(f"argnum must be int, got: {type(each)}")
        if not -n <= each < n:
            raise RuntimeError(f"Got argnum={each}, but only {n} positional inputs")
        found.append(each % n)
    if not found:
        raise RuntimeError("argnums must be non-empty")
    if len(set(found)) != len(found):
        raise RuntimeError(f"argnums elements must be unique, got {tuple(found)}")
    return tuple(found)


def _placed(args: tuple[Any, ...], places: tuple[int, ...], values: tuple[Any, ...]) -> list[Any]:
    made = list(args)
    for place, value in zip(places, values):
        made[place] = value
    return made


def _gradients(outputs: list[Tensor], inputs: list[Tensor], cotangents: list[Any] | None = None) -> list[Tensor]:
    """Gradients that can be differentiated again, zeros where there is no way."""
    pairs = [(o, None if cotangents is None else cotangents[i]) for i, o in enumerate(outputs) if o._rg]
    wanted = [t for t in inputs if t._rg]
    found: dict[int, Any] = {}
    if pairs and wanted:
        outs, given = [o for o, _ in pairs], [g for _, g in pairs]
        made = gradients(outs, wanted, None if cotangents is None else given, create_graph=True, allow_unused=True)
        found = {id(t): g for t, g in zip(wanted, made)}
    return [_zeros_like(t) if found.get(id(t)) is None else found[id(t)] for t in inputs]


def _zeros_like(t: Tensor) -> Tensor:
    return wrap(np.zeros(t._array.shape, t._array.dtype), t._device)


def grad_and_value(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `func` by its argument(s) `argnums`, and its value."""

    @_wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        places = _argnums(argnums, len(args))
        inner = _Inner()
        with modes.enable_grad():
            chosen = tuple(tree_map(inner.fresh, args[place]) for place in places)
            output = func(*_placed(args, places, chosen), **kwargs)
            aux = None
            if has_aux:
                if not (isinstance(output, tuple) and len(output) == 2):
                    raise RuntimeError(
                        "grad_and_value(f)(*args): output of function f should be a tuple: (output, aux) if has_aux is "
                        "True"
                    )
                output, aux = output
            if not isinstance(output, Tensor):
                raise RuntimeError(
                    f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}"
                )
            if output.dim():
                raise RuntimeError(
                    "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with "
                    f"{output.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
                )
            leaves, spec = flatten(chosen)
            found = unflatten(_gradients([output], leaves), spec)
        result = inner.left(found if isinstance(argnums, tuple) else found[0])
        value = inner.left(output)
        return (result, (value, inner.left(aux))) if has_aux else (result, value)

    made: Function = wrapper
    return made


def grad(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `func`, which returns one number, by its argument(s) `argnums`."""
    both = grad_and_value(func, argnums, has_aux)

    @_wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found, rest = both(*args, **kwargs)
        return (found, rest[1]) if has_aux else found

    made: Function = wrapper
    return made


class _Linearized:
    """`func` at a point: its output, and products with its Jacobian."""

    def __init__(self, func: Function, args: tuple[Any, ...], places: tuple[int, ...], has_aux: bool, api: str) -> None:
        self.inner = _Inner()
        self.aux: Any = None
        with modes.enable_grad():
            chosen = tuple(tree_map(self.inner.fresh, args[place]) for place in places)
            output = func(*_placed(args, places, chosen))
        if has_aux:
            if not (isinstance(output, tuple) and len(output) == 2):
                raise RuntimeError(f"{api}: output of function f should be a tuple: (output, aux) if has_aux is True")
            output, self.aux = output
        self.inputs, self.input_spec = flatten(chosen)
        self.outputs, self.output_spec = flatten(output)
        if not self.outputs:
            raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got output = [])")
        for each in self.outputs:
            if not isinstance(each, Tensor):
                raise RuntimeError(
                    f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(each)}"
                )

    def pulled(self, cotangents: list[Any]) -> list[Tensor]:
        """The vector-Jacobian product."""
        with modes.enable_grad():
            return _gradients(self.outputs, self.inputs, cotangents)

    def result(self) -> Any:
        """The output of `func`, as it leaves the transform."""
        return self.inner.left(unflatten(self.outputs, self.output_spec))


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """`func(*primals)`, and a function that takes cotangents of it to the gradients of the primals."""
    at = _Linearized(func, primals, tuple(range(len(primals))), has_aux, "vjp(f, *primals)")
    for out in at.outputs:
        if not (out.is_floating_point() or out.is_complex()):
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                f"{out.dtype}"
            )

    def pull(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        leaves, spec = flatten(cotangents)
        if spec != at.output_spec or type(spec) is not type(at.output_spec):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {spec}, primal output: {at.output_spec}"
            )
        found = unflatten(at.pulled(leaves), at.input_spec)  # always a tuple, as in PyTorch
        return at.inner.left(found)

    return (at.result(), pull, at.inner.left(at.aux)) if has_aux else (at.result(), pull)


def jvp(func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False) -> Any:
    """`func(*primals)` and its change along `tangents`: two backward passes, the second through the first."""
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    given, spec = flatten(tangents)
    own, wanted = flatten(primals)
    if spec != wanted or type(spec) is not type(wanted):
        raise RuntimeError(
            f"{JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            f"tuple of 3 tensors, tangents also must be. Got primals with structure {wanted} and tangents with "
            f"structure {spec}"
        )
    for values, name in ((own, "primals"), (given, "tangents")):
        if not values:
            raise RuntimeError(f"{JVP}: Expected {name} to contain at least one Tensor.")
        for each in values:
            if not isinstance(each, Tensor):
                raise RuntimeError(f"{JVP}: Expected {name} to only contain Tensors, got {type(each)}")
    at = _Linearized(func, primals, tuple(range(len(primals))), has_aux, JVP)
    if strict and not any(out._rg for out in at.outputs):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed "
            "with strict=True."
        )
    result = at.inner.left(unflatten(_pushed(at, given), at.output_spec))
    return (at.result(), result, at.inner.left(at.aux)) if has_aux else (at.result(), result)


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """`func(*primals)`, and a function that takes tangents to the change of the output along them."""
    at = _Linearized(func, primals, tuple(range(len(primals))), False, "linearize(f, *primals)")
    output = at.result()

    def jvp_fn(*tangents: Any) -> Any:
        given, spec = flatten(tangents)
        if spec != at.input_spec:
            raise RuntimeError(f"Expected the tangents {spec} to have the same argspec as the primals {at.input_spec}")
        for i, (tangent, primal) in enumerate(zip(given, at.inputs)):
            for what in ("shape", "device", "dtype"):
                if getattr(tangent, what) != getattr(primal, what):
                    raise RuntimeError(
                        f"tangent:{i} with {what} {getattr(tangent, what)} in flattened pytree doesn't match the "
                        f"{what} {getattr(primal, what)} of the corresponding primal."
                    )
        return at.inner.left(unflatten(_pushed(at, given), at.output_spec))

    return output, jvp_fn


def _pushed(at: _Linearized, tangents: list[Any]) -> list[Any]:
    """The Jacobian-vector product: the product with the Jacobian's transpose is linear in the cotangent, and its
    derivative by the cotangent is the other product."""
    with modes.enable_grad():
        dummies = [at.inner.fresh(_zeros_like(out)) for out in at.outputs]
        return _gradients(at.pulled(dummies), dummies, tangents)


def _jacobian(func: Function, argnums: Any, has_aux: bool, api: str) -> Function:
    @_wraps(func)
    def wrapper(*args: Any) -> Any:
        places = _argnums(argnums, len(args))
        for each in flatten(tuple(args[place] for place in places))[0]:
            if isinstance(each, Tensor) and not (each.is_floating_point() or each.is_complex()):
                if api.startswith("jvp"):
                    raise ValueError(f"Expected primal to be floating point or complex, but got: {each.dtype}")
                raise RuntimeError("only Tensors of floating point dtype can require gradients")
        at = _Linearized(func, args, places, has_aux, api)
        trees = []
        for number, out in enumerate(at.outputs):
            rows = [at.pulled(cotangents) for cotangents in _picks(at.outputs, number)]
            shape = out._array.shape
            with modes.enable_grad():
                columns = [
                    FUNCTIONS["stack"]([row[i] for row in rows]).reshape(*shape, *t._array.shape)
                    if rows
                    else wrap(np.zeros((*shape, *t._array.shape), t._array.dtype), t._device)
                    for i, t in enumerate(at.inputs)
                ]
            found = unflatten(columns, at.input_spec)
            trees.append(at.inner.left(found if isinstance(argnums, tuple) else found[0]))
        result = unflatten(trees, at.output_spec)
        return (result, at.inner.left(at.aux)) if has_aux else result

    made: Function = wrapper
    return made


def _picks(outputs: list[Tensor], number: int) -> list[list[Tensor]]:
    """For each entry of one output the cotangents that pick it."""
    picks = []
    for place in range(outputs[number]._array.size):
        cotangents = [_zeros_like(out) for out in outputs]
        cotangents[number]._array.reshape(-1)[place] = 1
        picks.append(cotangents)
    return picks


def jacrev(
    func: Function,
    argnums: Any = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Function:
    """A function that returns the Jacobian of `func` by its argument(s) `argnums`, a backward pass for each row."""
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")
    return _jacobian(func, argnums, has_aux, "vjp(f, *primals)")


def jacfwd(func: Function, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error") -> Function:
    """The same Jacobian as `jacrev`, and by the same means: there is no forward mode here."""
    return _jacobian(func, argnums, has_aux, "jvp(f, primals, tangents)")


def hessian(func: Function, argnums: Any = 0) -> Function:
    """A function that returns the second derivatives of `func`."""
    return jacfwd(jacrev(func, argnums), argnums)
