"""GraphLab: see what PyTorch-style code computes."""

__version__ = "0.1.0"
