# Fine-tuning with frozen layers, parameter groups, no_grad and enable_grad mixed, detach and eval.
import torch
from torch import nn

torch.manual_seed(12)
backbone = nn.Sequential(nn.Linear(5, 10), nn.ReLU(), nn.Linear(10, 10), nn.ReLU())
head = nn.Linear(10, 2)
for p in backbone[0].parameters():
    p.requires_grad = False
x, y = torch.randn(24, 5), torch.randint(0, 2, (24,))
optimizer = torch.optim.Adam(
    [{"params": [p for p in backbone.parameters() if p.requires_grad], "lr": 1e-3}, {"params": head.parameters()}],
    lr=1e-2,
)
before = backbone[0].weight.clone()
for step in range(20):
    features = backbone(x)
    loss = nn.functional.cross_entropy(head(features), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 5 == 4:
        with torch.no_grad():
            accuracy = (head(backbone(x)).argmax(1) == y).float().mean()
            with torch.enable_grad():
                inner = head(features.detach()).sum()
            print(step, f"{loss.item():.4f}", f"{accuracy.item():.3f}", accuracy.requires_grad, inner.requires_grad)
print(torch.equal(before, backbone[0].weight), backbone[0].weight.grad)


@torch.no_grad()
def predict(inputs):
    return head(backbone(inputs))


print(predict(x[:2]).requires_grad, torch.is_grad_enabled())
w = torch.ones(3, requires_grad=True)
with torch.set_grad_enabled(False):
    off = w * 2
on = w * 2
mixed = (on + off).sum()
mixed.backward()
print(off.requires_grad, on.requires_grad, w.grad)
with torch.inference_mode():
    print((w * 3).requires_grad)
print([(name, p.requires_grad) for name, p in backbone.named_parameters()])
