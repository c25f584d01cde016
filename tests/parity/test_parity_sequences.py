# ruff: noqa: E501 - programs in text
"""Padded and packed sequences through recurrent layers, and projections: the numbers of torch."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

HEAD = """
a, b, c = torch.arange(6.0).reshape(3, 2), torch.arange(10.0).reshape(5, 2) / 5, torch.ones(1, 2)
def run(m, packed, *states):
    out, last = m(packed, *states)
    show(list(out), last)
    (out.data.pow(2).sum() + sum(s.sum() for s in (last if isinstance(last, tuple) else (last,)))).backward()
    show({k: p.grad for k, p in m.named_parameters()})
"""

PROGRAMS = """
show(rnn.pad_sequence([a, b, c]), rnn.pad_sequence([a, b, c], batch_first=True, padding_value=-1.0), rnn.pad_sequence([a, b, c], True, 0.5, "left"))

show(rnn.pad_sequence([torch.tensor([1, 2]), torch.tensor([3])], batch_first=True))

rnn.pad_sequence([])

rnn.pad_sequence([a], padding_side="up")

p = rnn.pad_sequence([b, a, c])
packed = rnn.pack_padded_sequence(p, [5, 3, 1])
show(list(packed), packed.batch_sizes.dtype, packed.sorted_indices)
show(rnn.pad_packed_sequence(packed), rnn.pad_packed_sequence(packed, batch_first=True, padding_value=9.0, total_length=6))

p = rnn.pad_sequence([a, b, c], batch_first=True).requires_grad_()
packed = rnn.pack_padded_sequence(p, torch.tensor([3, 5, 1]), batch_first=True, enforce_sorted=False)
show(list(packed))
out, lengths = rnn.pad_packed_sequence(packed, batch_first=True)
show(out, lengths)
(out * torch.arange(30.0).reshape(3, 5, 2)).sum().backward()
show(p.grad)

packed = rnn.pack_sequence([a, b, c], enforce_sorted=False)
show(list(packed), rnn.unpack_sequence(packed), rnn.unpad_sequence(rnn.pad_sequence([a, b]), torch.tensor([3, 5])))

rnn.pack_sequence([a, b, c])

rnn.pack_padded_sequence(torch.ones(3, 2, 1), [3, 0])

rnn.pack_padded_sequence(torch.ones(3, 2, 1), [3])

show(list(rnn.pack_padded_sequence(torch.ones(3, 2, 1), torch.tensor([3.0, 1.0]))))

rnn.pack_padded_sequence(torch.ones(3, 2, 1), torch.tensor([[3, 1]]))

rnn.pad_sequence([torch.ones(3, 2), torch.ones(3, 3)])

rnn.pad_sequence(3)

rnn.pad_packed_sequence(rnn.pack_sequence([b, a]), total_length=2)

run(nn.RNN(2, 3), rnn.pack_sequence([b, a, c]))

run(nn.RNN(2, 3, num_layers=2, nonlinearity="relu", bidirectional=True), rnn.pack_sequence([a, b, c], enforce_sorted=False))

run(nn.GRU(2, 3, batch_first=True), rnn.pack_sequence([a, b, c], enforce_sorted=False))

run(nn.GRU(2, 3, num_layers=2, bidirectional=True, bias=False), rnn.pack_sequence([b, b, a, c]))

run(nn.LSTM(2, 3), rnn.pack_sequence([b, a, c]))

run(nn.LSTM(2, 3, num_layers=2, bidirectional=True), rnn.pack_sequence([a, c, b, a], enforce_sorted=False))

m = nn.LSTM(2, 3, bidirectional=True)
h, k = torch.randn(2, 3, 3), torch.randn(2, 3, 3)
run(m, rnn.pack_sequence([a, c, b], enforce_sorted=False), (h, k))

m = nn.GRU(2, 3)
m(rnn.pack_sequence([b, a]), torch.zeros(1, 3, 3))

m = nn.GRU(2, 3)
m(rnn.pack_sequence([torch.ones(3, 4)]))

m = nn.LSTM(2, 4, proj_size=3)
show({k: v for k, v in m.state_dict().items()}, repr(m))
out, (h, k) = m(torch.randn(5, 2, 2))
show(out, h, k)
(out.sum() + k.sum()).backward()
show({k: p.grad for k, p in m.named_parameters()})

m = nn.LSTM(2, 4, num_layers=2, bidirectional=True, proj_size=3, batch_first=True)
show(list(m.state_dict()))
out, (h, k) = m(torch.randn(2, 5, 2), (torch.randn(4, 2, 3), torch.randn(4, 2, 4)))
show(out, h, k)

run(nn.LSTM(2, 4, bidirectional=True, proj_size=3), rnn.pack_sequence([b, a, c]))

m = nn.LSTM(2, 4, proj_size=3)
m(torch.randn(5, 2, 2), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 4)))

m = nn.LSTM(2, 4, proj_size=3)
show(m(torch.randn(5, 2))[0])

nn.LSTM(2, 3, proj_size=3)

nn.GRU(2, 3, proj_size=1)

e = nn.Embedding(10, 4, padding_idx=0)
m = nn.LSTM(4, 3, batch_first=True)
words = torch.tensor([[1, 2, 3, 0], [4, 5, 0, 0], [6, 7, 8, 9]])
out, (h, k) = m(rnn.pack_padded_sequence(e(words), (words != 0).sum(1), batch_first=True, enforce_sorted=False))
y, n = rnn.pad_packed_sequence(out, batch_first=True)
h[-1].sum().backward()
show(y, n, e.weight.grad, m.weight_ih_l0.grad)
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
@pytest.mark.filterwarnings("ignore")
def test_sequences_agree(program: str) -> None:
    compare(torch, HEAD + program)
