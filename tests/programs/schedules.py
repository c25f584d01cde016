# Learning-rate schedules beside one another, and a training with two of them.
import torch
from torch import nn, optim
from torch.optim import lr_scheduler


def rates(make, n=8):
    p = nn.Parameter(torch.zeros(1))
    optimizer = optim.SGD([p], lr=0.1)
    scheduler = make(optimizer)
    seen = []
    for _ in range(n):
        seen.append(round(optimizer.param_groups[0]["lr"], 5))
        optimizer.step()
        scheduler.step()
    return seen


print("step", rates(lambda o: lr_scheduler.StepLR(o, step_size=3, gamma=0.5)))
print("multi", rates(lambda o: lr_scheduler.MultiStepLR(o, milestones=[2, 5], gamma=0.1)))
print("exponential", rates(lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9)))
print("cosine", rates(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=8)))
print("lambda", rates(lambda o: lr_scheduler.LambdaLR(o, lambda epoch: 0.95**epoch)))
print("linear", rates(lambda o: lr_scheduler.LinearLR(o, start_factor=0.5, total_iters=4)))
print("one cycle", rates(lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.2, total_steps=10)))
print("restarts", rates(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=3)))
print(
    "sequence",
    rates(
        lambda o: lr_scheduler.SequentialLR(
            o, [lr_scheduler.ConstantLR(o, factor=0.1, total_iters=2), lr_scheduler.ExponentialLR(o, gamma=0.9)], [2]
        )
    ),
)

torch.manual_seed(0)
x = torch.randn(50, 3)
y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 0.1 * torch.randn(50, 1)
model = nn.Linear(3, 1)
optimizer = optim.SGD(model.parameters(), lr=0.3, momentum=0.5)
scheduler = lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
plateau = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
for epoch in range(15):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
    scheduler.step()
    plateau.step(loss.item())
    if epoch % 3 == 2:
        print(epoch, f"{loss.item():.5f}", scheduler.get_last_lr())
print([round(v, 3) for v in model.weight[0].tolist()])
