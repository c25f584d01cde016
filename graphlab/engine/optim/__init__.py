"""Optimizers: `torch.optim`."""

from typing import Any

from graphlab.engine.absent import take_names
from graphlab.engine.optim import lr_scheduler
from graphlab.engine.optim.adadelta import Adadelta
from graphlab.engine.optim.adafactor import Adafactor, Muon
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
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "lr_scheduler",
    "swa_utils",
]

take_names(globals())
take_names(vars(lr_scheduler))


def __getattr__(name: str) -> Any:
    if name == "swa_utils":  # it stands on the modules
        import importlib

        return importlib.import_module("graphlab.engine.optim.swa_utils")
    raise AttributeError(f"module 'torch.optim' has no attribute '{name}'")
