"""Optimizers: `torch.optim`."""

from graphlab.engine.optim import lr_scheduler
from graphlab.engine.optim.adagrad import Adagrad
from graphlab.engine.optim.adam import Adam, AdamW
from graphlab.engine.optim.optimizer import Optimizer
from graphlab.engine.optim.rmsprop import RMSprop
from graphlab.engine.optim.sgd import SGD

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]
