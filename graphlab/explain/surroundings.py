"""What surrounds a training program: checkpoint files, packages that must fit, ranks, compilers, mixed precision.

Like machine.py, all of it is told of messages that are pasted."""

from __future__ import annotations

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.messages import named, wording
from graphlab.i18n import N_, _

wording(
    "checkpoint_file",
    r"UnpicklingError: invalid load key, '(?P<key>[^']{1,12})'",
    lambda g: {"reason": "key", "key": g["key"]},
)
wording("checkpoint_file", r"Invalid magic number; corrupt file", lambda g: {"reason": "magic"})
wording("checkpoint_file", r"PytorchStreamReader failed (?P<doing>[\w ]{1,80})", named("doing"))
wording("checkpoint_file", r"unexpected EOF, expected (?P<n>\d{1,20}) more bytes", lambda g: {"n": int(g["n"])})
wording("checkpoint_file", r"EOFError: Ran out of input", lambda g: {"reason": "empty"})
wording(
    "checkpoint_file",
    r"Attempted to read a PyTorch file with version (?P<have>\d{1,9}), but the maximum supported version for reading "
    r"is (?P<most>\d{1,9})",
    lambda g: {"reason": "version", "have": int(g["have"]), "most": int(g["most"])},
)
wording(
    "packages", r"operator (?P<name>torch(?:vision|audio|text)::\w{1,40}) does not exist", lambda g: {"name": g["name"]}
)
wording("packages", r"No such operator (?P<name>torch(?:vision|audio|text)::\w{1,40})", named("name"))
wording("packages", r"Could not run '(?P<name>torch(?:vision|audio|text)::\w{1,40})' with arguments", named("name"))
wording("packages", r"Couldn't load custom C\+\+ ops", lambda g: {"name": "torchvision"})
wording("packages", r"package (?P<absent>flash_attn) seems to be not installed", named("absent"))
wording("packages", r"(?P<library>lib[\w-]{1,40}\.so[\d.]{0,12}): cannot open shared object file", named("library"))
wording("packages", r"[Ee]rror loading \"(?P<library>[^\"]{1,300}\.dll)\"", named("library"))
wording("packages", r"(?<![\w./-])(?P<library>[\w./-]{1,200}\.so[\d.]{0,12}): undefined symbol", named("library"))
wording(
    "packages",
    r"cuDNN version incompatibility: PyTorch was compiled ?against \((?P<a>[\d, ]{1,20})\) but found runtime version "
    r"\((?P<b>[\d, ]{1,20})\)",
    lambda g: {"built": g["a"].replace(", ", "."), "found": g["b"].replace(", ", ".")},
)
wording("packages", r"CUDA Setup failed despite GPU being available", lambda g: {"library": "bitsandbytes"})
wording("packages", r"Numpy is not available", lambda g: {"library": "NumPy"})
wording("packages", r"Cannot find a working triton installation", lambda g: {"absent": "triton"})
wording(
    "packages",
    r"ImportError: cannot import name '(?P<member>\w{1,60})' from '(?P<package>(?:triton|torch|torchvision|"
    r"torchaudio|transformers|numpy|huggingface_hub|accelerate|diffusers)[\w.]{0,80})'",
    named("member", "package"),
)
wording(
    "unused_parameters",
    r"Expected to have finished reduction in the prior iteration before starting a new one(?:.{0,1200}?did not "
    r"receive grad for rank (?P<rank>\d+): (?P<indices>[\d ]{1,200}))?",
    lambda g: {k: v.strip() for k, v in g.items() if v},
)
wording("ready_twice", r"Expected to mark a variable ready only once")
wording("rank_setup", r"Default process group has not been initialized", lambda g: {"reason": "missing"})
wording(
    "rank_setup",
    r"failed to bind to \S{0,60}?:(?P<port>\d{1,5})\D.{0,80}?Address already in use",
    lambda g: {"reason": "port", "port": g["port"]},
)
wording("rank_setup", r"Address already in use", lambda g: {"reason": "port"})
wording("rank_setup", r"ChildFailedError", lambda g: {"reason": "child"})
wording("compile_failed", r"torch\._dynamo\.exc\.Unsupported: (?P<said>.{1,160})", named("said"))
wording("file_handles", r"received 0 items of ancdata")
wording("file_handles", r"OSError: \[Errno 24\] Too many open files")
wording("shared_memory", r"unable to (?:open|allocate|mmap|resize|write to)[\w ]{0,30} </?torch_")
wording("shared_memory", r"unable to write to file </?torch_")
wording("worker_slow", r"DataLoader timed out after (?P<seconds>[\d.]{1,12}) seconds", named("seconds"))
wording("grad_scaler", r"No inf checks were recorded", lambda g: {"reason": "none"})
wording("grad_scaler", r"Attempting to unscale FP16 gradients", lambda g: {"reason": "half"})
wording(
    "grad_scaler",
    r"unscale_\(\) (?:has already been called on this optimizer|is being called after step\(\))",
    lambda g: {"reason": "twice"},
)
wording(
    "autocast_unsafe",
    r"binary_cross_entropy and torch\.nn\.BCELoss are unsafe to autocast",
)
wording(
    "not_pickled", r"TypeError: (?:cannot pickle '?|can't pickle )(?P<name>[\w.]{1,80})'?(?: objects?)?", named("name")
)
wording("not_pickled", r"(?P<name>h5py|lmdb) objects cannot be pickled", named("name"))
wording("negative_stride", r"At least one stride in the given numpy array is negative")
wording("resize_storage", r"Trying to resize storage that is not resizable")


@diagnosis(
    "GL854",
    Severity.ERROR,
    kinds=("checkpoint_file",),
    title=N_("The file isn't a checkpoint that this PyTorch can read"),
    what=N_("`torch.load` found something else than a saved checkpoint at the place where one begins."),
    why=N_("A checkpoint is an archive; a download that broke off, or a web page saved in its place, is not."),
    fix=N_("Look at the file's size and its first bytes, and download or save it once more."),
    example={"reason": "magic"},
    program="""raise RuntimeError("Invalid magic number; corrupt file?")
""",
    mended="""import torch
print(list(torch.nn.Linear(2, 1).state_dict()))
""",
)
def checkpoint_file(case: Case) -> Found | None:
    """A broken, foreign or newer checkpoint."""
    facts = case.facts
    found = Found({"key": words.code(str(facts.get("key") or "")), "n": words.number(int(facts.get("n") or 0))})
    if facts.get("key") in ("<", "v"):
        found.what = N_("The file begins with {key}, so it is text and not a checkpoint.")
        found.why = N_("A web page begins with `<`, and the stand-in that Git LFS leaves begins with `version`.")
        found.fix = N_("Open it as text to see what it is; then download the real file, or run `git lfs pull`.")
    elif facts.get("doing"):
        found.words["doing"] = str(facts["doing"]).strip()
        found.what = N_("The archive of the checkpoint is damaged or not complete: {doing} failed.")
    elif facts.get("reason") == "empty":
        found.what = N_("The file is empty, or ends where something should follow.")
    elif facts.get("key"):
        found.what = N_("The file begins with {key}, and no checkpoint does.")
    elif facts.get("n"):
        found.what = N_("The file ends too early: {n} more bytes belong to it.")
    elif facts.get("reason") == "version":
        found.words.update(have=facts["have"], most=facts["most"])
        found.what = N_("The file has format {have}; this PyTorch reads formats up to {most}.")
        found.why = N_("It was saved by a newer PyTorch than the one that reads it.")
        found.fix = N_("Update PyTorch.")
    return found


@diagnosis(
    "GL855",
    Severity.ERROR,
    kinds=("packages",),
    title=N_("Installed packages don't fit together"),
    what=N_("{name} belongs to a package that was built for another PyTorch than the one that is installed."),
    why=N_("Packages with compiled parts work only with the versions that they were built for."),
    fix=N_("Install both again in one go, from the same source: `pip install --force-reinstall torch torchvision`."),
    example={"name": "torchvision::nms"},
    program="""raise RuntimeError("operator torchvision::nms does not exist")
""",
    mended="""import torch
print(torch.__version__)
""",
)
def packages(case: Case) -> Found | None:
    """Compiled packages that are missing or of another version."""
    facts = case.facts
    found = Found({"name": words.code(str(facts.get("name") or ""))})
    if facts.get("absent"):
        found.title = N_("The package {absent} is missing")
        found.words["absent"] = words.code(str(facts["absent"]))
        found.what = N_("The program asks for {absent}, which isn't installed, or not for this system.")
        found.fix = N_("Install {absent}, or choose the setting that does without it.")
    elif facts.get("library"):
        found.title = N_("{library} can't be used")
        found.words["library"] = words.code(str(facts["library"]))
        found.what = N_("The compiled library {library} could not be loaded, or doesn't fit the others.")
        found.fix = N_(
            "Compare the versions (`pip list`, `python -m torch.utils.collect_env`), and install the package again "
            "for this PyTorch and this CUDA."
        )
    elif facts.get("built"):
        found.words.update(built=facts["built"], found=facts["found"])
        found.what = N_("PyTorch was built for cuDNN {built}, and cuDNN {found} was loaded.")
        found.fix = N_("Take the other cuDNN out of `LD_LIBRARY_PATH`: PyTorch brings its own.")
    elif facts.get("member"):
        found.words.update(member=words.code(str(facts["member"])), package=words.code(str(facts["package"])))
        found.what = N_("{package} has no {member} in the version that is installed.")
        found.fix = N_("Install the versions that the program names in its requirements.")
    return found


@diagnosis(
    "GL856",
    Severity.ERROR,
    kinds=("unused_parameters", "ready_twice"),
    title=N_("Parameters got no gradient, and the ranks wait for it"),
    what=N_("In the step before, some parameters of the model took no part in the loss{which}."),
    why=N_("`DistributedDataParallel` averages the gradient of every parameter over the ranks, so it waits for all."),
    fix=N_(
        "Remove the layers that `forward` doesn't use, or pass `find_unused_parameters=True`; "
        "`TORCH_DISTRIBUTED_DEBUG=DETAIL` prints their names."
    ),
    example={"rank": "0", "indices": "12 13"},
    program="""raise RuntimeError("Expected to have finished reduction in the prior iteration before starting a new "
    "one.")
""",
    mended="""import torch
model = torch.nn.Linear(2, 1)
model(torch.ones(1, 2)).sum().backward()
print([p.grad is not None for p in model.parameters()])
""",
)
def unused_parameters(case: Case) -> Found | None:
    """DDP's two complaints about parameters: none or two gradients."""
    indices = str(case.facts.get("indices") or "").split()
    found = Found({"which": ""})
    if indices:
        found.words["which"] = _(": numbers {indices} of `model.parameters()`, on rank {rank}").format(
            indices=words.listing(indices[:8]) + ("…" if len(indices) > 8 else ""), rank=case.facts.get("rank", "")
        )
    if case.kind == "ready_twice":
        found.title = N_("A parameter got its gradient twice in one step")
        found.what = N_(
            "`DistributedDataParallel` was told twice in one step that the gradient of a parameter is there."
        )
        found.why = N_("It counts on one gradient for each parameter; checkpointing or a second use of it gives two.")
        found.fix = N_(
            "With `checkpoint` pass `use_reentrant=False`; call the model once in a step, and leave out "
            "`find_unused_parameters=True` if all are used."
        )
    return found


@diagnosis(
    "GL857",
    Severity.ERROR,
    kinds=("rank_setup",),
    title=N_("The ranks of a distributed run didn't come together"),
    what=N_("A distributed function was called before `init_process_group`."),
    why=N_("Ranks find each other through an address and a port, and only then can they exchange tensors."),
    fix=N_("Start the program with `torchrun`, and call `torch.distributed.init_process_group(…)` first."),
    example={"reason": "missing"},
    program="""raise RuntimeError("Default process group has not been initialized")
""",
    mended="""print("one rank needs no group")
""",
)
def rank_setup(case: Case) -> Found | None:
    """No process group, a port in use, a rank that failed."""
    found = Found({"port": str(case.facts.get("port") or "")})
    if case.facts.get("reason") == "port":
        found.what = N_("The port of the run is taken by another program.")
        if case.facts.get("port"):
            found.what = N_("The port {port} of the run is taken by another program.")
        found.fix = N_("End what is left of an earlier run, or choose another port: `torchrun --master_port=29501 …`.")
    elif case.facts.get("reason") == "connect":
        found.words.update(seconds=case.facts["seconds"], address=words.code(str(case.facts["address"])))
        found.what = N_("A rank waited {seconds} seconds for the one at {address}, and got no answer.")
        found.fix = N_(
            "See that the first rank runs and has not failed, that all ranks are given its address and port, and that "
            "no firewall stands between them."
        )
    elif case.facts.get("reason") == "variable":
        found.words["name"] = words.code(str(case.facts["name"]))
        found.what = N_("The environment variable {name} isn't set, and a rank reads from it who it is.")
        found.fix = N_(
            "Start the program with `torchrun`, which sets `RANK`, `WORLD_SIZE`, `MASTER_ADDR` and the rest."
        )
    elif case.facts.get("reason") == "child":
        found.what = N_("A rank ended with an error; this message only reports that, and doesn't say which error.")
        found.fix = N_("Look further up for the traceback of that rank.")
    return found


@diagnosis(
    "GL858",
    Severity.ERROR,
    kinds=("compile_failed",),
    title=N_("`torch.compile` can't translate a part of the program"),
    what=N_("It stopped at this: {said}"),
    why=N_("`torch.compile` follows the Python code, and not everything in Python can be put into one graph."),
    fix=N_("Run it once without `torch.compile`; with `fullgraph=False` such parts are left to Python."),
    example={"said": "call_function BuiltinVariable(print)"},
    program="""raise RuntimeError("torch._dynamo.exc.Unsupported: call_function BuiltinVariable(print)")
""",
    mended="""import torch
print(torch.ones(2).sum())
""",
)
def compile_failed(case: Case) -> Found | None:
    """What dynamo refuses."""
    return Found({"said": words.code(str(case.facts.get("said") or "").split(" from user code")[0].strip())})


@diagnosis(
    "GL859",
    Severity.ERROR,
    kinds=("file_handles", "shared_memory", "worker_slow"),
    title=N_("The workers of the data loader reached a limit of the system"),
    what=N_("More files are open than the system allows: each tensor that a worker hands over keeps one open."),
    why=N_("Workers hand tensors over through shared memory, which the system limits in size and in number."),
    fix=N_(
        "Copy what you keep (`.clone()`, `.item()`), call `torch.multiprocessing.set_sharing_strategy"
        '("file_system")`, or raise the limit with `ulimit -n 65536`.'
    ),
    example={},
    program="""raise RuntimeError("received 0 items of ancdata")
""",
    mended="""from torch.utils.data import DataLoader
for x in DataLoader([1.0, 2.0], num_workers=0):
    print(x)
""",
)
def worker_limits(case: Case) -> Found | None:
    """File handles, shared memory, waiting."""
    found = Found({"seconds": str(case.facts.get("seconds") or "")})
    if case.kind == "shared_memory":
        found.what = N_("A tensor could not be put into shared memory; the message doesn't say why.")
        found.fix = N_(
            "See whether `/dev/shm` is full (`df -h /dev/shm`) and how many files may be open (`ulimit -n`); in a "
            "container give it more with `--shm-size=8g`, or set `num_workers=0`."
        )
    elif case.kind == "worker_slow":
        found.title = N_("A worker of the data loader took too long")
        found.what = N_("No batch came from the workers for {seconds} seconds, the `timeout` of the DataLoader.")
        found.why = N_("Loading one batch takes longer than that, or a worker hangs.")
        found.fix = N_("Set `num_workers=0` to see how long one batch takes, and raise `timeout` if it is slow only.")
    return found


@diagnosis(
    "GL860",
    Severity.ERROR,
    kinds=("grad_scaler", "autocast_unsafe"),
    title=N_("The gradient scaler was used out of order"),
    what=N_("The scaler was to step an optimizer none of whose parameters has a gradient."),
    why=N_(
        "`GradScaler` looks at the gradients for inf and NaN before a step; without one there is nothing to look at."
    ),
    fix=N_(
        "See that the loss depends on the parameters of this optimizer, that `scaler.scale(loss).backward()` was "
        "called, and that the model was moved before the optimizer was made."
    ),
    example={"reason": "none"},
    program="""raise RuntimeError("No inf checks were recorded for this optimizer.")
""",
    mended="""import torch
w = torch.ones(1, requires_grad=True)
(w * 2).sum().backward()
print(w.grad)
""",
)
def grad_scaler(case: Case) -> Found | None:
    """Mixed precision: scaler and autocast."""
    found = Found({})
    reason = case.facts.get("reason")
    if case.kind == "autocast_unsafe":
        found.title = N_("`BCELoss` can't be used under autocast")
        found.what = N_("Under autocast the probabilities are 16-bit numbers, and `BCELoss` takes their logarithm.")
        found.why = N_("Near 0 and 1 a 16-bit probability rounds to 0 or 1, whose logarithm is not finite.")
        found.fix = N_("Leave the sigmoid out and use `BCEWithLogitsLoss`, or put the loss outside of autocast.")
    elif reason == "half":
        found.title = N_("The parameters themselves are 16-bit numbers")
        found.what = N_("The scaler was given gradients in float16, so the parameters are float16, too.")
        found.why = N_("Mixed precision keeps the parameters in float32, and autocast computes in 16 bits.")
        found.fix = N_("Take out `model.half()` or `torch_dtype=torch.float16`, and leave the rest to autocast.")
    elif reason == "twice":
        found.what = N_("`scaler.unscale_` was called a second time for the same optimizer before `scaler.update()`.")
        found.why = N_("Each call divides the gradients by the scale, so a second one would make them wrong.")
        found.fix = N_("Call `unscale_` once, just before clipping, and `scaler.update()` at the end of each step.")
    return found


@diagnosis(
    "GL861",
    Severity.ERROR,
    kinds=("not_pickled",),
    title=N_("{name} can't be handed to a worker"),
    what=N_("The data set holds {name}, which can't be copied into another process."),
    why=N_("An open file, a lock or a connection belongs to the process that made it."),
    fix=N_("Open it in `__getitem__` at the first use, so that each worker has its own; or set `num_workers=0`."),
    example={"name": "h5py"},
    program="""raise TypeError("h5py objects cannot be pickled")
""",
    mended="""print("opened where it is used")
""",
)
def not_pickled(case: Case) -> Found | None:
    """Open files and locks in a data set."""
    return Found({"name": words.code(str(case.facts.get("name") or ""))})


@diagnosis(
    "GL862",
    Severity.ERROR,
    kinds=("negative_stride", "resize_storage"),
    title=N_("The memory of an array can't be shared as it is"),
    what=N_("The NumPy array runs backwards along an axis, as after `[::-1]` or `np.flip`, and tensors can't."),
    why=N_("A tensor made from an array uses the array's memory instead of copying it."),
    fix=N_("Copy it first: `torch.from_numpy(x.copy())`."),
    example={},
    program="""raise ValueError("At least one stride in the given numpy array is negative")
""",
    mended="""import torch
print(torch.tensor([3, 2, 1]).flip(0))
""",
)
def unshareable(case: Case) -> Found | None:
    """Arrays that run backwards, and batches of memory that is borrowed."""
    found = Found({})
    if case.kind == "resize_storage":
        found.title = N_("The samples of a batch can't be put together in the workers' memory")
        found.what = N_("A worker could not put the samples into one tensor; most often their shapes differ.")
        found.why = N_("Workers stack into memory that is reserved for equal shapes; arrays may also own theirs.")
        found.fix = N_("Print the shape of each sample with `num_workers=0`, and return copies: `torch.tensor(x)`.")
    return found
