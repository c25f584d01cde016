"""A trainer that only calls its callbacks, a search for the learning rate, and hooks that watch activations."""

import math
from contextlib import ExitStack
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset, random_split


class StopFit(Exception):
    pass


class Callback:
    order = 0


class Learner:
    def __init__(self, model, batches, loss_of, callbacks, optimizer_of=torch.optim.SGD):
        self.model, self.batches, self.loss_of, self.optimizer_of = model, batches, loss_of, optimizer_of
        self.callbacks = sorted(callbacks, key=lambda each: each.order)

    def tell(self, what):
        for callback in self.callbacks:
            getattr(callback, what, lambda learner: None)(self)

    def fit(self, epochs, rate):
        self.optimizer = self.optimizer_of(self.model.parameters(), rate)
        try:
            self.tell("before_fit")
            for self.epoch in range(epochs):
                for self.xb, self.yb in self.batches:
                    self.predictions = self.model(self.xb)
                    self.loss = self.loss_of(self.predictions, self.yb)
                    self.loss.backward()
                    self.tell("after_backward")
                    self.optimizer.step()
                    self.optimizer.zero_grad()
                    self.tell("after_batch")
                self.tell("after_epoch")
        except StopFit as reason:
            print("stopped:", reason)
        finally:
            self.tell("after_fit")


class Metrics(Callback):
    def before_fit(self, learner):
        self.losses, self.right, self.seen = [], 0, 0

    def after_batch(self, learner):
        self.losses.append(learner.loss.item())
        self.right += (learner.predictions.argmax(1) == learner.yb).sum().item()
        self.seen += len(learner.yb)

    def after_epoch(self, learner):
        print(f"{learner.epoch:>2} | {sum(self.losses) / len(self.losses):.4f} | {self.right / self.seen:6.1%}")
        self.before_fit(learner)


class RateFinder(Callback):
    order = 1

    def __init__(self, factor=1.6, limit=3):
        self.factor, self.limit = factor, limit

    def before_fit(self, learner):
        self.schedule = torch.optim.lr_scheduler.ExponentialLR(learner.optimizer, self.factor)
        self.found, self.least = [], math.inf

    def after_batch(self, learner):
        loss = learner.loss.item()
        self.found.append((self.schedule.get_last_lr()[0], loss))
        self.least = min(self.least, loss)
        if math.isnan(loss) or loss > self.limit * self.least:
            raise StopFit(f"loss grew {loss / self.least:.1f} times")
        self.schedule.step()


def watch(name, book, module, inputs, output):
    kept = output.detach()
    book.setdefault(name, []).append((kept.mean().item(), kept.std().item(), (kept.abs() < 0.05).float().mean().item()))


def model():
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 3))


torch.manual_seed(1)
x = torch.randn(96, 6)
y = (x[:, 0] > 0).long() + (x[:, 1] * x[:, 2] > 0).long()
train, held = random_split(TensorDataset(x, y), [0.75, 0.25], generator=torch.Generator().manual_seed(0))
batches = DataLoader(train, batch_size=24, shuffle=True, generator=torch.Generator().manual_seed(7))

finder = RateFinder()
Learner(model(), batches, F.cross_entropy, [finder]).fit(20, 1e-2)
print(len(finder.found), f"{finder.found[-1][0]:.3f}")

book = {}
net = model()
with ExitStack() as hooks:
    for name, layer in net.named_children():
        if isinstance(layer, nn.ReLU):
            handle = layer.register_forward_hook(partial(watch, name, book))
            hooks.callback(handle.remove)
    clip = Callback()
    clip.after_backward = lambda learner: nn.utils.clip_grad_norm_(learner.model.parameters(), 1.0)
    Learner(net, batches, F.cross_entropy, [Metrics(), clip], partial(torch.optim.Adam, eps=1e-6)).fit(3, 1e-2)
net(x)
print({name: len(rows) for name, rows in book.items()})
print([f"{value:.3f}" for value in book["1"][-1]], [f"{value:.3f}" for value in book["3"][-1]])
with torch.no_grad():
    xs, ys = held.dataset[held.indices]
    print(f"{(net(xs).argmax(1) == ys).float().mean():.3f}")
