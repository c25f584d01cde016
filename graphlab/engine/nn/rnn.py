"""Recurrent layers and cells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from graphlab.engine.nn import functional as F
from graphlab.engine.nn.linear import draw_uniform, new_parameter
from graphlab.engine.nn.module import Module
from graphlab.engine.nn.parameter import Parameter
from graphlab.engine.nn.recurrence import one_layer, packed_layer
from graphlab.engine.nn.utils.rnn import PackedSequence
from graphlab.engine.ops.activation import warn
from graphlab.engine.ops.run import FUNCTIONS
from graphlab.engine.tensor import Tensor, wrap

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


class RNNBase(Module):
    """What all recurrent layers share: weights by layer and direction, and the walk over layers."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        if isinstance(dropout, bool) or not isinstance(dropout, int | float) or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
            )
        if dropout > 0 and num_layers == 1:
            warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects "
                "num_layers "
                f"greater than 1, but got dropout={dropout} and num_layers={num_layers}",
                "rnn_dropout",
            )
        for name, value, kind in (
            ("bias", bias, bool),
            ("batch_first", batch_first, bool),
            ("input_size", input_size, int),
        ):
            if not isinstance(value, kind):
                raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")
        if input_size <= 0:
            raise ValueError("input_size must be greater than zero")
        if not isinstance(hidden_size, int):
            raise TypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        rows = _GATES[mode] * hidden_size
        self._n_directions = 2 if bidirectional else 1
        for index in range(num_layers):
            seen = proj_size or hidden_size
            wide = input_size if index == 0 else seen * self._n_directions
            for end in ("", "_reverse")[: self._n_directions]:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, wide), "weight_hh": (rows, seen)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, f"{name}_l{index}{end}", new_parameter(shape, device, dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: all uniform within 1 / sqrt(hidden_size)."""
        for parameter in self.parameters():
            draw_uniform(parameter, 1 / math.sqrt(self.hidden_size))

    def flatten_parameters(self) -> None:
        """Does nothing: there is no cuDNN here."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        return [
            [p for p in self._weights(i, end) if p is not None]
            for i in range(self.num_layers)
            for end in ("", "_reverse")[: self._n_directions]
        ]

    def _weights(self, index: int, end: str) -> list[Parameter | None]:
        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        # A parametrized weight is no parameter of the layer.
        get = self._parameters.get if "parametrizations" not in self.__dict__ else self._computed
        found = [get(f"{name}_l{index}{end}") for name in names]
        return [*found, get(f"weight_hr_l{index}{end}")] if self.proj_size else found

    def _computed(self, name: str) -> Any:
        return getattr(self, name, None)

    def _check_input(self, input: Tensor) -> None:
        weight: Any = self._parameters["weight_ih_l0"]
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: model.to({input.dtype})"
            )
        if input.size(-1) != self.input_size:
            raise RuntimeError(
                f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}"
            )

    def _check_hidden(self, hx: Tensor, batch: int, message: str, is_cell: bool = False) -> None:
        wide = self.hidden_size if is_cell or not self.proj_size else self.proj_size
        wanted = (self.num_layers * self._n_directions, batch, wide)
        if tuple(hx.shape) != wanted:
            raise RuntimeError(message.format(wanted, list(hx.shape)))

    def _walk(self, x: Tensor, states: list[Tensor]) -> tuple[Tensor, list[list[Tensor]]]:
        """All layers over (time, batch, features); `states` and what is returned of them by kind, then layer."""
        ends: list[list[Tensor]] = [[] for _ in states]
        n = self._n_directions
        for index in range(self.num_layers):
            outs = []
            for direction in range(n):
                first = tuple(s[index * n + direction] for s in states)
                weights = self._weights(index, "_reverse" if direction else "")
                out, *last = one_layer(self.mode, (x, *first, *weights), bool(direction))
                outs.append(out)
                for kept, each in zip(ends, last):
                    kept.append(each)
            x = outs[0] if n == 1 else FUNCTIONS["cat"](outs, 2)
            if self.dropout and self.training and index < self.num_layers - 1:
                x = F.dropout(x, self.dropout, True)
        return x, ends

    def _run(self, input: Tensor, states: list[Tensor] | None, n_states: int) -> tuple[Tensor, list[Tensor]]:
        is_batch = input.dim() == 3
        x = input if is_batch else input.unsqueeze(1)
        if is_batch and self.batch_first:
            x = x.transpose(0, 1)
        batch = x.shape[1]
        self._check_input(input)
        if states is None:
            shape = (self.num_layers * self._n_directions, batch, self.hidden_size)
            states = self._zeros(shape, x, n_states)
        else:
            states = states if is_batch else [s.unsqueeze(1) for s in states]
            if n_states == 1:
                self._check_hidden(states[0], batch, "Expected hidden size {}, got {}")
            else:
                self._check_hidden(states[0], batch, "Expected hidden[0] size {}, got {}")
                self._check_hidden(states[1], batch, "Expected hidden[1] size {}, got {}", True)
        out, ends = self._walk(x, states)
        if is_batch and self.batch_first:
            out = out.transpose(0, 1)
        last = [FUNCTIONS["stack"](kept) for kept in ends]
        if not is_batch:
            out, last = out.squeeze(1), [s.squeeze(1) for s in last]
        return out, last

    def _zeros(self, shape: tuple[int, ...], x: Tensor, n_states: int) -> list[Tensor]:
        """States to begin with; the hidden state may be projected, the cell's is not."""
        made = []
        for kind in range(n_states):
            wide = self.proj_size if self.proj_size and kind == 0 else shape[2]
            made.append(wrap(np.zeros((*shape[:2], wide), x._array.dtype), x._device))
        return made

    def _run_packed(self, packed: Any, states: list[Tensor] | None, n_states: int) -> tuple[Any, list[Tensor]]:
        """The same as `_run` for a PackedSequence; states are in the order of the sequences as they were given."""
        x = packed.data
        if x.dim() != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {x.dim()}")
        self._check_input(x)
        sizes = [int(n) for n in packed.batch_sizes._array]
        n = self._n_directions
        shape = (self.num_layers * n, sizes[0], self.hidden_size)
        if states is None:
            states = self._zeros(shape, x, n_states)
        else:
            words = "Expected hidden size {}, got {}" if n_states == 1 else "Expected hidden[0] size {}, got {}"
            self._check_hidden(states[0], sizes[0], words)
            if n_states == 2:
                self._check_hidden(states[1], sizes[0], "Expected hidden[1] size {}, got {}", True)
            if packed.sorted_indices is not None:
                states = [s.index_select(1, packed.sorted_indices) for s in states]
        ends: list[list[Tensor]] = [[] for _ in states]
        for index in range(self.num_layers):
            outs = []
            for direction in range(n):
                first = tuple(s[index * n + direction] for s in states)
                weights = self._weights(index, "_reverse" if direction else "")
                out, last = packed_layer(self.mode, x, sizes, first, weights, bool(direction))
                outs.append(out)
                for kept, each in zip(ends, last):
                    kept.append(each)
            x = outs[0] if n == 1 else FUNCTIONS["cat"](outs, 1)
            if self.dropout and self.training and index < self.num_layers - 1:
                x = F.dropout(x, self.dropout, True)
        last_states = [FUNCTIONS["stack"](kept) for kept in ends]
        if packed.unsorted_indices is not None:
            last_states = [s.index_select(1, packed.unsorted_indices) for s in last_states]
        return type(packed)(x, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices), last_states

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size:
            text += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            text += f", num_layers={self.num_layers}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        if self.batch_first is not False:
            text += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            text += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            text += f", bidirectional={self.bidirectional}"
        return text


class _OneState(RNNBase):
    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        if isinstance(input, PackedSequence):
            packed, (last,) = self._run_packed(input, None if hx is None else [hx], 1)
            return packed, last
        word = "RNN" if self.mode.startswith("RNN") else self.mode
        if input.dim() not in (2, 3):
            what = "D tensor instead" if word == "RNN" else "D instead"
            raise ValueError(f"{word}: Expected input to be 2D or 3D, got {input.dim()}{what}")
        if hx is not None and hx.dim() != input.dim():
            kind = (
                "unbatched 2-D input, hx should also be 2-D"
                if input.dim() == 2
                else ("batched 3-D input, hx should also be 3-D")
            )
            raise RuntimeError(f"For {kind} but got {hx.dim()}-D tensor")
        out, (last,) = self._run(input, None if hx is None else [hx], 1)
        return out, last


class RNN(_OneState):
    """h = tanh(W x + U h + b) over a sequence; returns all hidden states and the last."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if len(args) > 3:
            self_nonlinearity = args[3]
            args = args[:3] + args[4:]
        else:
            self_nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if self_nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{self_nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__(f"RNN_{self_nonlinearity.upper()}", *args, **kwargs)
        self.nonlinearity = self_nonlinearity


class GRU(_OneState):
    """The gated recurrent unit over a sequence; returns all hidden states and the last."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)


class LSTM(RNNBase):
    """Long short-term memory over a sequence; returns all hidden states, and the last hidden and cell state."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        if isinstance(input, PackedSequence):
            packed, (hidden, cell) = self._run_packed(input, None if hx is None else list(hx), 2)
            return packed, (hidden, cell)
        if input.dim() not in (2, 3):
            raise ValueError(f"LSTM: Expected input to be 2D or 3D, got {input.dim()}D instead")
        if hx is not None and (hx[0].dim() != input.dim() or hx[1].dim() != input.dim()):
            kind = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
            raise RuntimeError(
                f"For {kind} input, hx and cx should also be {input.dim()}-D but got "
                f"({hx[0].dim()}-D, {hx[1].dim()}-D) tensors"
            )
        out, (hidden, cell) = self._run(input, None if hx is None else list(hx), 2)
        return out, (hidden, cell)


class RNNCellBase(Module):
    """What the cells share: weights for one step."""

    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        self.weight_ih = new_parameter((rows, input_size), device, dtype)
        self.weight_hh = new_parameter((rows, hidden_size), device, dtype)
        self.register_parameter("bias_ih", new_parameter((rows,), device, dtype) if bias else None)
        self.register_parameter("bias_hh", new_parameter((rows,), device, dtype) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new initial values: all uniform within 1 / sqrt(hidden_size)."""
        for parameter in self.parameters():
            draw_uniform(parameter, 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0)

    def _prepared(self, input: Tensor, states: list[Tensor] | None, n_states: int) -> tuple[Tensor, list[Tensor], bool]:
        """Input and states as (batch, features), and whether there was a batch."""
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for i, each in enumerate(states or ()):
            if each.dim() not in (1, 2):
                what = "hidden" if n_states == 1 else f"hx[{i}]"
                raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {each.dim()}D instead")
        is_batch = input.dim() == 2
        x = input if is_batch else input.unsqueeze(0)
        if states is None:
            shape = (x.shape[0], self.hidden_size)
            states = [wrap(np.zeros(shape, x._array.dtype), x._device) for _ in range(n_states)]
        elif not is_batch:
            states = [s.unsqueeze(0) for s in states]
        if x.shape[1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {x.shape[1]} expected {self.input_size}")
        for i, each in enumerate(states):
            if each.shape[0] != x.shape[0]:
                raise RuntimeError(f"Input batch size {x.shape[0]} doesn't match hidden{i} batch size {each.shape[0]}")
            if each.shape[1] != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {each.shape[1]}, expected {self.hidden_size}"
                )
        return x, states, is_batch

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            text += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return text if nonlinearity == "tanh" else f"{text}, nonlinearity={nonlinearity}"


class RNNCell(RNNCellBase):
    """One step: h = tanh(W x + U h + b)."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        x, (h,), is_batch = self._prepared(input, None if hx is None else [hx], 1)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        total = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        out = getattr(F, self.nonlinearity)(total)
        return out if is_batch else out.squeeze(0)


class LSTMCell(RNNCellBase):
    """One step of an LSTM: returns the hidden and the cell state."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        if isinstance(hx, Tensor):
            raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor")
        x, (h, c), is_batch = self._prepared(input, None if hx is None else list(hx), 2)
        total = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = total.chunk(4, 1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        return (h, c) if is_batch else (h.squeeze(0), c.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a GRU."""

    def __init__(
        self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Any:
        x, (h,), is_batch = self._prepared(input, None if hx is None else [hx], 1)
        from_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, 1)
        from_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, 1)
        r = (from_x[0] + from_h[0]).sigmoid()
        z = (from_x[1] + from_h[1]).sigmoid()
        n = (from_x[2] + r * from_h[2]).tanh()
        out = (1 - z) * n + z * h
        return out if is_batch else out.squeeze(0)
