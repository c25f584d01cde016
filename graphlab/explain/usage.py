"""Parts used in ways they aren't made for: masks, packed lengths, buffers, old functions, schedules that are over."""

from __future__ import annotations

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.losses import dtype_name
from graphlab.explain.messages import ints, named, shape, wording
from graphlab.explain.operands import operand, said_of
from graphlab.i18n import N_, _

wording(
    "attention_mask",
    r"The shape of the (?P<n>\d)D attn_mask is (?P<given><SHAPE>), but should be (?P<wanted><SHAPE>)",
    lambda g: {"n": int(g["n"]), "given": shape(g["given"]), "wanted": shape(g["wanted"])},
)
wording(
    "padding_mask",
    r"Expected key_padded_mask\.shape\[(?P<axis>\d)\] to be (?P<size>\d+), but got (?P<got>\d+)",
    ints("axis", "size", "got"),
)
wording("mask_dtype", r"masked_fill_? only supports boolean masks, but got mask with dtype (?P<dtype>[\w: ]{1,30})$",
        named("dtype"))  # fmt: skip
wording("scatter_dtype", r"scatter\(\): Expected self\.dtype to be equal to src\.dtype")
wording("legacy_function", r"Legacy autograd function with non-static forward method")
wording("buffer_type", r"cannot assign '(?P<got>[\w.]+)' object to buffer '(?P<name>\w+)'", named("got", "name"))
wording(
    "schedule_over",
    r"Tried to step (?P<step>\d+) times\. The specified number of total steps is (?P<total>\d+)",
    ints("step", "total"),
)
wording("lengths_sorted", r"`lengths` array must be sorted in decreasing order")
wording(
    "rnn_batch",
    r"Input batch size (?P<given>\d+) doesn't match hidden\d? ?batch size (?P<hidden>\d+)",
    ints("given", "hidden"),
)
wording(
    "einsum",
    r"einsum\(\): the number of subscripts in the equation \((?P<n_letters>\d+)\) [\w ]{1,40} the number of dimensions "
    r"\((?P<n_axes>\d+)\) for operand (?P<at>\d+)",
    ints("n_letters", "n_axes", "at"),
)
wording(
    "attention_width",
    r"was expecting embedding dimension of (?P<wanted>\d+), but got (?P<given>\d+)",
    ints("wanted", "given"),
)
wording("fan", r"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
wording("super_class", r"super\(type, obj\): obj must be an instance or subtype of type")
wording(
    "argument_type",
    r"expected np\.ndarray \(got (?P<got>\w+)\)",
    lambda g: {"function": "from_numpy", "argument": "ndarray", "wanted": "np.ndarray", "got": g["got"]},
)
wording(
    "target_range",
    r"Class values must be non-negative",
    lambda g: {"op": "one_hot", "loss": "one_hot", "is_negative": True},
)


@diagnosis(
    "GL135",
    Severity.ERROR,
    kinds=("attention_mask", "padding_mask"),
    title=N_("The mask of the attention has shape {given}, not {wanted}"),
    what=N_("The mask has shape {given}; for these inputs attention wants {wanted}."),
    why=N_(
        "The mask says for each step which others it may look at, so it is (target length, source length); without "
        "`batch_first=True` the sequence is axis 0 of the input."
    ),
    fix=N_("Check which axis of the input is the sequence, and make the mask of its length."),
    example={"n": 2, "given": [5, 5], "wanted": [2, 2]},
    program="""import torch
import torch.nn as nn
attention = nn.MultiheadAttention(8, 2)
x = torch.zeros(2, 5, 8)
mask = nn.Transformer.generate_square_subsequent_mask(5)
out, weights = attention(x, x, x, attn_mask=mask)
""",
    mended="""import torch
import torch.nn as nn
attention = nn.MultiheadAttention(8, 2, batch_first=True)
x = torch.zeros(2, 5, 8)
mask = nn.Transformer.generate_square_subsequent_mask(5)
out, weights = attention(x, x, x, attn_mask=mask)
""",
)
def attention_mask(case: Case) -> Found | None:
    """A mask of attention of another size than the sequences."""
    if case.kind == "padding_mask":
        axis, size, got = (int(case.facts.get(k) or 0) for k in ("axis", "size", "got"))
        found = Found({"axis": axis, "size": size, "got": got})
        found.title = N_("The padding mask has {got} along axis {axis}, not {size}")
        found.what = N_("The padding mask has {got} entries along axis {axis}, and attention wants {size} there.")
        found.why = N_("A padding mask has one row for each sample and one column for each step: (batch, length).")
        found.fix = N_(
            "Make the mask from the token numbers themselves, such as `tokens == 0`, of shape (batch, length)."
        )
        return found
    given, wanted = (words.tuple_of(case.facts[k]) for k in ("given", "wanted"))
    return Found({"given": words.shape(given), "wanted": words.shape(wanted)})


@diagnosis(
    "GL213",
    Severity.ERROR,
    kinds=("mask_dtype",),
    title=N_("A mask must hold True and False, not {dtype}"),
    what=N_("{mask} has dtype {dtype}, and a mask is boolean."),
    why=N_("A mask says yes or no for each entry; PyTorch doesn't guess which numbers are meant as yes."),
    fix=N_("Compare to make a mask, such as `mask == 0`, or turn 0 and 1 into False and True with `.bool()`."),
    example={"dtype": "float32"},
    program="""import torch
scores = torch.zeros(2, 2)
mask = torch.ones(2, 2)
print(scores.masked_fill(mask, -1.0))
""",
    mended="""import torch
scores = torch.zeros(2, 2)
mask = torch.ones(2, 2)
print(scores.masked_fill(mask.bool(), -1.0))
""",
)
def mask_dtype(case: Case) -> Found | None:
    """masked_fill with a mask of numbers."""
    dtype = dtype_name(str(case.facts.get("dtype") or "").strip())
    return Found({"mask": said_of(operand(case, 1), _("the mask")), "dtype": words.code(dtype)}, {"dtype": dtype})


@diagnosis(
    "GL214",
    Severity.ERROR,
    kinds=("scatter_dtype",),
    title=N_("`{op}` needs one dtype on both sides"),
    what=N_("{x} holds {a} numbers and {source} holds {b}; `{op}` doesn't convert."),
    why=N_("The numbers are put into the memory of the first tensor, so they must be of its kind."),
    fix=N_("Convert what is put in, for instance with `.to({plain}.dtype)`, or make both with one dtype."),
    example={"op": "scatter_add_"},
    program="""import torch
counts = torch.zeros(3)
index = torch.tensor([0, 1, 0])
counts.scatter_add_(0, index, torch.tensor([1, 1, 1]))
""",
    mended="""import torch
counts = torch.zeros(3)
index = torch.tensor([0, 1, 0])
counts.scatter_add_(0, index, torch.tensor([1.0, 1.0, 1.0]))
""",
)
def scatter_dtype(case: Case) -> Found | None:
    """scatter of integers into floats."""
    first, source = operand(case, 0), operand(case, 2)
    found = Found({"op": case.op or "scatter", "plain": str(first.get("name") or "x")})
    if not first.get("dtype") or not source.get("dtype"):
        found.what = N_("The tensor and what is put into it hold different kinds of numbers (dtypes).")
        return found
    found.words.update(
        x=said_of(first, _("the tensor")),
        source=said_of(source, _("what is put in")),
        a=words.code(str(first["dtype"])),
        b=words.code(str(source["dtype"])),
    )
    return found


@diagnosis(
    "GL316",
    Severity.ERROR,
    kinds=("legacy_function",),
    title=N_("{name} is written in the old way"),
    what=N_("{name} was made as an object and called; its `forward` must be static and is run by `apply`."),
    why=N_("An autograd function keeps nothing in an object: what backward needs goes into `ctx`."),
    fix=N_("Put `@staticmethod` above `forward` and `backward`, and call `{plain}.apply(x)`."),
    example={"name": "Square"},
    program="""import torch
class Square(torch.autograd.Function):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return 2 * x * grad
x = torch.tensor(3.0, requires_grad=True)
y = Square()(x)
""",
    mended="""import torch
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, grad):
        x, = ctx.saved_tensors
        return 2 * x * grad
x = torch.tensor(3.0, requires_grad=True)
y = Square.apply(x)
""",
)
def legacy_function(case: Case) -> Found | None:
    """An autograd function that is called as an object."""
    name = str(case.facts.get("name") or "")
    return Found({"name": words.code(name) if name else _("the autograd function"), "plain": name or "Function"})


@diagnosis(
    "GL708",
    Severity.ERROR,
    kinds=("buffer_type",),
    title=N_("{name} must be a tensor, not {got}"),
    what=N_("{name} is a buffer of the module, and {got} was given for it."),
    why=N_("Buffers move with the module between devices and are saved with it, so they must be tensors."),
    fix=N_("Make a tensor of it with `torch.tensor(…)`."),
    example={"name": "weight", "got": "list"},
    program="""import torch.nn as nn
criterion = nn.CrossEntropyLoss(weight=[1.0, 2.0])
""",
    mended="""import torch
import torch.nn as nn
criterion = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]))
""",
)
def buffer_type(case: Case) -> Found | None:
    """A list where a module wants a tensor."""
    got = str(case.facts.get("got") or "")
    return Found({"name": words.code(str(case.facts.get("name") or "")), "got": words.code(got)}, {"got": got})


@diagnosis(
    "GL714",
    Severity.ERROR,
    kinds=("lengths_sorted",),
    title=N_("The lengths must come sorted, the longest first"),
    what=N_("`pack_padded_sequence` got lengths in another order than from long to short."),
    why=N_("The packed form takes the first step of all sequences, then the second, so the long ones must come first."),
    fix=N_("Pass `enforce_sorted=False`: PyTorch then sorts the sequences, and puts the results back in order."),
    example={},
    program="""import torch
from torch.nn.utils.rnn import pack_padded_sequence
x = torch.zeros(2, 4, 3)
packed = pack_padded_sequence(x, torch.tensor([2, 4]), batch_first=True)
""",
    mended="""import torch
from torch.nn.utils.rnn import pack_padded_sequence
x = torch.zeros(2, 4, 3)
packed = pack_padded_sequence(x, torch.tensor([2, 4]), batch_first=True, enforce_sorted=False)
""",
)
def lengths_sorted(case: Case) -> Found | None:
    """Packing sequences whose lengths aren't sorted."""
    return Found()


@diagnosis(
    "GL719",
    Severity.ERROR,
    kinds=("schedule_over",),
    title=N_("The schedule has {total} steps, and this is step {step}"),
    what=N_("The scheduler was made for {total} steps in all, and `step()` was called once more."),
    why=N_("A schedule with a fixed end, such as OneCycleLR, has no learning rate for what comes after it."),
    fix=N_("Give it as many steps as the training makes: batches times epochs, if it steps after each batch."),
    example={"step": 5, "total": 4},
    program="""import torch
w = torch.nn.Parameter(torch.zeros(1))
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=3)
for step in range(5):
    optimizer.zero_grad()
    (w * w).sum().backward()
    optimizer.step()
    scheduler.step()
""",
    mended="""import torch
w = torch.nn.Parameter(torch.ones(1))
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=5)
for step in range(5):
    optimizer.zero_grad()
    (w * w).sum().backward()
    optimizer.step()
    scheduler.step()
""",
)
def schedule_over(case: Case) -> Found | None:
    """A scheduler that steps past its end."""
    total, step = int(case.facts["total"]), int(case.facts["step"])
    return Found({"total": total, "step": step}, {"total": total})


@diagnosis(
    "GL136",
    Severity.ERROR,
    kinds=("fan",),
    title=N_("Xavier and Kaiming need a tensor with two axes"),
    what=N_("Line {line} initialises a tensor with fewer than two axes, such as a bias."),
    why=N_("These rules look at how many inputs and outputs each number joins, and a bias joins none."),
    fix=N_("Use them for weights only; a bias begins with zeros: `nn.init.zeros_(layer.bias)`."),
    example={},
    program="""import torch.nn as nn
layer = nn.Linear(2, 3)
nn.init.xavier_uniform_(layer.bias)
""",
    mended="""import torch.nn as nn
layer = nn.Linear(2, 3)
nn.init.zeros_(layer.bias)
""",
)
def fan(case: Case) -> Found | None:
    """xavier_uniform_ of a bias."""
    found = Found({"line": case.line})
    if not case.line:
        found.what = N_("A tensor with fewer than two axes, such as a bias, was to be initialised.")
    return found


@diagnosis(
    "GL826",
    Severity.ERROR,
    kinds=("super_class",),
    over=("GL900",),
    title=N_("`super(…)` names another class"),
    what=N_("Line {line} calls `super` with a class that this object doesn't belong to."),
    why=N_(
        "`super(A, self)` looks for the class above A, so `self` must be an A; alone, `super()` takes the right one."
    ),
    fix=N_("Write `super().__init__()`, which needs no class name and can't be copied wrongly."),
    example={},
    program="""class A:
    def __init__(self):
        super(A, self).__init__()
class B:
    def __init__(self):
        super(A, self).__init__()
b = B()
""",
    mended="""class A:
    def __init__(self):
        super().__init__()
class B:
    def __init__(self):
        super().__init__()
b = B()
""",
)
def super_class(case: Case) -> Found | None:
    """super(Other, self) in a copied class."""
    found = Found({"line": case.line})
    if not case.line:
        found.what = N_("`super` was called with a class that the object doesn't belong to.")
    return found
