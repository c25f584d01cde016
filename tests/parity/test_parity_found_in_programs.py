"""Names and values that programs as people post them asked for, one short program each."""

from __future__ import annotations

import pytest
from both import blocks, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

PROGRAMS = """
for data in ([np.int32(1)], [np.float64(2.5)], [np.int64(1), np.float32(2)], [np.float32(1), 2], [1.5, np.int32(1)],
             [np.bool_(True)], [[np.int8(1)], [np.int16(2)]], [torch.tensor(1.5, dtype=torch.float64)]):
    show(str(torch.tensor(data).dtype), torch.tensor(data))

show(torch.linalg.matrix_power(torch.tensor([[1, 1], [1, 0]]), 10), torch.tensor([[2]]).matrix_power(0))
torch.linalg.matrix_power(torch.tensor([[1, 1], [1, 0]]), -1)

model = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
fast = torch.compile(model, mode="reduce-overhead")
show(list(fast.state_dict()), str(fast), fast[0].in_features, fast(torch.ones(1, 2)).shape)
fast.eval()
show(model.training, isinstance(fast, nn.Module), model.compile())

@torch.compile(fullgraph=True)
def double(x):
    return x * 2
show(double(torch.ones(2)), double.__name__)
torch.compile(double, mode="fast")

torch.compile(3)

out, push = torch.func.linearize(lambda x, y: (x * y, x.sin()), torch.ones(2), torch.arange(2.0))
show(out, push(torch.ones(2), torch.zeros(2)))
push(torch.ones(3), torch.zeros(2))

w = torch.nn.Parameter(torch.ones(1))
opt = optim.SGD([w], lr=1.0)
for made in (optim.lr_scheduler.LambdaLR(opt, lambda e: 0.9**e), optim.lr_scheduler.StepLR(opt, 3),
             optim.lr_scheduler.MultiStepLR(opt, [1, 2, 2]), optim.lr_scheduler.ReduceLROnPlateau(opt)):
    show(str(made.state_dict()))

show(torch.spmm(torch.eye(2), torch.ones(2, 2)))
bag = nn.EmbeddingBag.from_pretrained(torch.arange(6.0).reshape(3, 2), mode="sum")
show(bag(torch.tensor([0, 2, 1]), torch.tensor([0, 2])), bag.weight.requires_grad, str(bag))

emb = nn.Embedding(4, 2, max_norm=1.0, _weight=torch.ones(4, 2))
show(emb(torch.tensor([0, 0, 1])), emb.weight)
emb = nn.Embedding(4, 2, max_norm=1.5, norm_type=1.0, _weight=torch.ones(4, 2))
show(emb(torch.tensor([3, 1])), emb.weight)
emb = nn.Embedding(4, 2, scale_grad_by_freq=True, _weight=torch.ones(4, 2))
emb(torch.tensor([0, 0, 1])).sum().backward()
show(emb.weight.grad)

class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g * 2 * ctx.saved_tensors[0]
w = torch.ones(2, requires_grad=True)
Square.apply(w).sum().backward()
show(w.grad)
g, = torch.autograd.grad((Square.apply(w) * w).sum(), w, create_graph=True)
show(g)
g.sum().backward()

torch.ones(2, 3).split("a")

torch.ones(2, 3).split([1.5, 0.5])

torch.ones(2, 3).split((1, "a"))

torch.zeros(2, -3)

F.binary_cross_entropy(torch.tensor([0.2, 3.0]), torch.tensor([-1.0, 0.0]))

show(str(F.cross_entropy(torch.eye(3), torch.tensor([0, -100, 1]), reduction="none")))
"""


@pytest.mark.parametrize("program", blocks(PROGRAMS))
def test_what_programs_asked_for(program: str) -> None:
    compare(torch, "import numpy as np\n" + program)
