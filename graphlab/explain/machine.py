"""What fails around a program rather than in it: the GPU and its libraries, worker processes, other ranks, files.

None of it happens in GraphLab; it is told of messages that are pasted."""

from __future__ import annotations

import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.messages import named, wording
from graphlab.i18n import N_, _

# An assertion of a kernel says more than the error that follows it, so it is read first where both are there.
wording(
    "device_assert",
    r"(?:indexSelect\w{0,20}Index|Indexing\.cu|IndexKernel\.cu|ScatterGatherKernel\.cu)[^`]{0,200}"
    r"Assertion `(?P<assertion>[^`]{1,120})` failed",
    named("assertion"),
)
wording("device_assert", r"CUDA error: device-side assert triggered")
wording("device_assert", r"HIP error: device-side assert triggered")
wording(
    "gpu_library",
    r"\b(?P<status>(?:CUBLAS|CUDNN|CUSOLVER|CUSPARSE|CUFFT|HIPBLAS|ROCBLAS|MIOPEN)_STATUS_\w{1,50}|"
    r"miopenStatus\w{1,40})(?: when calling `(?P<call>\w{1,60}))?",
    lambda g: {k: v for k, v in g.items() if v},
)
wording("gpu_library", r"Unable to find a valid cuDNN algorithm to run convolution", lambda g: {"status": "cuDNN"})
wording("gpu_library", r"was unable to find an engine to execute this computation", lambda g: {"status": "cuDNN"})
wording(
    "gpu_library",
    r"CUDA error: (?P<status>an illegal memory access was encountered|unspecified launch failure|misaligned address)",
    named("status"),
)
wording("gpu_absent", r"Found no NVIDIA driver on your system", lambda g: {"reason": "driver"})
wording("gpu_absent", r"The NVIDIA driver on your system is too old", lambda g: {"reason": "old"})
wording("gpu_absent", r"no kernel image is available for execution on the device", lambda g: {"reason": "kernel"})
wording("gpu_absent", r"CUDA error: invalid device ordinal", lambda g: {"reason": "ordinal"})
wording("gpu_absent", r"Attempting to deserialize object on a CUDA device", lambda g: {"reason": "load"})
wording(
    "gpu_absent",
    r"Attempting to deserialize object on CUDA device (?P<saved>\d{1,4}) but torch\.cuda\.device_count\(\) is "
    r"(?P<count>\d{1,4})",
    lambda g: {"reason": "load", "saved": int(g["saved"]), "count": int(g["count"])},
)
wording(
    "worker_died",
    r"DataLoader worker \(pid(?:\(s\))? (?P<pids>[\d, ]{1,200})\) (?:is killed by signal: (?P<signal>[A-Z][\w ]{1,40})|"
    r"exited unexpectedly)",
    lambda g: {k: v for k, v in g.items() if v},
)
wording(
    "worker_died",
    r"Unexpected bus error encountered in worker(?:.{0,300}?DataLoader worker \(pid(?:\(s\))? "
    r"(?P<pids>[\d, ]{1,60})\))?",
    lambda g: {"signal": "Bus error", **({"pids": g["pids"]} if g["pids"] else {})},
)
wording("main_guard", r"start a new process before the current process has finished its bootstrapping phase")
wording("fork", r"Cannot re-initialize CUDA in forked subprocess")
wording(
    "distributed",
    r"NCCL (?:error|WARN)[^\n]{0,200}?(?P<reason>unhandled system error|unhandled cuda error|invalid usage|"
    r"remote process exited|internal error)(?P<rest>.{0,900})",
    lambda g: {"reason": g["reason"], **_last_error(g["rest"])},
)
wording(
    "distributed",
    r"OpType=(?P<op>\w{1,30})[^()]{0,120}Timeout\(ms\)=(?P<limit>\d{1,12})\) ran for (?P<ran>\d{1,12}) milliseconds",
    lambda g: {"op": g["op"], "limit": int(g["limit"]), "ran": int(g["ran"])},
)
wording("pickle_local", r"[Cc]an't (?:pickle|get) local object '?(?P<name>[\w.<>]{1,120})", named("name"))
wording(
    "half_unsupported",
    r"\"(?P<kernel>\w{1,80})\" not implemented for '(?P<dtype>Half|BFloat16)'",
    named("kernel", "dtype"),
)
wording(
    "nan_in_backward",
    r"Function '(?P<function>\w{1,60})' returned nan values in its (?P<nth>\d{1,3})\w\w output",
    lambda g: {"op": words.operator(g["function"]), "nth": int(g["nth"])},
)
wording("weights_only", r"Weights only load failed(?P<rest>.{0,3000})", lambda g: _refused_global(g["rest"]))


def _last_error(rest: str) -> dict[str, str]:
    """What NCCL itself says at the end of its message."""
    found = re.search(r"Last error: (?P<last>[^\[]{1,160}?)(?= Traceback| \[| Exception|$)", rest)
    return {"last": found.group("last").strip()} if found is not None else {}


def _refused_global(rest: str) -> dict[str, str]:
    """The class or function of the file that isn't on the list of allowed ones."""
    found = re.search(
        r"(?:Unsupported (?:global: GLOBAL|class)|add_safe_globals\(\[) ?(?P<name>[A-Za-z_][\w.]{0,200})", rest
    )
    return {"global": found.group("name").rstrip(".")} if found is not None else {}


@diagnosis(
    "GL209",
    Severity.ERROR,
    kinds=("half_unsupported",),
    title=N_("`{kernel}` can't compute with {dtype} on this device"),
    what=N_("A tensor holds {dtype} numbers, and for `{kernel}` there is no way to compute with them on this device."),
    why=N_("16-bit numbers are made for GPUs; on the CPU many operators, above all of older versions, lack them."),
    fix=N_("Compute in float32 on the CPU: `model.float()` and `x.float()`; or move both to the GPU."),
    example={"kernel": "addmm_impl_cpu_", "dtype": "Half"},
    program="""raise RuntimeError("\\"addmm_impl_cpu_\\" not implemented for 'Half'")
""",
    mended="""import torch
x = torch.ones(2, 3).half().float()
print(x @ torch.ones(3, 2))
""",
)
def half_unsupported(case: Case) -> Found | None:
    """A kernel that 16-bit numbers don't have."""
    dtype = {"Half": "float16", "BFloat16": "bfloat16"}.get(str(case.facts.get("dtype")), "float16")
    return Found({"kernel": case.facts.get("kernel", ""), "dtype": words.code(dtype)}, {"dtype": dtype})


@diagnosis(
    "GL210",
    Severity.ERROR,
    kinds=("device_assert",),
    title=N_("A check on the GPU failed: most often an index is out of range"),
    what=N_("A kernel on the GPU stopped at a check of its own; the message doesn't say what the check was."),
    why=N_(
        "The GPU works on while Python goes ahead, so the line in the traceback may stand far behind the one that "
        "caused it, and after such an error every further step on the GPU fails."
    ),
    fix=N_(
        "Run it again on the CPU, or with `CUDA_LAUNCH_BLOCKING=1`, to see the real line; then check class numbers "
        "against the number of classes, and tokens against `num_embeddings`."
    ),
    example={"assertion": "srcIndex < srcSelectDimSize"},
    program="""raise RuntimeError("CUDA error: device-side assert triggered")
""",
    mended="""import torch
table = torch.nn.Embedding(10, 4)
print(table(torch.tensor([1, 9])).shape)
""",
)
def device_assert(case: Case) -> Found | None:
    """An assertion inside a kernel."""
    assertion = str(case.facts.get("assertion") or "")
    found = Found({"assertion": assertion})
    if assertion:
        found.title = N_("On the GPU an index is out of range")
        found.what = N_(
            "A kernel on the GPU stopped because `{assertion}` doesn't hold: an index is too large or negative."
        )
        if "srcSelectDimSize" in assertion:
            found.fix = N_(
                "Print `x.min()` and `x.max()` of what goes into the embedding or the index: they must lie between 0 "
                "and the number of rows − 1. Start Python anew before the next try."
            )
    return found


@diagnosis(
    "GL211",
    Severity.ERROR,
    kinds=("gpu_library",),
    title=N_("A library of the GPU failed: {status}"),
    what=N_("{call} gave up with {status}."),
    why=N_("The message comes from below PyTorch and names no tensor, so it can't be said for certain what was wrong."),
    fix=N_(
        "Run it again on the CPU, or with `CUDA_LAUNCH_BLOCKING=1`: a wrong shape or an index out of range is named "
        "there. If it works on the CPU, try a smaller batch, and see whether driver, CUDA and PyTorch fit together."
    ),
    example={"status": "CUBLAS_STATUS_EXECUTION_FAILED", "call": "cublasSgemm"},
    program="""raise RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`")
""",
    mended="""import torch
print(torch.ones(2, 3) @ torch.ones(3, 2))
""",
)
def gpu_library(case: Case) -> Found | None:
    """cuBLAS, cuDNN and their kin."""
    status = str(case.facts.get("status") or "")
    call = words.code(str(case.facts["call"])) if case.facts.get("call") else _("The library")
    found = Found({"status": words.code(status) if "_" in status else status, "call": call}, {"status": status})
    if status.endswith(("ALLOC_FAILED", "NOT_INITIALIZED")):
        found.what = N_("{call} could not start: {status}.")
        found.why = N_(
            "A library takes memory of the GPU when it starts. Most often there was none left; an index out of range "
            "in an earlier step can show itself here, too."
        )
        found.fix = N_(
            "Look at the GPU's memory with `nvidia-smi` and make the batch smaller; if there is room, run it again on "
            "the CPU to see whether an index is out of range."
        )
    elif status == "cuDNN":
        found.title = N_("No method of cuDNN can compute this convolution")
        found.what = N_("For this convolution cuDNN could not use any of its methods.")
        found.why = N_("Each method needs working memory of its own; most often the GPU had too little left for any.")
        found.fix = N_(
            "Make the batch smaller, or set `torch.backends.cudnn.benchmark = False`; see whether the channels and the "
            "dtype of input and weight fit."
        )
    elif status.endswith("OUT_OF_RESOURCES"):
        found.title = N_("The GPU reports that something ran out: {status}")
        found.what = N_("The driver of the GPU gave up with {status}; which resource it lacked isn't said.")
        found.why = N_("It may be memory, or what a kernel needs besides: registers, local memory, queues.")
        found.fix = N_(
            "Try a smaller batch and close other programs that use the GPU; if that doesn't help, update it."
        )
    elif "_" not in status:
        found.title = N_("A kernel on the GPU failed: {status}")
        found.what = N_("A kernel on the GPU failed: {status}.")
        if not status.startswith(("an illegal", "unspecified", "misaligned")):
            found.title = N_("The GPU reports an error: {status}")
            found.what = N_("The driver of the GPU reports an error: {status}.")
    return found


@diagnosis(
    "GL212",
    Severity.ERROR,
    kinds=("gpu_absent",),
    title=N_("The GPU that was asked for can't be used"),
    what=N_("No NVIDIA driver was found on this computer."),
    why=N_("CUDA needs an NVIDIA GPU, its driver, and a PyTorch that was built for both."),
    fix=N_('Choose the device by what is there: `device = "cuda" if torch.cuda.is_available() else "cpu"`.'),
    example={},
    program="""raise RuntimeError("Found no NVIDIA driver on your system. Please check that you have an NVIDIA GPU")
""",
    mended="""import torch
device = "cuda" if torch.cuda.is_available() else "cpu"
print(torch.zeros(2, device=device).shape)
""",
)
def gpu_absent(case: Case) -> Found | None:
    """No driver, an old one, a GPU that this build doesn't know, a number that isn't there, weights saved on one."""
    reason = case.facts.get("reason")
    found = Found({}, {"reason": reason})
    if reason == "old":
        found.what = N_("The NVIDIA driver is older than this PyTorch needs.")
        found.fix = N_("Update the driver, or install a PyTorch that was built for the older CUDA.")
    elif reason == "kernel":
        found.what = N_("This PyTorch was not built for the generation of this GPU.")
        found.fix = N_(
            "Compare `torch.cuda.get_device_capability()` with `torch.cuda.get_arch_list()`, and install a PyTorch "
            "that holds yours."
        )
        if case.facts.get("capability"):
            found.words["capability"] = words.code(str(case.facts["capability"]))
            found.what = N_("This PyTorch was not built for the generation of this GPU, which is {capability}.")
    elif reason == "ordinal":
        found.what = N_("The program asks for a GPU by a number that this computer doesn't have.")
        found.fix = N_("Print `torch.cuda.device_count()`: numbers go from 0 to one less, and `cuda:0` is the first.")
    elif reason == "load":
        found.what = N_("The file was saved with tensors on a GPU, and here is none.")
        found.why = N_("`torch.load` puts each tensor back to the device that it was saved from.")
        found.fix = N_('Load it to the CPU: `torch.load(path, map_location="cpu")`.')
        if case.facts.get("count") is not None:
            found.words.update(saved=case.facts["saved"], count=case.facts["count"])
            found.what = N_("The file was saved with tensors on `cuda:{saved}`; the number of GPUs here is {count}.")
    elif reason == "build":
        found.what = N_("This PyTorch was built without CUDA, so it knows no GPU.")
        found.fix = N_('Compute on the CPU (`device = "cpu"`), or install a PyTorch that was built with CUDA.')
    elif reason == "busy":
        found.what = N_("The GPU is taken by another program, or can't be used at the moment.")
        found.fix = N_("Look at `nvidia-smi`: another program may use it alone, or the GPU needs a restart.")
    elif reason in ("unknown", "hidden"):
        found.what = N_("CUDA could not be started, or shows no GPU; the message doesn't say why.")
        found.fix = N_(
            "Look at `nvidia-smi` and at `CUDA_VISIBLE_DEVICES`, which must be set before Python starts; a restart "
            "helps after an update of the driver."
        )
        if case.facts.get("said"):
            found.words.update(number=case.facts.get("number", ""), said=case.facts["said"])
            found.what = N_("CUDA could not be started. It gives the error {number}: {said}.")
    return found


@diagnosis(
    "GL603",
    Severity.ERROR,
    kinds=("nan_in_backward",),
    title=N_("The gradient of `{op}` is NaN"),
    what=N_("Going back through `{op}`, the gradient for its input number {nth} (counted from 0) came out NaN."),
    why=N_(
        "A slope can be infinite or undefined where the value is not: that of `sqrt` and of `norm` at 0, of `log` at "
        "0; inf times 0 is NaN."
    ),
    fix=N_("Keep the input of `{op}` away from there: add a small epsilon, or use `clamp(min=1e-8)` before it."),
    example={"op": "sqrt", "nth": 0},
    program="""raise RuntimeError("Function 'SqrtBackward0' returned nan values in its 0th output.")
""",
    mended="""import torch
x = torch.tensor(0.0, requires_grad=True)
torch.sqrt(x + 1e-8).backward()
""",
)
def nan_in_backward(case: Case) -> Found | None:
    """What anomaly detection found."""
    return Found({"op": case.facts.get("op", ""), "nth": case.facts.get("nth", 0)})


@diagnosis(
    "GL818",
    Severity.ERROR,
    kinds=("worker_died",),
    title=N_("A worker of the data loader died"),
    what=N_("{who} ended without an error of its own."),
    why=N_("What went wrong happened in the worker, a process of its own, whose message doesn't reach the program."),
    fix=N_("Set `num_workers=0`: then the data set runs in the program itself, and the real error is shown."),
    example={"pids": "4711"},
    program="""raise RuntimeError("DataLoader worker (pid(s) 4711) exited unexpectedly")
""",
    mended="""from torch.utils.data import DataLoader
for x in DataLoader([1.0, 2.0], num_workers=0):
    print(x)
""",
)
def worker_died(case: Case) -> Found | None:
    """A process that a DataLoader had started and that is gone."""
    pids, signal = str(case.facts.get("pids") or "").strip(), str(case.facts.get("signal") or "").strip()
    who = _("The worker with process number {pids}").format(pids=pids) if pids else _("A worker")
    found = Found({"who": who, "signal": signal})
    if signal == "Bus error":
        found.what = N_("{who} ended with a bus error: the shared memory is too small.")
        found.why = N_("Workers hand batches over in shared memory (`/dev/shm`); containers give only 64 MiB of it.")
        found.fix = N_("Start the container with `--shm-size=8g` or `--ipc=host`, or set `num_workers=0`.")
    elif signal == "Killed":
        found.what = N_("{who} was killed from outside, most often because the computer ran out of memory.")
        found.why = N_("Each worker holds batches ahead and may hold a copy of the data set.")
        found.fix = N_("Use fewer workers or smaller batches, and don't keep the whole data set in Python lists.")
    elif signal:
        found.what = N_("{who} was ended by the signal {signal}.")
    return found


@diagnosis(
    "GL819",
    Severity.ERROR,
    kinds=("main_guard",),
    title=N_("Worker processes are started where the program isn't guarded"),
    what=N_("A new process runs the program from its first line, and there starts processes again."),
    why=N_("On Windows and macOS a worker imports the main file anew; only what stands under the guard is left out."),
    fix=N_('Put what runs into `if __name__ == "__main__":`, or set `num_workers=0`.'),
    example={},
    program="""raise RuntimeError("An attempt has been made to start a new process before the current process has "
    "finished its bootstrapping phase.")
""",
    mended="""from torch.utils.data import DataLoader
if __name__ == "__main__":
    for x in DataLoader([1.0, 2.0]):
        print(x)
""",
)
def main_guard(case: Case) -> Found | None:
    """Processes started without `if __name__ == "__main__"`."""
    return Found({})


@diagnosis(
    "GL820",
    Severity.ERROR,
    kinds=("fork",),
    title=N_("The GPU is used in a forked process"),
    what=N_("The program had used the GPU already when it forked a process that uses it, too."),
    why=N_(
        "What CUDA holds can't be carried over by `fork`; most often a data set puts tensors on the GPU in a worker."
    ),
    fix=N_(
        "Let the data set give tensors on the CPU and move each batch in the training loop; or call "
        '`torch.multiprocessing.set_start_method("spawn")` first.'
    ),
    example={},
    program="""raise RuntimeError("Cannot re-initialize CUDA in forked subprocess. To use CUDA with "
    "multiprocessing, you must use the 'spawn' start method")
""",
    mended="""import torch
for x in torch.zeros(2, 3):
    print(x.to("cpu"))
""",
)
def forked(case: Case) -> Found | None:
    """CUDA after a fork."""
    return Found({})


@diagnosis(
    "GL821",
    Severity.ERROR,
    kinds=("distributed",),
    title=N_("The ranks could not talk to each other"),
    what=N_("NCCL reports: {reason}."),
    why=N_("This is what the other ranks see; the cause is most often in one of them, or in the network between them."),
    fix=N_(
        "Look for the first error among all ranks. If there is none, run again with `NCCL_DEBUG=INFO`, and see whether "
        "every rank uses a GPU of its own."
    ),
    example={"reason": "unhandled system error"},
    program="""raise RuntimeError("NCCL error in: ProcessGroupNCCL.cpp:1333, unhandled system error")
""",
    mended="""print("one rank needs no NCCL")
""",
)
def distributed(case: Case) -> Found | None:
    """NCCL errors and timeouts."""
    facts = case.facts
    found = Found({"reason": facts.get("reason", ""), "last": facts.get("last", "")})
    if facts.get("last"):
        found.what = N_("NCCL reports: {reason}. Its last words are: {last}")
        if "Duplicate GPU" in str(facts["last"]):
            found.why = N_("Two ranks use the same GPU, and NCCL wants one for each.")
            found.fix = N_(
                'Call `torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))` first, and start no more ranks than GPUs.'
            )
    if facts.get("ran"):
        found.words.update(
            op=words.code(str(facts.get("op"))),
            ran=words.number(round(facts["ran"] / 1000)),
            limit=words.number(round(facts.get("limit", 0) / 1000)),
        )
        found.what = N_("{op} waited {ran} seconds for the other ranks; the limit is {limit} seconds.")
        found.why = N_(
            "All ranks must make the same calls in the same order; one that fails or does less is waited for."
        )
        found.fix = N_(
            "Look for the first error among all ranks; see that each of them makes equally many steps, and that no "
            "call "
            "stands under a condition such as `if rank == 0`."
        )
    return found


@diagnosis(
    "GL822",
    Severity.ERROR,
    kinds=("pickle_local",),
    title=N_("{name} can't be handed to another process"),
    what=N_("{name} was made inside a function, so another process or a file can't find it by its name."),
    why=N_("Pickle stores functions and classes by their name in a module; a lambda or a local function has none."),
    fix=N_("Define it with `def` at the top of the file, or set `num_workers=0`."),
    example={"name": "get_loader.<locals>.<lambda>"},
    program="""raise AttributeError("Can't pickle local object 'get_loader.<locals>.<lambda>'")
""",
    mended="""def collate(items):
    return items
print(collate([1]))
""",
)
def pickle_local(case: Case) -> Found | None:
    """A lambda or local function for a worker."""
    return Found({"name": words.code(str(case.facts.get("name") or "lambda"))})


@diagnosis(
    "GL823",
    Severity.ERROR,
    kinds=("weights_only",),
    title=N_("The file holds more than weights, and `torch.load` refuses it"),
    what=N_(
        "Since PyTorch 2.6 `torch.load` reads tensors and plain Python values only, and this file holds other objects."
    ),
    why=N_("Loading arbitrary objects can run any code that somebody put into the file."),
    fix=N_(
        "Save `model.state_dict()` instead of the whole model. For a file that you trust, pass `weights_only=False`."
    ),
    example={},
    program="""raise RuntimeError("Weights only load failed. This file can still be loaded")
""",
    mended="""import torch
print(list(torch.nn.Linear(2, 1).state_dict()))
""",
)
def weights_only(case: Case) -> Found | None:
    """A checkpoint that holds objects."""
    found = Found({})
    if case.facts.get("global"):
        found.words["name"] = str(case.facts["global"])
        found.facts["global"] = case.facts["global"]
        found.what = N_("The file holds a `{name}`, and `torch.load` reads only what is on its list of allowed types.")
        found.fix = N_(
            "For a file that you trust, allow it: `torch.serialization.add_safe_globals([{name}])`, or pass "
            "`weights_only=False`. Better, save `model.state_dict()` instead of the whole model."
        )
    return found
