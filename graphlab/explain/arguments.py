"""Arguments of another kind than a function takes: a list for a tensor, a float for a size, a tuple not unpacked."""

from __future__ import annotations

import ast
import re

from graphlab.explain import words
from graphlab.explain.case import Case, Found
from graphlab.explain.catalogue import Severity, diagnosis
from graphlab.explain.names import nearest
from graphlab.explain.source import called, dotted
from graphlab.i18n import N_, _, ngettext
from graphlab.trace.records import Fix


@diagnosis(
    "GL131",
    Severity.ERROR,
    kinds=("argument_type", "python"),
    over=("GL900",),
    title=N_("{function} can't take {got} as {argument}"),
    what=N_("{function} wants {wanted} as {argument}, and got {got}."),
    why=N_("PyTorch's functions check the kind of each argument before they compute anything."),
    fix=N_("Look at what is passed as {argument}; print its `type(…)` if you aren't sure."),
    example={"function": "linear", "argument": "input", "wanted": "Tensor", "got": "list"},
    program="""import torch
import torch.nn as nn
layer = nn.Linear(2, 1)
print(layer([1.0, 2.0]))
""",
    mended="""import torch
import torch.nn as nn
layer = nn.Linear(2, 1)
print(layer(torch.tensor([1.0, 2.0])))
""",
)
def argument_type(case: Case) -> Found | None:
    """A list where a tensor belongs, a float where an int does."""
    facts = case.facts
    if case.kind == "python":
        facts = _python_argument(case)
    function, got = str(facts.get("function") or case.op or ""), str(facts.get("got") or "")
    if not got:
        return None
    wanted = str(facts.get("wanted") or "")
    name = str(facts.get("argument") or "")
    path, type_ = str(facts.get("module") or ""), str(facts.get("module_type") or "")
    said = f"{words.code(path)} ({type_})" if path else words.code(function + "()")
    found = Found(
        {
            "function": said,
            "argument": words.code(name) if name else _("its argument"),
            "wanted": words.code(wanted) if wanted else _("another kind"),
            "got": words.code(got),
        },
        {"function": function, "argument": name, "wanted": wanted, "got": got},
    )
    if facts.get("keyword"):
        return _keyword(found, str(facts["keyword"]), [str(name) for name in facts["known"]])
    if facts.get("most") is not None:
        given, most = int(facts["n"]), int(facts["most"])
        n = given - most
        found.words.update(n=n, given=given, most=most)
        found.title = ngettext("{function} got {n} argument too many", "{function} got {n} arguments too many", n)
        found.what = N_("{function} was given {given} arguments by position, and takes at most {most} of them.")
        found.why = N_("Further arguments of PyTorch's functions must be given by name, as in `alpha=2`.")
        found.fix = N_("Leave out what is too much, or write the name of the argument before it.")
        return found
    if not wanted:
        found.what = N_("{function} got {got}, and that is not among the kinds of arguments that it takes.")
    if got == "NoneType":
        found.words["got"] = _("nothing (NoneType)")
        found.fix = N_(
            "Find out why {argument} holds nothing: a function without `return`, or a `.grad` before `backward()`."
        )
    elif got == "tuple" and wanted == "Tensor":
        found.fix = N_(
            "Unpack the tuple first: recurrent layers and `max(dim)` return several values, such as `out, state`."
        )
        _unpacked(case, found)
    elif got in ("list", "int", "float") and wanted == "Tensor":
        found.fix = N_("Make a tensor of it first with `torch.tensor(…)`.")
        _made_tensor(case, found, name)
    elif wanted in ("int", "tuple of ints", "SymInt") and got == "float":
        found.fix = N_("Sizes are whole numbers: use `//` instead of `/`, or `int(…)`.")
        whole_division(case, found)
    elif got == "method" or got == "builtin_function_or_method":
        found.fix = N_("Add brackets to call the method: `x.sum()` instead of `x.sum`.")
    return found


def _keyword(found: Found, name: str, known: list[str]) -> Found:
    """An argument that is given by a name that the function doesn't have."""
    found.words.update(argument=words.code(name), known=words.listing(words.code(each) for each in known))
    found.facts["argument"] = name
    found.title = N_("{function} has no argument {argument}")
    found.what = N_("{function} was given {argument} by name, and it has no argument of that name.")
    found.why = N_("Arguments by name must be spelled as the function spells them; those of NumPy may be others.")
    found.fix = N_("It has these: {known}.")
    if near := nearest(name, known):
        found.words["near"] = words.code(near[0])
        found.fix = N_("Did you mean {near}?")
    return found


def _python_argument(case: Case) -> dict[str, object]:
    """What a message says about an argument of the wrong kind, {} for others."""
    message = case.message or str(case.facts.get("message") or "")
    element = re.match(r"expected Tensor as element (\d+) in argument (\d+), but got ([\w.]+)", message)
    state = re.match(r"Expected state_dict to be dict-like, got <class '([\w.]+)'>", message)
    if element is not None:
        call = case.call_of("stack", "cat", "hstack", "vstack", "concat", "block_diag")
        name = called(call) or "cat"
        return {
            "function": name,
            "argument": f"tensors[{element.group(1)}]",
            "wanted": "Tensor",
            "got": element.group(3),
        }
    if state is not None:
        got = state.group(1).rpartition(".")[2]
        return {"function": "load_state_dict", "argument": "state_dict", "wanted": "dict", "got": got}
    return {}


def _made_tensor(case: Case, found: Found, name: str) -> None:
    call = case.call
    if call is None:
        return
    values = [a for a in [*call.args, *(k.value for k in call.keywords)] if isinstance(a, ast.List | ast.Name)]
    literals = [a for a in values if isinstance(_value(case, a), ast.List)]
    if len(literals) == 1:
        text = f"torch.tensor({case.source.text_of(literals[0])})"
        title = words.fill(N_("Make a tensor of it: `{text}`"), {"text": text if len(text) < 60 else "torch.tensor(…)"})
        found.fixes.append(Fix(title, "safe", [case.source.replace(literals[0], text)]))


def _value(case: Case, node: ast.expr) -> ast.expr | None:
    return case.source.assigned(node.id, node) if isinstance(node, ast.Name) else node


def whole_division(case: Case, found: Found) -> None:
    from graphlab.trace.records import Edit

    call = case.call
    for node in ast.walk(call) if call is not None else []:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            left, right = case.source.place(node.left), case.source.place(node.right)
            between = case.source.text_between(left[2], left[3], right[0], right[1])
            if left[2] == right[0] and between.count("/") == 1:
                column = left[3] + between.index("/")
                edit = Edit(left[2], column, left[2], column + 1, "//")
                text = f"{case.source.text_of(node.left)} // {case.source.text_of(node.right)}"
                found.fixes.append(
                    Fix(words.fill(N_("Divide without a rest: `{text}`"), {"text": text}), "safe", [edit])
                )


def _unpacked(case: Case, found: Found) -> None:
    """`x = self.lstm(x)` → `x, _ = self.lstm(x)`, where the tuple comes from a recurrent layer."""
    makers = {"RNN", "LSTM", "GRU", "MultiheadAttention"}
    layers = {
        dotted(t).rpartition(".")[2]
        for n in case.source.nodes
        if isinstance(n, ast.Assign) and called(n.value) in makers
        for t in n.targets
    }
    for node in case.source.nodes:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Call)
            and dotted(node.value.func).rpartition(".")[2] in layers
            and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name)
        ):
            text = f"{node.targets[0].id}, _"
            title = words.fill(
                N_("Take the output only: `{text} = {call}`"), {"text": text, "call": case.source.text_of(node.value)}
            )
            found.fixes.append(Fix(title, "maybe", [case.source.replace(node.targets[0], text)]))
