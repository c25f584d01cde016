"""Out of memory: who asked for how much, what was there, who holds the bytes, and what each remedy would do."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.narrate import name_of
from graphlab.explain.source import argument, called, dotted
from graphlab.i18n import N_, _
from graphlab.trace.records import Fix, Tensor, TensorKind

_MAX_FOLDED = 2**63
_OWN_OF_CUDA = 2**30
_LITTLE = 2**28


def folded(node: ast.expr | None) -> int | None:
    """The integer that an expression of literals has: 64, 10 ** 6, 2 * 1024."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.BinOp):
        left, right = folded(node.left), folded(node.right)
        if left is None or right is None or min(left, right) < 0:
            return None
        if isinstance(node.op, ast.Pow):
            return left**right if right < 64 and left < 2**20 and left**right < _MAX_FOLDED else None
        if isinstance(node.op, ast.Mult):
            return left * right if left * right < _MAX_FOLDED else None
        if isinstance(node.op, ast.LShift):
            return left << right if right < 63 else None
        if isinstance(node.op, ast.Add):
            return left + right
    return None


def holders(case: Case, device: str, in_use: int) -> list[Tensor]:
    """The largest tensors on a device that together explain what is in use; [] where they don't."""
    if case.trace is None:
        return []
    own = [t for t in case.trace.tensors if t.device == device and t.base < 0 and t.n_bytes > 0]
    # A trace doesn't say when a tensor was freed: only if all of them together fit into what is in use are all alive.
    if sum(t.n_bytes for t in own) > in_use * 1.01 + 4096 * len(own):
        own = [
            t for t in own if t.kind in (TensorKind.LEAF, TensorKind.PARAMETER, TensorKind.BUFFER, TensorKind.LEAF_GRAD)
        ]
        if sum(t.n_bytes for t in own) > in_use * 1.01 + 4096 * len(own):
            return []
    return sorted(own, key=lambda t: -t.n_bytes)


def _batch_size(case: Case) -> int:
    """The size of the first axis of what was to be computed."""
    for tensor in case.tensors:
        if len(tensor.shape) >= 2 and tensor.kind != TensorKind.PARAMETER:
            return tensor.shape[0]
    call = case.call
    if call is None or not call.args:
        return 0
    first = (
        call.args[0].elts[0] if isinstance(call.args[0], ast.Tuple | ast.List) and call.args[0].elts else call.args[0]
    )
    if dotted(first):
        first = case.source.assigned(dotted(first), first) or first
    return folded(first) or 0


def _outermost_literals(case: Case, value: int) -> list[ast.expr]:
    found = [n for n in case.source.nodes if isinstance(n, ast.expr) and folded(n) == value]
    return [n for n in found if folded(case.source.parents.get(n)) is None]  # type: ignore[arg-type]


def _ahead(case: Case, batch: int, requested: int) -> float:
    """Bytes that the layers after the failed one will give, as far as the module tree says."""
    if case.trace is None:
        return 0
    modules = case.trace.modules
    here = case.record.module if case.record is not None else ""
    paths = [m.path for m in modules]
    if here not in paths:
        return float(requested * len(case.trace.ghosts))
    total, width = 0.0, float(requested)
    for module in modules[paths.index(here) + 1 :]:
        if module.path.rpartition(".")[0] != here.rpartition(".")[0]:
            break
        features = re.search(r"out_features=(\d+)", module.text)
        if features is not None:
            width = 4.0 * batch * int(features.group(1))
        total += width
    return total


def _copies_of_parameters(case: Case) -> int:
    """How many further tensors training keeps for each parameter: its gradient, and what the optimizer remembers."""
    names = {called(c) for c in case.source.calls()}
    return 1 + (2 if names & {"Adam", "AdamW", "NAdam", "RAdam"} else 0)


def _batch_fix(case: Case, facts: dict[str, Any]) -> Fix | None:
    """A batch size that fits, computed: what grows with the batch is scaled, the rest stays."""
    batch = _batch_size(case)
    capacity, in_use, requested = facts.get("capacity"), facts.get("in_use") or 0, facts.get("requested") or 0
    nodes = _outermost_literals(case, batch) if batch > 1 else []
    if not nodes or not capacity:
        return None
    device = str(facts.get("device"))
    grows = sum(t.n_bytes for t in holders(case, device, in_use) if t.shape and t.shape[0] == batch)
    fixed = max(in_use - grows, 0)
    needed_batch = grows + requested + _ahead(case, batch, requested)
    if any(called(c) == "backward" for c in case.source.calls()):
        # Going back, two gradients as large as the largest value are there at a time, and one for each parameter.
        held = holders(case, device, in_use)
        needed_batch += 2 * max([requested, *(t.n_bytes for t in held if t.shape and t.shape[0] == batch)])
        fixed += sum(t.n_bytes for t in held if t.kind == TensorKind.PARAMETER) * _copies_of_parameters(case)
    per_sample = needed_batch / batch
    room = 0.95 * capacity - fixed
    if room <= 0 or per_sample <= 0:
        return None
    largest = int(room / per_sample)
    if largest < 1 or largest >= batch:
        return None
    new = 2 ** int(math.log2(largest))
    edits = [case.source.replace(node, str(new)) for node in nodes]
    needed = fixed + per_sample * new
    title = words.fill(
        N_("Batches of {new} instead of {old}: about {needed} of {capacity}"),
        {"new": new, "old": batch, "needed": words.n_bytes(needed), "capacity": words.n_bytes(capacity)},
    )
    return Fix(title, "maybe", edits)


def _half_fix(case: Case) -> Fix | None:
    call = case.call
    if (
        call is None
        or called(call) not in ("zeros", "ones", "randn", "rand", "empty", "full")
        or argument(call, 99, "dtype")
    ):
        return None
    title = _("Half the bytes with 16-bit numbers: `dtype=torch.float16`, about three digits of precision")
    return Fix(title, "maybe", [case.source.add_argument(call, "dtype=torch.float16")])


def _advice(facts: dict[str, Any]) -> str:
    """The remedy that the figures point to, as a template."""
    requested, capacity = facts.get("requested") or 0, facts.get("capacity") or 0
    free = facts.get("free")
    unused = unallocated(facts)
    others = _foreign(facts)
    device = str(facts.get("device") or "")
    limit = facts.get("limit") or capacity
    if device.startswith("cpu") and requested and requested < _LITTLE and not capacity:
        return N_(
            "{requested} are little, so the memory was nearly full before: close other programs, keep less data at a "
            "time, or give the system more swap space."
        )
    if device.startswith("cpu") and requested:
        return N_(
            "Check the sizes first: {requested} are {count} numbers of 4 bytes. If that is meant, work on a part at a "
            "time: smaller batches, and data that is read when it is needed."
        )
    if capacity and requested > capacity:
        return N_(
            "No cleaning up can help: this one tensor is larger than the device. Use at most {share} of the "
            "batch at a time, "
            "or a smaller size."
        )
    if limit and requested and requested + (facts.get("in_use") or 0) > limit and limit < capacity:
        return N_("Raise the limit (`set_per_process_memory_fraction`), or make the batch smaller.")
    if device == "mps" and capacity and (facts.get("others") or 0) > 0.5 * capacity:
        return N_(
            "More than half is held outside of PyTorch's tensors: restart Python, call `torch.mps.empty_cache()` "
            "between large steps, or make the batch smaller."
        )
    if others and capacity and others > 0.3 * capacity and others >= requested:
        if device == "mps":
            return N_("Close other programs that use the GPU, or make the batch smaller.")
        return N_(
            "Other programs hold {others} of this GPU. Find them with `{tool}` and stop them, or use another GPU."
        )
    if requested and unused >= requested and unused > 0.15 * (facts.get("allocated") or 1):
        if facts.get("cached"):
            return N_(
                "{unused} are reserved but lie in pieces that are too small: fragmentation. Keep tensor sizes equal, "
                "or "
                "call `torch.cuda.empty_cache()` before the large step; newer versions of PyTorch handle this better."
            )
        return N_(
            "{unused} are reserved but lie in pieces that are too small: fragmentation. "
            "Set `{variable}=expandable_segments:True` before the program starts (PyTorch 2.1 and newer), or keep "
            "tensor "
            "sizes equal."
        )
    if free is not None and requested and free >= requested:
        return N_(
            "Look at `{tool}` while it runs, see whether a limit is set for this process, and try a smaller batch."
        )
    if _is_split(facts):
        return N_(
            "Make the batch smaller; if memory lies in pieces, `{variable}=expandable_segments:True` helps, set "
            "before the program starts (PyTorch 2.1 and newer)."
        )
    if free is not None and requested and not facts.get("holders"):
        return N_(
            "Make the batch smaller, run evaluation under `torch.no_grad()`, keep losses with `.item()`, "
            "and `del` what isn't needed any more; 16-bit numbers halve the rest."
        )
    return N_(
        "Make the batch smaller; where no gradient is needed use `torch.no_grad()`, and `del` large tensors after use."
    )


def unallocated(facts: dict[str, Any]) -> int:
    """Bytes that PyTorch has taken from the device and no tensor uses."""
    if facts.get("unused"):
        return int(facts["unused"])
    if facts.get("reserved") and facts.get("allocated"):
        return max(int(facts["reserved"] - facts["allocated"]), 0)
    return 0


def _is_split(facts: dict[str, Any]) -> bool:
    """Whether unused and free bytes are enough together and neither is alone."""
    free, requested, unused = facts.get("free") or 0, facts.get("requested") or 0, unallocated(facts)
    return max(free, unused) < requested <= free + unused and unused > 0.15 * (facts.get("allocated") or 1)


def _is_private(facts: dict[str, Any]) -> bool:
    """Whether what lies in private pools is enough to matter for what was asked."""
    return bool(facts.get("private")) and facts["private"] >= (facts.get("requested") or 0)


def _foreign(facts: dict[str, Any]) -> int:
    """Bytes on the device that this process doesn't hold, as far as the message says."""
    capacity, free = facts.get("capacity"), facts.get("free")
    mine = facts.get("process") or facts.get("reserved") or (facts.get("allocated") or 0) + unallocated(facts)
    is_told = mine or facts.get("reserved") is not None
    left = max(int(capacity - free - mine), 0) if capacity and free is not None and is_told else 0
    others = facts.get("other_processes")
    if not others:
        # What CUDA itself takes for a program is in no figure of the older messages: some hundred MiB.
        return left if facts.get("process") or (facts.get("reserved") is not None and left >= _OWN_OF_CUDA) else 0
    if facts.get("process") or not capacity:
        return int(others)
    # In a container a program sees itself as another process: no more can be foreign than what it doesn't hold itself.
    return min(int(others), left)


@diagnosis(
    "GL501",
    Severity.ERROR,
    kinds=("out_of_memory",),
    title=N_("{device} has no room for {requested} more"),
    what=N_(
        "{who} asks for {requested}, but {device} has {capacity}, of which tensors of this program hold "
        "{in_use} and {free} are free."
    ),
    why=N_(
        "Every tensor that is still needed keeps its bytes; while a graph is recorded, so does everything that "
        "backward needs."
    ),
    fix=N_("Make the batch smaller."),
    example={"device": "cuda:0", "requested": 4 * 2**30, "capacity": 8 * 2**30, "in_use": 6 * 2**30, "free": 2 * 2**30},
    program="""import torch
batch = 1000000
x = torch.zeros(batch, 4096, device="cuda")
print(x.shape)
""",
    mended="""import torch
batch = 1000
x = torch.zeros(batch, 4096, device="cuda")
print(x.shape)
""",
)
def out_of_memory(case: Case) -> Found | None:
    """A device (or the machine) could not give a tensor its bytes."""
    facts = dict(case.facts)
    device = str(facts.get("device") or "cuda")
    is_cpu = device.startswith("cpu")
    capacity, in_use, free = facts.get("capacity"), facts.get("in_use"), facts.get("free")
    requested = facts.get("requested")
    found = Found({"device": _("the memory of this computer") if is_cpu else words.code(device)})
    held = holders(case, device, int(in_use)) if in_use else []
    facts["holders"] = [[name_of(case.trace, t.id), t.n_bytes] for t in held[:5] if case.trace]
    found.facts["holders"] = facts["holders"]
    said = {
        "requested": words.n_bytes(requested) if requested else _("more memory"),
        "capacity": words.n_bytes(capacity) if capacity else "",
        "in_use": words.n_bytes(in_use) if in_use is not None else "",
        "free": words.n_bytes(free) if free is not None else "",
        "others": words.n_bytes(_foreign(facts)),
        "unused": words.n_bytes(unallocated(facts)),
        "private": words.n_bytes(facts.get("private") or 0),
        "rest": words.n_bytes(facts.get("others") or 0),
        "count": words.number((requested or 0) // 4),
        "variable": str(facts.get("variable") or "PYTORCH_CUDA_ALLOC_CONF"),
        "tool": {"HIP": "rocm-smi", "XPU": "xpu-smi"}.get(str(facts.get("backend")), "nvidia-smi"),
        "share": words.percent(capacity, requested) if capacity and requested else "",
        "who": _who(case),
    }
    found.words.update(said)
    if not requested:
        found.title = N_("{device} is full")
        found.what = N_("{device} could not give {who} the memory it asked for; the message doesn't say how much.")
    elif not capacity:
        found.what = N_("{who} asks for {requested}, which {device} can't give.")
    elif in_use is not None and free is None and facts.get("others"):
        found.what = N_(
            "{who} asks for {requested}. {device} may use {capacity}; tensors of this program hold {in_use}, and "
            "{rest} "
            "are held by other things."
        )
    elif in_use is not None and free is None:
        found.what = N_(
            "{who} asks for {requested}, but {device} has {capacity}, of which tensors of this program hold {in_use}."
        )
    elif in_use is None or free is None:
        found.what = N_("{who} asks for {requested} on {device}, which has {capacity} in all.")
    elif _foreign(facts) > 0.3 * capacity:
        found.what = N_(
            "{who} asks for {requested}. {device} has {capacity}, but {others} were taken by other programs; "
            "this one holds {in_use}."
        )
    if _is_private(facts):
        found.why = N_(
            "{private} lie in private pools, as CUDA graphs have them: only the graph that made a pool can use it "
            "again."
        )
    found.fix = _advice(facts)
    if capacity and in_use and in_use > capacity:
        found.what = N_(
            "{who} asks for {requested}. {device} has {capacity}, and tensors of this program hold {in_use}: more than "
            "that, since the driver lends it memory of the computer, which is slow."
        )
    elif facts.get("limit") and capacity and facts["limit"] < capacity:
        found.words["limit"] = words.n_bytes(facts["limit"])
        found.what = N_(
            "{who} asks for {requested}. {device} has {capacity}, but this process may use {limit} of it; tensors of "
            "this program hold {in_use}."
        )
    elif free is not None and requested and free >= requested:
        found.why = N_(
            "The message reports more free memory than was asked for. It may lie in pieces, the driver may keep a part "
            "of it, or it was freed after the failure: the figures don't tell which."
        )
    elif _is_split(facts) and not _is_private(facts):
        found.why = N_(
            "{unused} are reserved and unused, and {free} are free: enough together, but one tensor needs one piece."
        )
    elif _is_private(facts):
        pass
    elif unallocated(facts) and unallocated(facts) >= (requested or 0) and "{unused}" not in found.fix:
        found.why = N_(
            "{unused} are reserved and unused, in pieces; against {in_use} in use that is little, so what is in use "
            "decides."
        )
    elif unallocated(facts) and "{unused}" not in found.fix:
        found.why = N_(
            "Every tensor that is still needed keeps its bytes, and so does what backward needs. Only {unused} are "
            "reserved and unused, so fragmentation is not the cause."
        )
    # Those that hold at least a tenth of it tell something, at most three of them.
    largest = [t for t in held[:3] if t.n_bytes * 10 >= (in_use or 0)]
    if largest and case.trace is not None:
        trace = case.trace
        found.words["named"] = words.listing(
            f"{words.code(t.name) if t.name else name_of(trace, t.id)} ({words.n_bytes(t.n_bytes)})" for t in largest
        )
        found.why = N_(
            "Most of it is held by {named}. A tensor keeps its bytes as long as a name or the recorded graph "
            "refers to it."
        )
    for fix in (_batch_fix(case, facts), _half_fix(case)):
        if fix is not None:
            found.fixes.append(fix)
    if found.fixes and found.fixes[0].edits and "{" not in found.fixes[0].title:
        found.words["first"] = found.fixes[0].title
        if not (capacity and requested and requested > capacity):
            found.fix = N_(
                "{first}. Where no gradient is needed, `torch.no_grad()` keeps less; `del` frees what is not "
                "used any more."
            )
        else:
            found.fix = N_("{first}. No cleaning up alone can help: this one tensor is larger than the device.")
    return found


def _who(case: Case) -> str:
    node = case.expression
    if node is not None:
        text = case.source.text_of(node)
        if "\n" not in text and len(text) <= 60:
            return words.code(text)
    return words.code(case.op) if case.op else _("the program")
