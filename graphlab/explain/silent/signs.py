"""Losses with the wrong sign: what should grow is made small, what should fall is made great."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from graphlab.explain import words
from graphlab.explain.case import Found
from graphlab.explain.catalogue import Severity, silent_bug
from graphlab.explain.narrate import quoted_name
from graphlab.explain.run import Run
from graphlab.explain.silent.loops import optimizers
from graphlab.explain.silent.trail import line_of, losses_by_name, roots, updated
from graphlab.i18n import N_
from graphlab.trace.records import Event, EventKind, Fix

_THROUGH = re.compile("sum|mean|view|reshape|squeeze|unsqueeze|flatten|clone|stack|cat|expand|nan_to_num")
_LOSSES = re.compile(".*cross_entropy.*|mse_loss|l1_loss|smooth_l1_loss|huber_loss|nll_loss|bce_loss|kl_div")
_REWARDS = re.compile(r"^(R|G|Gt|ret|rets|returns?|rewards?|adv|advs|advantages?|discounted\w*|td_errors?|delta|gain)$")
_REWARD = re.compile(r"(r|rew|rews|rewards?|reward_batch)$")
_MAX_TERMS = 400


@dataclass(frozen=True)
class Term:
    """A summand of a loss: with which sign, which tensor, and the event that took it in."""

    sign: int
    tensor: int
    event: Event


def _scalar(event: Event) -> float:
    other = event.params.get("other")
    return float(other) if isinstance(other, int | float) else 1.0


def terms(run: Run, root: int, event: Event, stops: frozenset[int] = frozenset()) -> list[Term]:
    """The summands that a loss is made of, seen through sums, means and factors that are plain numbers."""
    found: list[Term] = []
    queue = [Term(1, root, event)]
    while queue and len(found) + len(queue) < _MAX_TERMS:
        at = queue.pop()
        made = run.made_by.get(at.tensor)
        inputs = [t for t in made.inputs if t >= 0] if made is not None else []
        if made is None or made.kind != EventKind.FORWARD or not inputs or at.tensor in stops:
            found.append(at)
        elif made.op in ("add", "sub", "rsub") and made.inputs:
            signs = {"add": (1, 1), "sub": (1, -1), "rsub": (-1, 1)}[made.op]
            queue += [Term(at.sign * sign, t, made) for sign, t in zip(signs, made.inputs) if t >= 0]
        elif made.op == "neg":
            queue.append(Term(-at.sign, inputs[0], made))
        elif made.op in ("mul", "div") and len(inputs) == 1 and made.inputs[0] >= 0:
            queue.append(Term(at.sign * (-1 if _scalar(made) < 0 else 1), inputs[0], made))
        elif _THROUGH.fullmatch(made.op):
            queue += [Term(at.sign, t, made) for t in inputs]
        else:
            found.append(at)
    return found


def _first_roots(run: Run) -> list[tuple[int, Event]]:
    """The losses of the first iterations: the others are made alike."""
    return list(roots(run).items())[:3]


@silent_bug(
    "GL760",
    Severity.WARNING,
    title=N_("The KL divergence has the wrong sign in {loss}"),
    what=N_(
        "In {loss} the term with `exp` of {logvar} on line {line} counts negative and {logvar} itself positive: the "
        "divergence is subtracted, and training makes it as great as it can."
    ),
    why=N_("KL = −½ · Σ(1 + log σ² − μ² − σ²) is 0 or more and is added to the loss, to be made small."),
    fix=N_("Write `-0.5 * torch.sum(1 + {text} - mu.pow(2) - {text}.exp())` and add it to the loss."),
    example={"loss": "`loss`", "logvar": "`logvar`", "text": "logvar", "line": 12},
    program="""import torch
mu = torch.tensor([0.5, -0.2], requires_grad=True)
logvar = torch.tensor([0.1, 0.3], requires_grad=True)
optimizer = torch.optim.SGD([mu, logvar], lr=0.01)
for step in range(3):
    kl = 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    loss = (mu - 1.0).pow(2).sum() + kl
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
mu = torch.tensor([0.5, -0.2], requires_grad=True)
logvar = torch.tensor([0.1, 0.3], requires_grad=True)
optimizer = torch.optim.SGD([mu, logvar], lr=0.01)
for step in range(3):
    kl = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    loss = (mu - 1.0).pow(2).sum() + kl
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def divergence_grows(run: Run) -> list[Found]:
    """A Kullback-Leibler term that is maximised."""
    exponents = frozenset(e.inputs[0] for e in run.by_kind[EventKind.FORWARD] if e.op == "exp" and e.inputs)
    for root, start in _first_roots(run):
        summands = terms(run, root, start, exponents)
        signs = {t.tensor: t.sign for t in summands}
        squares = {t.sign for t in summands if (e := run.made_by.get(t.tensor)) is not None and _is_square(e)}
        for term in summands:
            made = run.made_by.get(term.tensor)
            if made is None or made.op != "exp" or term.sign > 0 or -1 not in squares:
                continue
            logvar = made.inputs[0]
            if signs.get(logvar) != 1:
                continue
            line = line_of(run, made)
            values = {
                "loss": quoted_name(run.trace, root),
                "logvar": quoted_name(run.trace, logvar),
                "text": run.tensor(logvar).name or "logvar",
                "line": line,
            }
            return [Found(values, event=made.id, line=line)]
    return []


def _is_square(event: Event) -> bool:
    if event.op == "pow":
        return event.params.get("exponent") == 2
    return event.op == "square" or (event.op == "mul" and len(set(event.inputs)) == 1)


def _log_probability(run: Run, tensor: int) -> int:
    """1 for the logarithm of a probability, −1 for a negative one, 0 for anything else."""
    sign = 1
    for _turn in range(12):
        event = run.made_by.get(tensor)
        if event is None or event.kind != EventKind.FORWARD or not event.inputs or event.inputs[0] < 0:
            return 0
        if event.op in ("log_softmax", "log_prob", "logsigmoid"):
            return sign
        if event.op == "sub":
            other = run.made_by.get(event.inputs[1]) if event.inputs[1] >= 0 else None
            return sign if other is not None and other.op == "logsumexp" else 0
        if event.op == "log":
            inner = run.made_by.get(event.inputs[0])
            while inner is not None and inner.op in ("gather", "index", "select", "squeeze", "clamp", "add", "getitem"):
                inner = run.made_by.get(inner.inputs[0])
            return sign if inner is not None and inner.op in ("softmax", "sigmoid") else 0
        if event.op == "neg":
            sign = -sign
        elif event.op == "mul" and event.inputs[1] < 0:
            sign *= -1 if _scalar(event) < 0 else 1
        elif not (_THROUGH.fullmatch(event.op) or event.op in ("gather", "index", "select", "getitem", "slice")):
            return 0
        tensor = event.inputs[0]
    return 0


@silent_bug(
    "GL761",
    Severity.WARNING,
    title=N_("{loss} makes rewarded actions rarer: a minus is missing"),
    what=N_(
        "{loss} is the log-probability of the actions times {reward}, with a plus: `backward()` and `step()` make it "
        "small, and with it the probability of what brought a reward."
    ),
    why=N_("An optimizer goes downhill. To raise log π(a) · R, its negative must be the loss."),
    fix=N_("Put a minus before it: `{instead}`."),
    example={
        "loss": "`loss`",
        "reward": "`returns`",
        "instead": "-(log_probs * returns).sum()",
    },
    program="""import torch
torch.manual_seed(0)
scores = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.SGD([scores], lr=0.1)
for episode in range(4):
    log_probs = scores.log_softmax(0)
    action = torch.randint(0, 3, (1,))
    reward = torch.tensor([1.0, 0.0, 0.0])[action]
    loss = (log_probs[action] * reward).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
torch.manual_seed(0)
scores = torch.zeros(3, requires_grad=True)
optimizer = torch.optim.SGD([scores], lr=0.1)
for episode in range(4):
    log_probs = scores.log_softmax(0)
    action = torch.randint(0, 3, (1,))
    reward = torch.tensor([1.0, 0.0, 0.0])[action]
    loss = -(log_probs[action] * reward).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def reward_falls(run: Run) -> list[Found]:
    """REINFORCE without its minus."""
    if any(k.arg == "maximize" for call in optimizers(run).values() for k in call.keywords):
        return []
    products = frozenset(
        t for e in run.by_kind[EventKind.FORWARD] if e.op == "mul" and _rewarded(run, e) for t in e.outputs
    )
    if not products:
        return []
    for root, start in _first_roots(run):
        for term in terms(run, root, start, products):
            made = run.made_by.get(term.tensor)
            if term.tensor not in products or made is None:
                continue
            reward = _rewarded(run, made)
            factor = next(t for t in made.inputs if t >= 0 and run.tensor(t).requires_grad)
            if term.sign * _log_probability(run, factor) <= 0:
                continue
            line = line_of(run, made)
            instead, fixes = _with_minus(run, made)
            values = {"loss": quoted_name(run.trace, root), "reward": words.code(reward), "instead": instead}
            return [Found(values, fixes=fixes, event=made.id, line=line)]
    return []


def _rewarded(run: Run, event: Event) -> str:
    """The name of the reward that a log-probability is multiplied by, "" where it isn't one."""
    factors = [t for t in event.inputs if t >= 0]
    grown = [t for t in factors if run.tensor(t).requires_grad]
    if len(grown) != 1 or not _log_probability(run, grown[0]):
        return ""
    others = [run.tensor(t).name for t in factors if t not in grown]
    node = run.source.expression_at(run.span(event))
    if isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            others += [n.id for n in ast.walk(side) if isinstance(n, ast.Name)]
            others += [n.attr for n in ast.walk(side) if isinstance(n, ast.Attribute)]
    return next((n for n in others if _REWARDS.match(n)), "")


def _with_minus(run: Run, event: Event) -> tuple[str, list[Fix]]:
    node = run.source.expression_at(run.span(event))
    if not isinstance(node, ast.BinOp):
        return "-(…)", []
    text = f"-{run.source.base(node.left)} * {run.source.text_of(node.right)}"
    title = words.fill(N_("Write `{text}`"), {"text": text})
    return text, [Fix(title, "maybe", [run.source.replace(node, text)])]


@silent_bug(
    "GL773",
    Severity.WARNING,
    title=N_("{reward} isn't detached: the loss of the actor trains the critic, too"),
    what=N_(
        "On line {line} the log-probability is multiplied by {reward}, which has a history of its own: `backward()` "
        "goes on through it and changes the critic so that {reward} fits the actor."
    ),
    why=N_("In a policy gradient the advantage is a number that weighs the action; it isn't learned by this loss."),
    fix=N_("Write `{text}.detach()` there."),
    example={"reward": "`advantage`", "text": "advantage", "line": 12},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
actor, critic = nn.Linear(3, 2), nn.Linear(3, 1)
optimizer = torch.optim.SGD([*actor.parameters(), *critic.parameters()], lr=0.1)
for step in range(3):
    s = torch.randn(6, 3)
    log_probs = actor(s).log_softmax(1)[:, 0]
    advantage = s[:, 0] - critic(s).squeeze(1)
    loss = -(log_probs * advantage).mean() + advantage.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
actor, critic = nn.Linear(3, 2), nn.Linear(3, 1)
optimizer = torch.optim.SGD([*actor.parameters(), *critic.parameters()], lr=0.1)
for step in range(3):
    s = torch.randn(6, 3)
    log_probs = actor(s).log_softmax(1)[:, 0]
    advantage = s[:, 0] - critic(s).squeeze(1)
    loss = -(log_probs * advantage.detach()).mean() + advantage.pow(2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def reward_with_history(run: Run) -> list[Found]:
    """A log-probability times an advantage through which gradients flow."""
    known = roots(run)
    for event in run.by_kind[EventKind.FORWARD]:
        factors = [t for t in event.inputs if t >= 0 and run.tensor(t).requires_grad]
        if event.op != "mul" or len(set(factors)) != 2:
            continue
        named = [t for t in factors if _REWARDS.match(run.tensor(t).name) and not _log_probability(run, t)]
        if len(named) != 1 or not any(_log_probability(run, t) for t in factors if t not in named):
            continue
        if not known:
            return []
        line = line_of(run, event)
        name = run.tensor(named[0]).name
        node = run.source.expression_at(run.span(event))
        sides = [node.left, node.right] if isinstance(node, ast.BinOp) else []
        fixes = [
            Fix(
                words.fill(N_("Write `{text}`"), {"text": f"{name}.detach()"}),
                "maybe",
                run.source.append(side, ".detach()"),
            )
            for side in sides
            if isinstance(side, ast.Name) and side.id == name
        ]
        values = {"reward": words.code(name), "text": name, "line": line}
        return [Found(values, fixes=fixes, event=event.id, line=line)]
    return _target_with_history(run) if known else []


def _target_with_history(run: Run) -> list[Found]:
    """`reward + gamma * net(next)` as the target of a loss, without `detach()`."""
    for event in run.by_kind[EventKind.FORWARD]:
        if event.op not in ("mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss", "sub") or min(event.inputs[:2]) < 0:
            continue
        prediction, goal = (run.tensor(t) for t in event.inputs[:2])
        if prediction.id == goal.id or not prediction.requires_grad or not goal.requires_grad or not goal.name:
            continue
        made = run.source.assigned(goal.name)
        if not isinstance(made, ast.BinOp) or not isinstance(made.op, ast.Add):
            continue
        sides = [made.left, made.right]
        products = [isinstance(s, ast.BinOp) and isinstance(s.op, ast.Mult) for s in sides]
        rewards = [any(isinstance(n, ast.Name) and _REWARD.match(n.id) for n in ast.walk(s)) for s in sides]
        if not any(rewards[at] and products[1 - at] for at in (0, 1)):
            continue
        line = line_of(run, event)
        values = {"target": words.code(goal.name), "text": goal.name, "line": line}
        found = Found(values, event=event.id, line=line)
        found.title = N_("{target} isn't detached: the loss moves its own target")
        found.what = N_(
            "On line {line} the prediction is compared with {target}, which has a history of its own: `backward()` "
            "goes on through it and moves the value of the next state, too."
        )
        found.why = N_("In temporal-difference learning the target is a fixed number; only the prediction learns.")
        found.fix = N_("Write `{text}.detach()`, or compute it under `torch.no_grad()`.")
        return [found]
    return []


@silent_bug(
    "GL762",
    Severity.WARNING,
    title=N_("{loss} is a loss with a minus: the training makes it worse"),
    what=N_("{loss} is the negative of `{op}` on line {line}, and went from {first} to {last} in {n} iterations."),
    why=N_("An optimizer makes the loss small. The smallest value of a negated error is the greatest error."),
    fix=N_("Take the minus away."),
    example={"loss": "`loss`", "op": "mse_loss", "line": 9, "first": "−1.2", "last": "−5600", "n": 20},
    program="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x = torch.randn(8, 2)
y = x.sum(1, keepdim=True)
for step in range(4):
    loss = -nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
    mended="""import torch
import torch.nn as nn
torch.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
x = torch.randn(8, 2)
y = x.sum(1, keepdim=True)
for step in range(4):
    loss = nn.functional.mse_loss(net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
""",
)
def loss_negated(run: Run) -> list[Found]:
    """A plain loss that is maximised by the only optimizer there is."""
    made_by_text = {id(c): c for c in optimizers(run).values()}
    by_name = losses_by_name(run)
    if len(made_by_text) != 1 or len(by_name) != 1 or len(run.trace.losses) < 2:
        return []
    if not any("." in run.tensor(t).name for t in updated(run)):
        return []  # an input is changed against a model, not the model itself
    is_up = any(
        k.arg == "maximize" and isinstance(k.value, ast.Constant) and k.value.value is True
        for call in made_by_text.values()
        for k in call.keywords
    )
    for root, start in _first_roots(run):
        summands = terms(run, root, start)
        makers = [(t, run.made_by.get(t.tensor)) for t in summands]
        if len(summands) == 1 and not is_up and summands[0].sign * _log_probability(run, summands[0].tensor) > 0:
            return [_likelihood_falls(run, root, summands[0], [each.value for each in next(iter(by_name.values()))])]
        known = [(t, e) for t, e in makers if e is not None and _LOSSES.fullmatch(e.op)]
        if len(known) != 1 or len(summands) != 1 or (known[0][0].sign < 0) == is_up:
            return []
        term, event = known[0]
        values_of = [each.value for each in next(iter(by_name.values()))]
        node = run.source.expression_at(run.span(term.event)) if term.event.op == "neg" else None
        fixes = []
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            text = run.source.text_of(node.operand)
            fixes.append(
                Fix(words.fill(N_("Write `{text}`"), {"text": text}), "maybe", [run.source.replace(node, text)])
            )
        found = Found(
            {
                "loss": quoted_name(run.trace, root),
                "op": event.op,
                "line": line_of(run, event),
                "first": words.number(values_of[0]),
                "last": words.number(values_of[-1]),
                "n": len(values_of),
            },
            fixes=fixes,
            event=term.event.id,
            line=line_of(run, event),
        )
        if is_up:
            found.title = N_("{loss} is maximised: the training makes it worse")
            found.what = N_(
                "The optimizer was made with `maximize=True`; {loss} went from {first} to {last} in {n} iterations."
            )
            found.fix = N_("Leave `maximize=True` out.")
        return [found]
    return []


def _likelihood_falls(run: Run, root: int, term: Term, values: list[float]) -> Found:
    """The mean log-probability of the right answers taken for a loss as it is."""
    line = line_of(run, term.event)
    told = {
        "loss": quoted_name(run.trace, root),
        "line": line,
        "first": words.number(values[0]),
        "last": words.number(values[-1]),
        "n": len(values),
    }
    found = Found(told, event=term.event.id, line=line)
    found.title = N_("{loss} is a log-probability without a minus: the training makes the right answers rarer")
    found.what = N_(
        "{loss} on line {line} is a log-probability as it is, and `step()` makes it small: it went from {first} to "
        "{last} in {n} iterations."
    )
    found.why = N_("A log-probability is highest, 0, where the answer is certain. The loss is its negative.")
    found.fix = N_("Put a minus before it, or use `nll_loss`, which has it built in.")
    return found
