"""What isn't there when a program asks for it: operators of a device, numbers in a tensor, files, packages, range.

Like surroundings.py, all of it is told of messages that are pasted."""

from __future__ import annotations

import re
from typing import Any

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.messages import Groups, named, shape, wording
from graphlab.i18n import N_, _

_INSTALLED_AS = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "efficientnet_pytorch": "efficientnet-pytorch",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "flash_attn": "flash-attn",
    "git": "GitPython",
    "google.protobuf": "protobuf",
    "mpl_toolkits": "matplotlib",
    "OpenGL": "PyOpenGL",
    "PIL": "pillow",
    "pkg_resources": "setuptools",
    "pytorch_lightning": "pytorch-lightning",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "tensorboardX": "tensorboardX",
    "torch_geometric": "torch-geometric",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
"""Packages that pip knows by another name than `import` does."""

_SAME_NAME = (
    " accelerate albumentations apex bitsandbytes datasets deepspeed diffusers einops gym gymnasium h5py hydra jax "
    "kornia librosa lightning matplotlib mlflow ninja nltk numba numpy omegaconf onnx onnxruntime optuna pandas peft "
    "plotly pycocotools requests safetensors scipy seaborn sentencepiece spacy tabulate tensorboard timm "
    "tokenizers torch torchaudio torchmetrics torchsummary torchtext torchvision tqdm transformers trl wandb "
    "xformers "
)

# devices
wording(
    "device_lacks",
    r"The operator '(?P<name>[\w.:]{1,120})' is not (?:currently|current) (?:implemented|supported) (?:for|on) the "
    r"(?P<device>\w{1,20}) (?:device|backend)",
    named("name", "device"),
)
wording(
    "device_lacks",
    r"Could not run '(?P<name>[\w.:]{1,120})' with arguments from the '(?P<device>\w{1,40})' backend",
    named("name", "device"),
)
wording(
    "device_lacks",
    r"Cannot convert a MPS Tensor to (?P<dtype>float64|\w{1,20}) dtype as the MPS framework doesn't support",
    lambda g: {"device": "MPS", "dtype": g["dtype"]},
)
wording(
    "device_lacks",
    r"Trying to convert (?P<dtype>\w{1,20}) to the MPS backend but it does not have support",
    lambda g: {"device": "MPS", "dtype": g["dtype"].lower()},
)
wording("device_lacks", r"No operator found for `(?P<name>memory_efficient_attention\w{0,20})`", named("name"))
wording(
    "device_lacks",
    r"FlashAttention (?:only )?supports Ampere GPUs or newer|FlashAttention only supports Ampere",
    lambda g: {"name": "FlashAttention", "wanted": "Ampere"},
)
wording("packages", r"for more information on how to install (?P<absent>xformers)", named("absent"))
wording(
    "packages",
    r"(?P<absent>FlashAttention2?|flash[_-]attn|xformers|bitsandbytes) (?:is|are|seems to be) not (?:installed|"
    r"available)",
    named("absent"),
)
wording("meta_tensor", r"Cannot copy out of meta tensor")
wording("meta_tensor", r"Tensor\.item\(\) cannot be called on meta tensors", lambda g: {"op": "item"})
wording(
    "device_mix",
    r"Tensor on device (?P<a>[\w:]{1,20}) is not on the expected device (?P<b>[\w:]{1,20})",
    lambda g: {"devices": [g["a"], g["b"]]},
)

# numbers
wording("numpy_dtype", r"Got unsupported ScalarType (?P<dtype>\w{1,20})", named("dtype"))
wording(
    "value_overflow",
    r"value cannot be converted to type (?P<dtype>[\w:]{1,40}) without overflow(?:: (?P<value>-?[\w.+-]{1,30}))?",
    lambda g: {k: v for k, v in g.items() if v},
)


def _constraint(g: Groups) -> dict[str, Any]:
    rest = g.get("rest") or ""
    found = re.search(r"constraint (\w{1,40})\(([^()]{0,80})\)", rest)
    values = rest.partition("invalid values:")[2]
    return {
        "name": g["name"],
        "distribution": g["distribution"],
        "shape": shape(g["shape"]) if g["shape"] is not None else None,
        "constraint": found.group(1) if found is not None else "",
        "bounds": found.group(2) if found is not None else "",
        "has_nan": bool(re.search(r"\bnan\b", values)),
        "has_inf": bool(re.search(r"\binf\b", values)),
    }


wording(
    "constraint",
    r"Expected parameter (?P<name>\w{1,60}) (?:\(\w{1,20} of shape (?P<shape><SHAPE>)\) )?of distribution "
    r"(?P<distribution>\w{1,60})(?P<rest>.{0,1200})",
    _constraint,
)
wording("constraint", r"The parameter (?P<name>\w{1,60}) has invalid values", named("name"))
wording(
    "support",
    r"Expected value argument \(\w{1,20} of shape (?P<shape><SHAPE>)\) to be within the support "
    r"\((?P<support>[\w() .,=+-]{1,100}?)\) of the distribution (?P<distribution>\w{1,60})",
    lambda g: {"shape": shape(g["shape"]), "support": g["support"], "distribution": g["distribution"]},
)
wording("support", r"The value argument must be within the support")

# optimizers
wording("optimizer_state", r"loaded state dict has a different number of parameter groups", lambda g: {"groups": True})
wording("optimizer_state", r"loaded state dict contains a parameter group that doesn't match the size of optimizer")

# files and packages
wording(
    "file_missing",
    r"FileNotFoundError: \[(?:Errno|WinError) \d{1,5}\] [^:'\"]{1,160}: ['\"](?P<path>[^'\"]{1,300})['\"]",
    named("path"),
)
wording(
    "file_missing",
    r"FileNotFoundError: Couldn't find any class folder in (?P<path>\S{1,300}?)\.(?:\s|$)",
    lambda g: {"path": g["path"], "reason": "folders"},
)
wording(
    "file_missing",
    r"FileNotFoundError: Found no valid file for the classes (?P<classes>.{1,120}?)\. Supported extensions",
    lambda g: {"classes": g["classes"], "reason": "classes"},
)
wording(
    "file_missing",
    r"PermissionError: \[(?:Errno|WinError) \d{1,5}\] [^:'\"]{1,160}: ['\"](?P<path>[^'\"]{1,300})['\"]",
    lambda g: {"path": g["path"], "reason": "denied"},
)
wording(
    "file_missing",
    r"IsADirectoryError: \[Errno \d{1,5}\] [^:'\"]{1,160}: ['\"](?P<path>[^'\"]{1,300})['\"]",
    lambda g: {"path": g["path"], "reason": "folder"},
)
wording(
    "file_missing",
    r"RuntimeError: Parent directory (?P<path>\S{1,300}?) does not exist",
    lambda g: {"path": g["path"], "reason": "parent"},
)
wording(
    "file_missing",
    r"RuntimeError: Dataset not found(?: or corrupted)?\. You can use download=True",
    lambda g: {"reason": "download"},
)
wording(
    "module_missing",
    r"(?:ModuleNotFoundError|ImportError): No module named '?(?P<name>[\w.]{1,120})'?"
    r"(?:; '(?P<parent>[\w.]{1,120})' is not a package)?",
    lambda g: {k: v for k, v in g.items() if v},
)

wording(
    "pickled_class",
    r"Can't get attribute '(?P<name>[\w.]{1,80})' on <module '(?P<module>[\w.]{1,120})'",
    named("name", "module"),
)


@diagnosis(
    "GL863",
    Severity.ERROR,
    kinds=("device_lacks",),
    title=N_("{device} can't do {name}"),
    what=N_("{name} was called with tensors of {device}, and this PyTorch has no code for it there."),
    why=N_("Each device has its own code for each operator, and not every operator was written for every device."),
    fix=N_("Compute this step on the CPU: `x.cpu()` before it, `.to(device)` after it."),
    example={"name": "aten::_fft_r2c", "device": "MPS"},
    program="""raise NotImplementedError("The operator 'aten::_fft_r2c' is not currently implemented for the MPS "
    "device.")
""",
    mended="""import torch
x = torch.ones(4)
print(x.to("cpu").sum())
""",
)
def device_lacks(case: Case) -> Found | None:
    """An operator or a dtype that a device doesn't have."""
    facts = case.facts
    name, device = str(facts.get("name") or ""), str(facts.get("device") or "")
    found = Found(
        {"name": words.code(name), "device": device or _("this GPU")},
        {key: facts[key] for key in ("name", "device", "dtype") if facts.get(key)},
    )
    if facts.get("dtype"):
        found.words["dtype"] = words.code(str(facts["dtype"]))
        found.title = N_("{device} has no {dtype} numbers")
        found.what = N_("A tensor of {dtype} numbers was to be put on {device}, which doesn't know that dtype.")
        found.why = N_(
            "Not every device computes with every dtype: Apple's GPUs have no 64-bit floating point numbers."
        )
        found.fix = N_(
            "Make it float32 before it is moved: `x.float().to(device)`. Tensors from NumPy arrays and pandas are "
            "float64 unless told otherwise."
        )
    elif facts.get("wanted"):
        found.words["wanted"] = str(facts["wanted"])
        found.title = N_("{name} doesn't run on this GPU")
        found.what = N_("{name} needs a GPU of the generation {wanted} or newer, and this one is older.")
        found.why = N_("Its kernels use instructions that older GPUs don't have.")
        found.fix = N_('Choose the attention of PyTorch instead: `attn_implementation="sdpa"` or `"eager"`.')
    elif name.startswith("memory_efficient_attention"):
        found.title = N_("xFormers has no attention that fits these tensors")
        found.what = N_("{name} found no kernel for the device, the dtype and the shapes that it was given.")
        found.why = N_("The lines below the message say for each kernel why it was left out.")
        found.fix = N_(
            "Put model and data on the GPU in float16, see that xFormers was built for this PyTorch and this CUDA "
            "(`python -m xformers.info`), or leave xFormers off."
        )
    elif device.upper() == "MPS":
        found.fix = N_(
            "Set `PYTORCH_ENABLE_MPS_FALLBACK=1` before Python starts: such operators then run on the CPU. A newer "
            "PyTorch may have it, too."
        )
    elif device.startswith(("Sparse", "Quantized", "Meta")):
        found.what = N_("{name} was called with a tensor of the kind {device}, and has no code for that kind.")
        found.why = N_("Sparse, quantized and meta tensors know only some of the operators.")
        found.fix = N_("Turn the tensor into a usual one first: `x.to_dense()` or `x.dequantize()`.")
    return found


@diagnosis(
    "GL864",
    Severity.ERROR,
    kinds=("meta_tensor",),
    title=N_("A tensor on `meta` holds no numbers"),
    what=N_("A tensor was to be copied or read that lies on the device `meta`: it has a shape, and no numbers."),
    why=N_("Models are built on `meta` to save memory; their weights come later, from a file."),
    fix=N_(
        'Load the weights before the model is moved, or build the model without `device="meta"`, `device_map` and '
        "`low_cpu_mem_usage`; `model.to_empty(device=…)` gives room to weights that are loaded afterwards."
    ),
    example={},
    program="""raise NotImplementedError("Cannot copy out of meta tensor; no data!")
""",
    mended="""import torch
print(torch.nn.Linear(2, 1).to("cpu").weight.shape)
""",
)
def meta_tensor(case: Case) -> Found | None:
    """Weights that were never loaded."""
    return Found({})


@diagnosis(
    "GL865",
    Severity.ERROR,
    kinds=("file_missing",),
    title=N_("There is no {path}"),
    what=N_("The program wants to open {path}, and there is no such file or folder."),
    why=N_("A path that begins with neither `/` nor a drive is looked up from the folder where Python was started."),
    fix=N_("Print `os.getcwd()` and `os.listdir()` to see where the program looks, or write the whole path."),
    example={"path": "data/train.csv"},
    program="""raise FileNotFoundError("[Errno 2] No such file or directory: 'data/train.csv'")
""",
    mended="""print("the file is there")
""",
)
def file_missing(case: Case) -> Found | None:
    """Files that aren't there, or can't be opened."""
    path, reason = str(case.facts.get("path") or ""), case.facts.get("reason")
    if not path and not reason:
        return None
    found = Found({"path": words.code(path)}, {"path": path} if path else {})
    if re.match(r"/|~|[A-Za-z]:[\\/]|\\\\", path) and not reason:
        found.why = N_("The path is a whole one, so it is looked up as it stands; each part of it must exist.")
        found.fix = N_(
            "Compare it letter by letter with what is there, capitals too; `~` must go through `expanduser`."
        )
        if not path.startswith("~"):
            found.fix = N_("Compare it letter by letter with what is there: folders, capitals, the ending of the name.")
    elif reason == "folders":
        found.title = N_("{path} has no folders for the classes")
        found.what = N_("`ImageFolder` found no folder inside of {path}.")
        found.why = N_("It takes the name of each folder as a class, and the pictures in it as its samples.")
        found.fix = N_("Give it the folder above those of the classes: `root/cat/1.png`, `root/dog/2.png`.")
    elif reason == "classes":
        found.words["classes"] = words.code(str(case.facts.get("classes")))
        found.title = N_("A class has no pictures")
        found.what = N_("In the folders of {classes} is no file of a kind that can be read.")
        found.why = N_("Each folder stands for a class and must hold at least one picture.")
        found.fix = N_("Look into these folders: hidden ones such as `.ipynb_checkpoints` count as classes, too.")
    elif reason == "denied":
        found.title = N_("{path} may not be opened")
        found.what = N_("The system doesn't let the program open {path}.")
        found.why = N_("It may belong to another user, be a folder, or be open in another program.")
        found.fix = N_("See whether it is a file and who may use it, or write to a folder of your own.")
    elif reason == "folder":
        found.title = N_("{path} is a folder")
        found.what = N_("The program wants to open {path} as a file, and it is a folder.")
        found.why = N_("Only files can be read or written; a folder holds files.")
        found.fix = N_("Put the name of the file behind it.")
    elif reason == "parent":
        found.title = N_("There is no folder {path}")
        found.what = N_("A file was to be saved in {path}, and there is no such folder.")
        found.why = N_("`torch.save` makes the file, and not the folders on the way to it.")
        found.fix = N_("Make it first: `os.makedirs(folder, exist_ok=True)`.")
    elif reason == "download":
        found.title = N_("The data set isn't there yet")
        found.what = N_("The files of the data set were not found in its `root`, or are damaged.")
        found.why = N_("A data set of torchvision looks for its files in `root`, and fetches them only when told to.")
        found.fix = N_("Pass `download=True` once, or set `root` to the folder that holds them.")
    return found


@diagnosis(
    "GL866",
    Severity.ERROR,
    kinds=("module_missing",),
    title=N_("Python finds no module {name}"),
    what=N_("The program imports {name}, and the Python that runs it finds no such module."),
    why=N_("Each Python and each environment has its own packages; `pip` may belong to another one than `python`."),
    fix=N_(
        "If it is a package, install it with `python -m pip install …`; if it is a file of the project, start Python "
        "in the folder that holds it."
    ),
    example={"name": "cv2"},
    program="""raise ModuleNotFoundError("No module named 'cv2'")
""",
    mended="""import math
print(math.pi)
""",
)
def module_missing(case: Case) -> Found | None:
    """Modules that can't be imported."""
    name, parent = str(case.facts.get("name") or ""), str(case.facts.get("parent") or "")
    top = name.partition(".")[0]
    package = _INSTALLED_AS.get(name) or _INSTALLED_AS.get(top) or (top if f" {top} " in _SAME_NAME else "")
    found = Found(
        {"name": words.code(name), "package": package, "parent": words.code(parent), "top": words.code(top)},
        {"name": name, **({"package": package} if package else {})},
    )
    if parent:
        found.what = N_("{name} was to be imported, but what Python found as {parent} is a single file, not a package.")
        found.why = N_("Python takes the first thing of that name, and the folder of the program comes first.")
        found.fix = N_("See whether a file of yours has the name of the package ({parent}), and rename it.")
    elif package and "." in name and name not in _INSTALLED_AS:
        found.what = N_("The program imports {name}. Either {top} isn't installed, or this version lacks that part.")
        found.why = N_("Parts of a package come and go between versions.")
        found.fix = N_(
            "Try `import` with {top} alone: if that works, the program needs another version of it; if not, "
            "`python -m pip install {package}`."
        )
    elif package:
        found.fix = N_(
            "Install it into the Python that runs the program: `python -m pip install {package}`; in a notebook "
            "`%pip install {package}`."
        )
        if package != name:
            found.why = N_("The package is called {package} where it is installed, and {name} where it is imported.")
    return found


_RULES = {
    "Real": N_("every entry must be a number, and not NaN"),
    "RealVector": N_("every entry must be a number, and not NaN"),
    "IndependentConstraint": N_("every entry must be a number, and not NaN"),
    "GreaterThan": N_("every entry must be greater than the bound"),
    "GreaterThanEq": N_("no entry may be less than the bound"),
    "Interval": N_("every entry must lie between the bounds"),
    "HalfOpenInterval": N_("every entry must lie between the bounds"),
    "Simplex": N_("the entries are chances: none below 0, and along the last axis they sum to 1"),
    "PositiveDefinite": N_("the matrix must be symmetric, with positive eigenvalues only"),
    "LowerCholesky": N_("the matrix must be lower triangular with a positive diagonal"),
}


@diagnosis(
    "GL867",
    Severity.ERROR,
    kinds=("constraint", "support"),
    title=N_("{name} of {distribution} holds values that it can't have"),
    what=N_("{name} of {distribution} has entries outside of what is allowed: {rule}."),
    why=N_("A distribution checks what it is given, since chances computed from it would be wrong."),
    fix=N_("Bring the values into the range first: `softplus` or `exp` for positive ones, `softmax` for chances."),
    example={"name": "loc", "distribution": "Normal", "constraint": "Real", "has_nan": True},
    program="""raise ValueError("Expected parameter loc (Tensor of shape (2,)) of distribution Normal(loc: "
    "torch.Size([2]), scale: torch.Size([2])) to satisfy the constraint Real(), "
    "but found invalid values: tensor([nan, nan])")
""",
    mended="""import torch
print(torch.nn.functional.softplus(torch.tensor([-1.0, 2.0])))
""",
)
def constraint(case: Case) -> Found | None:
    """Distributions with NaN or values out of their range."""
    facts = case.facts
    name, distribution = str(facts.get("name") or ""), str(facts.get("distribution") or "")
    rule = _RULES.get(str(facts.get("constraint") or ""))
    found = Found(
        {
            "name": words.code(name) if name else _("the value"),
            "distribution": words.code(distribution) if distribution else _("the distribution"),
            "rule": _(rule) if rule else str(facts.get("constraint") or _("the message doesn't say what")),
            "bounds": str(facts.get("bounds") or ""),
        }
    )
    if case.kind == "support":
        found.words["support"] = words.code(str(facts.get("support") or _("its support")))
        found.title = N_("{distribution} can't give this value")
        found.what = N_("`log_prob` was asked for values that {distribution} never gives; possible are {support}.")
        found.why = N_("Only values that can be drawn have a chance, so this is most often a wrong tensor or encoding.")
        found.fix = N_(
            "Print the smallest and the largest of the values, or pass `validate_args=False` if it is meant."
        )
    elif facts.get("has_nan") or facts.get("has_inf"):
        found.words["what"] = _("NaN") if facts.get("has_nan") else _("infinite values")
        shape_ = facts.get("shape")
        found.words["shape"] = words.shape(shape_) if shape_ else ""
        found.title = N_("{name} of {distribution} is NaN") if facts.get("has_nan") else found.title
        found.what = N_("Among the entries of {name}, which {distribution} is made with, are {what}.")
        if shape_:
            found.what = N_(
                "Among the entries of {name}, of shape {shape}, with which {distribution} is made, are {what}."
            )
        found.why = N_(
            "The distribution is only where it was noticed: NaN comes from an earlier step, most often from weights "
            "that became NaN in training or from an input with NaN."
        )
        found.fix = N_(
            "Check the input and the weights with `torch.isnan(x).any()`, lower the learning rate, clip gradients, and "
            "run once under `torch.autograd.set_detect_anomaly(True)`."
        )
    elif facts.get("bounds"):
        found.what = N_("{name} of {distribution} has entries outside of what is allowed: {rule} ({bounds}).")
    return found


_LARGEST = {
    "at::Half": ("float16", "65504"),
    "c10::Half": ("float16", "65504"),
    "uint8_t": ("uint8", "255"),
    "unsigned char": ("uint8", "255"),
    "int8_t": ("int8", "127"),
    "signed char": ("int8", "127"),
    "int16_t": ("int16", "32767"),
    "short": ("int16", "32767"),
    "int": ("int32", "2147483647"),
    "int32_t": ("int32", "2147483647"),
    "float": ("float32", "3.4e38"),
    "at::BFloat16": ("bfloat16", "3.4e38"),
    "c10::BFloat16": ("bfloat16", "3.4e38"),
}


@diagnosis(
    "GL868",
    Severity.ERROR,
    kinds=("value_overflow",),
    title=N_("A number is too large for {dtype}"),
    what=N_("The number {value} was to be written into a {dtype} tensor, which can't hold it."),
    why=N_("{dtype} goes up to {largest} only."),
    fix=N_(
        "Take a number that fits: for masks `torch.finfo(x.dtype).min` instead of −1e9, or −inf with `masked_fill`; or "
        "compute in float32."
    ),
    example={"dtype": "at::Half", "value": "-1e+09"},
    program="""raise RuntimeError("value cannot be converted to type at::Half without overflow: -1e+09")
""",
    mended="""import torch
x = torch.zeros(2)
print(x.masked_fill(torch.tensor([True, False]), float("-inf")))
""",
)
def value_overflow(case: Case) -> Found | None:
    """A Python number that a dtype can't hold."""
    dtype, largest = _LARGEST.get(str(case.facts.get("dtype")), (str(case.facts.get("dtype") or ""), ""))
    value = str(case.facts.get("value") or "")
    found = Found({"dtype": words.code(dtype), "largest": largest, "value": words.code(value)}, {"dtype": dtype})
    if not value:
        found.what = N_("A number was to be written into a {dtype} tensor, which can't hold it.")
    if not largest:
        found.why = N_("Each dtype holds numbers up to some size only.")
    if "int" in dtype:
        found.fix = N_("Take a number that fits, or a wider dtype: `x.long()` or `x.float()`.")
    return found


@diagnosis(
    "GL869",
    Severity.ERROR,
    kinds=("numpy_dtype",),
    title=N_("NumPy has no {dtype} numbers"),
    what=N_("A {dtype} tensor was to become a NumPy array, and NumPy doesn't know that dtype."),
    why=N_("An array shares the memory of the tensor, so NumPy must be able to read numbers of that kind."),
    fix=N_("Convert first: `x.float().numpy()`; of a tensor with a graph `x.detach().float().cpu().numpy()`."),
    example={"dtype": "BFloat16"},
    program="""raise TypeError("Got unsupported ScalarType BFloat16")
""",
    mended="""import torch
print(torch.ones(2).float().numpy())
""",
)
def numpy_dtype(case: Case) -> Found | None:
    """A dtype that only PyTorch has."""
    dtype = str(case.facts.get("dtype") or "BFloat16").lower()
    return Found({"dtype": words.code(dtype)}, {"dtype": dtype})


@diagnosis(
    "GL870",
    Severity.ERROR,
    kinds=("optimizer_state",),
    title=N_("The saved state of the optimizer doesn't fit this one"),
    what=N_("A parameter group of the saved state has another number of parameters than the group of the optimizer."),
    why=N_("The state keeps a momentum or more for each parameter, by its place in the groups."),
    fix=N_(
        "Make the optimizer exactly as it was when it was saved: same model, same frozen layers, same groups; or start "
        "with a new one and load the weights only."
    ),
    example={},
    program="""raise ValueError("loaded state dict has a different number of parameter groups")
""",
    mended="""import torch
w = torch.zeros(1, requires_grad=True)
state = torch.optim.SGD([w], lr=0.1).state_dict()
torch.optim.SGD([w], lr=0.1).load_state_dict(state)
""",
)
def optimizer_state(case: Case) -> Found | None:
    """Groups that differ from the saved ones."""
    found = Found({})
    if case.facts.get("groups"):
        found.what = N_("The saved state has another number of parameter groups than the optimizer.")
    return found


@diagnosis(
    "GL871",
    Severity.ERROR,
    kinds=("pickled_class",),
    title=N_("The saved object needs {name}, which isn't defined here"),
    what=N_("The file holds an object whose class or function {name} was in the module {module}, and isn't there now."),
    why=N_("A pickle keeps only the names of classes and functions, not their code; the same name must lead to them."),
    fix=N_(
        "Define or import {name} before the file is loaded, in the same module. Better, save `model.state_dict()` and "
        "build the model from its class."
    ),
    example={"name": "Net", "module": "__main__"},
    program="""raise AttributeError("Can't get attribute 'Net' on <module '__main__' from 'eval.py'>")
""",
    mended="""import torch.nn as nn
net = nn.Linear(2, 1)
net.load_state_dict(nn.Linear(2, 1).state_dict())
""",
)
def pickled_class(case: Case) -> Found | None:
    """A checkpoint of a whole model, or a function for worker processes, whose definition is missing."""
    found = Found({"name": words.code(str(case.facts["name"])), "module": words.code(str(case.facts["module"]))})
    if case.facts["module"] in ("__main__", "__mp_main__"):
        found.what = N_(
            "The file or the worker process needs the class or function {name} of the main program, and the main "
            "program that runs now has none."
        )
    return found
