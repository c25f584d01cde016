"""PyTorch's warnings, as people paste them: nothing failed, and yet something may be wrong or will be.

Like machine.py, all of it is told of messages that are pasted."""

from __future__ import annotations

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.messages import Groups, ints, wording
from graphlab.i18n import N_


def _old(name: str, instead: str) -> dict[str, object]:
    return {"name": name, "instead": instead}


def _new_place(g: Groups) -> dict[str, object]:
    return _old(g["old"], g["new"])


wording(
    "schedule_first",
    r"Detected call of `lr_scheduler\.step\(\)` before `optimizer\.step\(\)`",
    warning=True,
)
wording("copy_construct", r"To copy construct from a tensor, it is recommended to use", warning=True)
wording("slow_list", r"Creating a tensor from a list of numpy\.ndarrays is extremely slow", warning=True)
wording(
    "many_workers",
    r"This DataLoader will create (?P<n>\d{1,6}) worker processes in total\. Our suggested max number of worker in "
    r"current system is (?P<most>\d{1,6})",
    ints("n", "most"),
    warning=True,
)
wording(
    "rnn_dropout",
    r"dropout option adds dropout after all but last recurrent layer",
    warning=True,
)
wording(
    "spelled_before",
    r"__floordiv__ is deprecated",
    lambda g: _old("//", "torch.div(a, b, rounding_mode='floor')"),
    True,
)
wording(
    "spelled_before",
    r"size_average and reduce args will be deprecated",
    lambda g: _old("size_average", "reduction='mean'"),
    True,
)
wording(
    "spelled_before",
    r"nn\.functional\.(?P<old>tanh|sigmoid) is deprecated",
    lambda g: _old(f"F.{g['old']}", f"torch.{g['old']}"),
    True,
)
wording(
    "spelled_before",
    r"it will be required to pass the indexing argument",
    lambda g: _old("torch.meshgrid(a, b)", "torch.meshgrid(a, b, indexing='ij')"),
    True,
)
wording(
    "spelled_before",
    r"The use of `x\.T` on tensors of dimension other than 2",
    lambda g: _old("x.T", "x.mT"),
    True,
)
wording(
    "spelled_before",
    r"`(?P<old>torch\.(?:cuda|cpu)\.amp\.(?:GradScaler|autocast)\([\w.]{0,20}\))` is deprecated\. Please use "
    r"`(?P<new>torch\.amp\.\w{1,20}\([^`]{0,40}\))`",
    _new_place,
    True,
)
wording(
    "spelled_before",
    r"torch\.nn\.utils\.weight_norm(?:` is| is) deprecated",
    lambda g: _old("torch.nn.utils.weight_norm", "torch.nn.utils.parametrizations.weight_norm"),
    True,
)
wording(
    "spelled_before",
    r"You are using `torch\.load` with `weights_only=False`",
    lambda g: _old("torch.load(path)", "torch.load(path, weights_only=True)"),
    True,
)
wording(
    "spelled_before",
    r"The verbose parameter is deprecated",
    lambda g: _old("verbose=True", "scheduler.get_last_lr()"),
    True,
)
wording(
    "spelled_before",
    r"volatile was removed",
    lambda g: _old("volatile=True", "with torch.no_grad():"),
    True,
)
wording(
    "spelled_before",
    r"`(?P<old>nn\.init\.\w{1,30})` is now deprecated in favor of `(?P<new>nn\.init\.\w{1,30})`",
    _new_place,
    True,
)


@diagnosis(
    "GL881",
    Severity.WARNING,
    kinds=("schedule_first",),
    title=N_("The scheduler is stepped before the optimizer"),
    what=N_("`scheduler.step()` was called before the first `optimizer.step()`."),
    why=N_("The first learning rate is then never used, and the whole schedule is one step ahead."),
    fix=N_(
        "Call `optimizer.step()` first, and `scheduler.step()` after it: once an epoch, or once a batch where the "
        "schedule counts batches. With a GradScaler the first steps may be skipped; then it is harmless."
    ),
    example={},
    program="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
for epoch in range(3):
    optimizer.zero_grad()
    (w * w).backward()
    scheduler.step()
    optimizer.step()
""",
    mended="""import torch
w = torch.tensor(1.0, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2)
for epoch in range(3):
    optimizer.zero_grad()
    (w * w).backward()
    optimizer.step()
    scheduler.step()
""",
)
def schedule_first(case: Case) -> Found | None:
    """The order of the two steps."""
    return Found()


@diagnosis(
    "GL882",
    Severity.WARNING,
    kinds=("copy_construct", "slow_list"),
    title=N_("`torch.tensor` was given a tensor"),
    what=N_("`torch.tensor(x)` copies the numbers of `x` into a new tensor, cut off from the graph of `x`."),
    why=N_("It is made for numbers and lists; of a tensor it makes a copy that no gradient flows through."),
    fix=N_("For a copy write `x.clone()`, or `x.detach().clone()` without the graph; for another dtype `x.to(dtype)`."),
    example={"kind": "tensor"},
    program="""import torch
x = torch.ones(2)
print(torch.tensor(x))
""",
    mended="""import torch
x = torch.ones(2)
print(x.clone())
""",
)
def tensor_copied(case: Case) -> Found | None:
    """A tensor, or a list of arrays, handed to `torch.tensor`."""
    found = Found()
    if case.kind == "slow_list":
        found.title = N_("A list of arrays becomes a tensor slowly")
        found.what = N_("`torch.tensor` was given a list of NumPy arrays, and reads it number by number.")
        found.why = N_("NumPy joins the arrays as whole blocks, which is much faster.")
        found.fix = N_("Make one array first: `torch.from_numpy(np.array(arrays))`, or `np.stack(arrays)`.")
    return found


@diagnosis(
    "GL883",
    Severity.HINT,
    kinds=("spelled_before",),
    title=N_("{name} is an older spelling"),
    what=N_("The program uses {name}, which PyTorch gives up in time or reads otherwise later."),
    why=N_("It still works, with the same result as before; a later version may refuse it."),
    fix=N_("Write {instead} instead. Where a package says it, a newer version of that package will."),
    example={"name": "size_average", "instead": "reduction='mean'"},
    program="""raise UserWarning("size_average and reduce args will be deprecated, please use reduction='mean'.")
""",
    mended="""import torch
print(torch.nn.MSELoss(reduction="mean")(torch.ones(2), torch.zeros(2)))
""",
)
def spelled_before(case: Case) -> Found | None:
    """A name or an argument that is on its way out."""
    return Found({"name": words.code(str(case.facts["name"])), "instead": words.code(str(case.facts["instead"]))})


@diagnosis(
    "GL884",
    Severity.HINT,
    kinds=("many_workers",),
    title=N_("The data loader starts {n} workers, and {most} are worth it here"),
    what=N_("`num_workers` asks for {n} processes; this computer has processors for {most}."),
    why=N_("More workers than processors take turns, and each holds memory of its own."),
    fix=N_("Set `num_workers={most}` or less, and measure: small data sets are fastest with 0."),
    example={"n": 8, "most": 2},
    program="""raise UserWarning("This DataLoader will create 8 worker processes in total. Our suggested max number of "
    "worker in current system is 2, which is smaller than what this DataLoader is going to create.")
""",
    mended="""from torch.utils.data import DataLoader
for x in DataLoader([1.0, 2.0], num_workers=0):
    print(x)
""",
)
def many_workers(case: Case) -> Found | None:
    """More workers than processors."""
    return Found({"n": case.facts["n"], "most": case.facts["most"]})


@diagnosis(
    "GL885",
    Severity.HINT,
    kinds=("rnn_dropout",),
    title=N_("The dropout of a recurrent layer has no effect"),
    what=N_("A recurrent layer was made with `dropout` and with `num_layers=1`, and so drops nothing."),
    why=N_("Its dropout stands between one layer and the next, and there is only one."),
    fix=N_("Leave `dropout` away, set `num_layers=2` or more, or put an `nn.Dropout` after the layer."),
    example={},
    program="""import torch.nn as nn
print(nn.LSTM(2, 3, dropout=0.5))
""",
    mended="""import torch.nn as nn
print(nn.LSTM(2, 3, num_layers=2, dropout=0.5))
""",
)
def rnn_dropout(case: Case) -> Found | None:
    """Dropout between layers where there is one layer."""
    return Found()
