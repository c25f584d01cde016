"""A picture of a directed graph: arrays in, positions and routes out. Knows nothing of Qt or of tensors."""

from graphlab.layout.arrange import arrange
from graphlab.layout.model import Cancelled, EdgeKind, GroupBox, LayoutGraph, Options, Picture, Portal

__all__ = ["Cancelled", "EdgeKind", "GroupBox", "LayoutGraph", "Options", "Picture", "Portal", "arrange"]
