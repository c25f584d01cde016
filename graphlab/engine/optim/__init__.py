"""Optimizers: `torch.optim`."""

from graphlab.engine.optim import lr_scheduler
from graphlab.engine.optim.adadelta import Adadelta
from graphlab.engine.optim.adagrad import Adagrad
from graphlab.engine.optim.adam import Adam, AdamW
from graphlab.engine.optim.adamax import Adamax
from graphlab.engine.optim.asgd import ASGD
from graphlab.engine.optim.lbfgs import LBFGS
from graphlab.engine.optim.nadam import NAdam
from graphlab.engine.optim.optimizer import Optimizer
from graphlab.engine.optim.radam import RAdam
from graphlab.engine.optim.rmsprop import RMSprop
from graphlab.engine.optim.rprop import Rprop
from graphlab.engine.optim.sgd import SGD

__all__ = [
    "ASGD",
    "LBFGS",
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
]
