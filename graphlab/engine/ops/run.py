"""Running an operator: arrays in, array out, a node of the graph where gradients flow, and the observer told."""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from math import prod
from typing import Any, TypeVar

import numpy as np

from graphlab.engine import dtypes, modes, observe
from graphlab.engine.autograd.graph import SavedOutput, make_node, next_seq
from graphlab.engine.device import CPU, META, VIRTUAL_FROM, Virtual, device, reserve, root, virtual
from graphlab.engine.dtypes import Array
from graphlab.engine.errors import fail, type_name
from graphlab.engine.ops.op import ENTRYWISE, Op
from graphlab.engine.ops.overlap import APART, WHOLE, refuse_sources
from graphlab.engine.tensor import Tensor, View, wrap
from graphlab.engine.virtual import ordered

F = TypeVar("F", bound=Callable[..., Any])
FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""What `torch.<name>` is, by name."""


def report(op: str, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> None:
    """Tell the observer, once, that an operator refused its arguments."""
    facts = getattr(error, "facts", None)
    if isinstance(facts, dict) and facts.get("op") == "":
        facts["op"] = op
    if observe.observer is None or getattr(error, "told", False):
        return
    try:
        error.told = True  # type: ignore[attr-defined]
    except AttributeError:
        return
    inputs = tuple(a for a in _flat(args) if isinstance(a, Tensor))
    inputs += tuple(v for v in kwargs.values() if isinstance(v, Tensor))
    params = {k: v for k, v in kwargs.items() if not isinstance(v, Tensor)}
    observe.observer.failed(op, inputs, params, error)


def _flat(args: Any) -> Any:
    for a in args:
        if isinstance(a, (tuple, list)):
            yield from _flat(a)
        else:
            yield a


def guard(op: str, function: F, called: str = "") -> F:
    """The function, telling the observer when it fails, in PyTorch's words for a call of `called` ("torch.sum")."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        out = again = None
        try:
            if kwargs and kwargs.get("out") is not None:
                out = kwargs.pop("out")
                if called == "torch.multinomial":
                    check_indices(out)
                return into(out, function(*args, **kwargs), called, args, kwargs.get("dtype"))
            return function(*args, **kwargs)
        except Exception as error:
            if out is not None:
                kwargs["out"] = out
            elif type(error) is TypeError and error.__traceback__.tb_next is None:  # type: ignore[union-attr]
                # Python could not bind the arguments: PyTorch's names for them may be others.
                again = _rebound(called, args, kwargs)
                if again is not None:
                    args, kwargs = again
                    try:
                        return function(*args, **kwargs)
                    except Exception as second:
                        error = second
            told = worded(called, args, kwargs, error)
            report(op, args, kwargs, told)
            try:
                if told is error and again is None:
                    raise
                raise told from None
            finally:
                del told  # or this frame and the error would hold each other, and with them the tensors

    call.guards = op  # type: ignore[attr-defined]
    call.called = called  # type: ignore[attr-defined]
    return call  # type: ignore[return-value]


def _rebound(called: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from graphlab.engine.ops import parsing

    return parsing.by_position(called, args, kwargs) if called else None


def worded(called: str, args: tuple[Any, ...], kwargs: dict[str, Any], error: BaseException) -> BaseException:
    """What PyTorch raises where a call of `called` failed with `error`; to be asked by the function that was called."""
    from graphlab.engine.ops import refusals

    if isinstance(error, MemoryError):
        return refusals.out_of_memory(error)
    # Values are asked for when the arguments have been taken already.
    if not called or getattr(error, "kind", "") == "virtual_value" or refusals.is_inner(2):
        return error
    return refusals.worded(called, args, kwargs, error)


def out_of_memory(op: str, args: tuple[Any, ...], error: MemoryError) -> BaseException:
    """NumPy's MemoryError in PyTorch's words, told to the observer; for functions without a guard."""
    from graphlab.engine.ops import refusals

    told = refusals.out_of_memory(error)
    report(op, args, {}, told)
    return told


def check_indices(out: Any) -> None:
    """`multinomial` looks at `out` before it looks at the probabilities."""
    if isinstance(out, Tensor) and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.title}")


def into(out: Any, result: Any, called: str = "", args: tuple[Any, ...] = (), dtype: Any = None) -> Any:
    """What `out=` means: the result of `called` written into tensors that the program gave."""
    from graphlab.engine.ops import outs, parsing

    if called and not parsing.takes_out(called):
        raise TypeError(f"{called.rpartition('.')[2]}() got an unexpected keyword argument 'out'")
    return outs.write(out, result, called, args, dtype)


def bad_combination(function: str, *got: Any) -> TypeError:
    """PyTorch's TypeError for arguments that fit none of a function's forms."""
    kinds = ", ".join(type_name(g) for g in got)
    return TypeError(f"{function}() received an invalid combination of arguments - got ({kinds}), but expected one of:")


def public(op: Op | str, *names: str, method: bool = True, guarded: bool = True) -> Callable[[F], F]:
    """Make a function what `torch.<name>` and `Tensor.<name>` are."""

    def decorate(function: F) -> F:
        name = op if isinstance(op, str) else op.name
        names_ = names or (name,)
        made = guard(name, function, f"torch.{names_[0]}") if guarded else function
        if isinstance(op, Op) and op.function is None:
            op.function = made
        for each in names_:
            FUNCTIONS[each] = made if each == names_[0] or not guarded else guard(name, function, f"torch.{each}")
            if method:
                setattr(Tensor, each, guard(name, function, f"Tensor.{each}") if guarded else function)
        return made

    return decorate


def method(op: Op | str, *names: str) -> Callable[[F], F]:
    """Make a function a method of Tensor only."""

    def decorate(function: F) -> F:
        name = op if isinstance(op, str) else op.name
        for each in names or (function.__name__,):
            made = guard(name, function, f"Tensor.{each}")
            setattr(Tensor, each, made)
        return made

    return decorate


def renamed(function: Any, called: str) -> Any:
    """A guarded function whose errors are worded as those of `called`; others as they are."""
    if not hasattr(function, "guards"):
        return function
    return guard(function.guards, function.__wrapped__, called)


_PLAIN_METHODS = (
    "bool", "byte", "char", "double", "float", "half", "int", "long", "short", "cpu", "type_as", "view_as", "expand_as",
    "reshape_as", "is_complex", "is_conj", "is_signed", "is_floating_point", "logdet", "get_device", "element_size",
)  # fmt: skip
"""Methods that were entered without a guard, and are called seldom enough to have one."""


def name_guards() -> None:
    """Name the functions and methods that were entered without `public`, so that their errors are worded, too."""
    for name, function in FUNCTIONS.items():
        if not getattr(function, "called", "-"):
            FUNCTIONS[name] = renamed(function, f"torch.{name}")
    for name, function in list(vars(Tensor).items()):
        if not name.startswith("__") and not getattr(function, "called", "-"):
            setattr(Tensor, name, renamed(function, f"Tensor.{name}"))
    for name in _PLAIN_METHODS:
        plain = vars(Tensor).get(name)
        if plain is not None and not hasattr(plain, "guards"):
            setattr(Tensor, name, guard(name, plain, f"Tensor.{name}"))


def attach(**methods: Any) -> None:
    """Give Tensor methods, operators (`__neg__`) among them."""
    for name, function in methods.items():
        setattr(Tensor, name, function)


def bad_argument(function: str, name: str, position: int, wanted: str, got: Any) -> TypeError:
    """PyTorch's TypeError for an argument of the wrong type."""
    return TypeError(f"{function}(): argument '{name}' (position {position}) must be {wanted}, not {type_name(got)}")


def need_tensor(value: Any, function: str, name: str = "input", position: int = 1) -> Tensor:
    """The value, if it is a tensor."""
    if not isinstance(value, Tensor):
        raise bad_argument(function, name, position, "Tensor", value)
    return value


def common_device(op: str, inputs: Any) -> device:
    """The one device of all tensors; 0-dim cpu tensors go with every device."""
    where: device | None = None
    first: Tensor | None = None
    for t in inputs:
        if isinstance(t, Tensor) and t._device is not where:
            if first is None or (where is CPU and not first._array.ndim):
                where, first = t._device, t
            elif t._array.ndim or t._device is not CPU:
                fail(
                    RuntimeError,
                    f"Expected all tensors to be on the same device, but found at least two devices, {where} and "
                    f"{t._device}!"
                    if META not in (where, t._device)
                    else f"Tensor on device {t._device} is not on the expected device {where}!",
                    kind="device_mix",
                    op=op,
                    devices=[str(where), str(t._device)],
                )
    return where or CPU


def _variant(op: Op, arrays: list[Any]) -> Op:
    from graphlab.engine.ops.kinds import variant

    return variant(op, arrays)


def run(op: Op, inputs: tuple[Any, ...], params: tuple[Any, ...] = (), casts: tuple[Any, ...] | None = None) -> Any:
    """Run an operator on its tensor arguments (or numbers, or None).

    `casts`: NumPy types to which the arguments are converted first; their gradients are converted back.
    """
    where: device | None = None
    needs = False
    arrays = []
    for t in inputs:
        if isinstance(t, Tensor):
            if t._device is not where:
                where = t._device if where is None else common_device(op.name, inputs)
            if t._rg:
                needs = True
            arrays.append(t._array)
        else:
            arrays.append(t)
    where = where or CPU
    if casts is not None:
        arrays = [
            a.astype(c) if c is not None and isinstance(a, np.ndarray) and a.dtype != c else a
            for a, c in zip(arrays, casts)
        ]
    if dtypes.special and (made := _variant(op, arrays)) is not op:
        op, casts = made, casts or ()
    out = op.forward(*arrays, *params) if not where.counts else _counted(op, arrays, params, where)
    if op.n_outputs > 1:
        return _many(op, inputs, params, out, where, needs, casts)
    t = wrap(out, where)
    if op.view and isinstance(inputs[0], Tensor):
        track_view(t, inputs[0], (op, params, None))
    if needs and modes.grad and t._array.dtype.kind in "fVc":
        node = make_node(op.node_type, inputs, _saved(op, inputs, (t,)) if op.saves else (), _kept(op, inputs, params))
        if casts is not None:
            node.casts = tuple(x._array.dtype if isinstance(x, Tensor) else None for x in inputs)
        if where.simulated:
            node.meta = _meta(where, inputs)
        t._fn = node
        t._rg = True
    if observe.observer is not None:
        observe.observer.forward(op.name, inputs, t, dict(zip(op.params, params)))
    return t


def _many(
    op: Op, inputs: tuple[Any, ...], params: tuple[Any, ...], outs: Any, where: device, needs: bool, casts: Any
) -> tuple[Tensor, ...]:
    made = tuple(wrap(out, where) for out in outs)
    if op.view:
        for i, t in enumerate(made):
            track_view(t, inputs[0], (op, params, i))
    if needs and modes.grad:
        node = make_node(op.node_type, inputs, _saved(op, inputs, made) if op.saves else (), _kept(op, inputs, params))
        node.outs = [(t._array.shape, t._array.dtype) for t in made]
        if casts is not None:
            node.casts = tuple(x._array.dtype if isinstance(x, Tensor) else None for x in inputs)
        if where.simulated:
            node.meta = _meta(where, inputs)
        for i, t in enumerate(made):
            if t._array.dtype.kind in "fVc":
                t._fn = node
                t._nr = i
                t._rg = True
    if observe.observer is not None:
        observe.observer.forward(op.name, inputs, made, dict(zip(op.params, params)))
    return made


def _kept(op: Op, inputs: tuple[Any, ...], params: tuple[Any, ...]) -> tuple[Any, ...]:
    if not op.broadcasts:
        return params
    return (*(x._array.shape if isinstance(x, Tensor) else x for x in inputs), *params)


def _meta(where: device, inputs: tuple[Any, ...]) -> Any:
    return where, tuple((x._array.shape, x._array.dtype) if isinstance(x, Tensor) else None for x in inputs)


def _saved(op: Op, inputs: tuple[Any, ...], outs: tuple[Tensor, ...]) -> tuple[Any, ...]:
    if op.saves == ("*",):
        return inputs
    saved: list[Any] = []
    for what, by in op.plan:
        if by >= 0 and not (isinstance(inputs[by], Tensor) and inputs[by]._rg):
            saved.append(None)
        elif what >= 0:
            saved.append(inputs[what] if isinstance(inputs[what], Tensor) else None)
        else:
            out = outs[-1 - what]
            if out._version is None:
                out._version = [0]
            saved.append(SavedOutput(out._array, out._device, out._version, -1 - what))
    return tuple(saved)


def _counted(op: Op, arrays: list[Any], params: tuple[Any, ...], where: device) -> Any:
    """The forward computation where bytes are counted: refused before anything is allocated."""
    if op.view:
        return op.forward(*arrays, *params)
    has_no_numbers = where.simulated and (where is META or any(type(a) is Virtual for a in arrays))
    if op.shape is not None:
        shapes, kinds = ruled(op, arrays, params)
        n_bytes = sum(prod(s) * k.itemsize for s, k in zip(shapes, kinds))
        reserve(where, n_bytes)
        if has_no_numbers or (where.simulated and n_bytes > VIRTUAL_FROM):
            made = tuple(virtual(s, k) for s, k in zip(shapes, kinds))
            if op.n_outputs > 1:
                return made
            if op.category in ENTRYWISE:
                made[0].steps = ordered(made[0].shape, arrays, made[0].itemsize)
            return made[0]
    return op.forward(*arrays, *params)  # without a rule, NumPy's functions tell the shape: see `virtual.py`


def ruled(op: Op, arrays: list[Any], params: tuple[Any, ...]) -> tuple[Any, Any]:
    """The shapes and NumPy types of all outputs by the operator's own rules."""
    assert op.shape is not None
    shapes = op.shape(*[a.shape if isinstance(a, np.ndarray) else () for a in arrays], *params)
    if op.n_outputs == 1:
        shapes = (shapes,)
    kinds = op.dtype(*arrays, *params) if op.dtype is not None else _first_dtype(arrays)
    return shapes, kinds if isinstance(kinds, tuple) else (kinds,) * len(shapes)


def _first_dtype(arrays: list[Any]) -> Any:
    for a in arrays:
        if isinstance(a, np.ndarray):
            return a.dtype
    return dtypes.get_default_dtype().np


# Views and in-place writes


def _version(t: Tensor) -> list[int]:
    if t._version is None:
        t._version = [0]
    return t._version


def track_view(t: Tensor, of: Tensor, step: Any) -> None:
    """Note that `t` looks at the memory of `of` (if it does), through the view operator `step`."""
    mine, theirs = t._array, of._array
    if mine is not theirs:
        a = mine.base if mine.base is not None else mine
        b = theirs.base if theirs.base is not None else theirs
        if (a is not b and (type(mine) is not Virtual or root(mine) is not root(theirs))) or mine.base is None:
            return
    t._version = _version(of)
    view = of._view
    base = of if view is None else view.base
    t._view = View(base, (step,) if view is None else (*view.chain, step))
    views = base._more().setdefault("views", [])
    if len(views) > 32 and not len(views) & (len(views) - 1):
        views[:] = [r for r in views if r() is not None]
    views.append(weakref.ref(t))


def replay(chain: Any, t: Any) -> Any:
    """Follow a chain of view operators from `t`."""
    watcher = observe.set_observer(None)
    try:
        for op, params, nr in chain:
            t = run(op, (t,), params)
            if nr is not None:
                t = t[nr]
    finally:
        observe.set_observer(watcher)
    return t


def replay_array(chain: Any, array: Array) -> Array:
    """Follow a chain of view operators from an array; the result shares its memory."""
    for op, params, nr in chain:
        array = op.forward(array, *params)
        if nr is not None:
            array = array[nr]
    return array


def bump(t: Tensor) -> None:
    """Count one more in-place write to the memory of `t`."""
    if t._version is None:
        t._version = [1]
    else:
        t._version[0] += 1


def check_inplace(t: Tensor, op: str) -> None:
    """Refuse an in-place write that PyTorch refuses; only to be called when gradients are recorded."""
    if t._view is None:
        if t._rg and t._fn is None:
            fail(
                RuntimeError,
                "a leaf Variable that requires grad is being used in an in-place operation.",
                kind="inplace_leaf",
                op=op,
                shape=list(t._array.shape),
            )
        return
    base = t._view.base
    if (base._rg and base._fn is None) or (t._rg and t._fn is None):
        fail(
            RuntimeError,
            "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            kind="inplace_leaf",
            op=op,
            shape=list(t._array.shape),
        )
    if t._view.chain[-1][2] is not None and t._fn is not None:
        from graphlab.engine.autograd.versions import refuse_shared_view

        refuse_shared_view(t, True)


def rebase(t: Tensor, node: Any) -> None:
    """Make `node` what computed `t`, after a write into it; a view's base gets the write into its history too."""
    if t._view is None:
        t._fn, t._nr, t._rg = node, 0, True
        refresh(t)
        return
    base, chain = t._view.base, t._view.chain
    outer = make_node(COPY_SLICES.node_type, (base,), (), (chain, node))
    outer.edges = (*outer.edges, *node.edges[1:])
    if outer.nrs is not None or node.nrs is not None:
        rest: tuple[int, ...] = node.nrs or (0,) * len(node.edges)
        outer.nrs = (base._nr, *rest[1:])
    outer.saved = node.saved
    outer.versions = node.versions
    if node.meta is not None:
        outer.meta = (node.meta[0], ((base._array.shape, base._array.dtype), *node.meta[1][1:]))
    outer.casts = node.casts
    base._fn, base._nr, base._rg = outer, 0, True
    refresh(base)


def refresh(base: Tensor) -> None:
    """Let the views of a tensor that was written to follow its new history."""
    if base._extra is None or "views" not in base._extra:
        return
    before, modes.grad = modes.grad, True
    try:
        for held in list(base._extra["views"]):
            view = held()
            if view is not None and view._view is not None:
                again = replay(view._view.chain, base)
                view._fn, view._nr, view._rg = again._fn, again._nr, again._rg
    finally:
        modes.grad = before


def _copy_slices(node: Any, g: Any, *saved: Any) -> Any:
    chain, inner = node.params
    part: Any
    whole: Any
    if isinstance(g, Tensor):
        from graphlab.engine.autograd.passes import Taped

        whole = g.clone()
        part = replay(chain, whole)
        taped = Taped(inner)
        result = inner.vjp(taped, part.clone(), *saved)
        part.copy_(result[0]) if result[0] is not None else part.zero_()
        return (whole, *result[1:])
    whole = np.array(g)
    part = replay_array(chain, whole)
    result = inner.vjp(inner, part.copy(), *saved)
    part[...] = 0 if result[0] is None else result[0]
    return (whole, *result[1:])


def _make_copy_slices() -> Op:
    from graphlab.engine.ops.op import Category, declare
    from graphlab.i18n import N_

    return declare(
        Op(
            name="copy_slices",
            node="CopySlices",
            category=Category.INDEX,
            args=("input",),
            formula="input[part] = value",
            backward_formula=N_("d input = g, with the part's derivative in its place"),
            forward=lambda x, chain, inner: x,
            vjp=_copy_slices,
            shape=lambda x, *_: x,
            narrate=N_("a part of {input} is written to"),
            narrate_backward=N_(
                "the gradient of the part of {input} that was written to goes through what was written"
            ),
        )
    )


COPY_SLICES = _make_copy_slices()


def run_inplace(
    op: Op, inputs: tuple[Any, ...], params: tuple[Any, ...] = (), name: str = "", casts: tuple[Any, ...] | None = None
) -> Any:
    """Run an operator and write its result into its first argument."""
    t: Tensor = inputs[0]
    name = name or op.name + "_"
    needs = modes.grad and any(isinstance(x, Tensor) and x._rg for x in inputs)
    if needs:
        check_inplace(t, name)
    arrays = [x._array if isinstance(x, Tensor) else x for x in inputs]
    common_device(name, inputs)
    if len(inputs) > 1 and (op.broadcasts or op.name in WHOLE) and op.name not in APART:
        refuse_sources(op.name, t._array, inputs)
    if casts is not None:
        arrays = [
            a.astype(c) if c is not None and isinstance(a, np.ndarray) and a.dtype != c else a
            for a, c in zip(arrays, casts)
        ]
    if dtypes.special and (made := _variant(op, arrays)) is not op:
        op, casts = made, casts or ()
    if t._device.simulated and any(type(a) is Virtual for a in arrays):
        if op.shape is not None:
            shapes, kinds = ruled(op, arrays, params)
            check_fits(t, virtual(shapes[0], kinds[0]), name)
        else:
            check_fits(t, op.forward(*arrays, *params), name)
        out: Any = t._array
    else:
        out = np.asarray(op.forward(*arrays, *params))
        check_fits(t, out, name)
    node = None
    if needs:
        node = make_node(op.node_type, inputs, (), _kept(op, inputs, params))
        if casts is not None:
            node.casts = tuple(x._array.dtype if isinstance(x, Tensor) else None for x in inputs)
        if t._device.simulated:
            node.meta = _meta(t._device, inputs)
        if op.plan:
            _version(t)
            saved = _saved(op, inputs, (t,))
            versions = tuple(0 if s is None or s._version is None else s._version[0] for s in saved)
            # What is saved of the output is saved after the write.
            node.versions = tuple(v + 1 if type(s) is SavedOutput else v for v, s in zip(versions, saved))
            node.saved = saved
            if any(s is t for s in saved):
                # The numbers before the write are what the derivative wants: those of the tensor itself are kept apart,
                # as PyTorch does; where it is another argument as well, backward refuses.
                kept = _before(t)
                kept._array, kept._version = t._array.copy(), None
                own = [what == 0 for what, _ in op.plan]
                node.versions = tuple(0 if o else v for o, v in zip(own, node.versions))
                node.saved = tuple((kept if o else _before(t)) if s is t else s for o, s in zip(own, saved))
    if out is not t._array:
        t._array[...] = out
    bump(t)
    if node is not None:
        node.seq = next_seq()
        rebase(t, node)
    if observe.observer is not None:
        observe.observer.inplace(op.name, t, inputs, dict(zip(op.params, params)))
    return t


def _before(t: Tensor) -> Tensor:
    old = wrap(t._array)
    old._device = t._device
    old._fn, old._nr, old._rg = t._fn, t._nr, t._rg
    old._version = t._version
    return old


def check_fits(t: Tensor, out: Any, name: str) -> None:
    """Refuse an in-place result of another shape or of a kind that does not convert."""
    if out.shape != t._array.shape:
        fail(
            RuntimeError,
            f"output with shape {list(t._array.shape)} doesn't match the broadcast shape {list(out.shape)}",
            kind="broadcast",
            op=name,
            shapes=[list(t._array.shape), list(out.shape)],
        )
    mine, its = dtypes.of(t._array), dtypes.of(out)
    if mine is not its and not dtypes.can_cast(its, mine):
        fail(
            RuntimeError,
            f"result type {its.title} can't be cast to the desired output type {mine.title}",
            kind="dtype_mix",
            op=name,
            dtypes=[its.name, mine.name],
        )
