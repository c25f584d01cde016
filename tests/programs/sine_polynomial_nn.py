# A cubic fitted to a sine with nn.Sequential and a Flatten, the update over model.parameters().
import math

import torch

x = torch.linspace(-math.pi, math.pi, 400)
y = torch.sin(x)
p = torch.tensor([1, 2, 3])
xx = x.unsqueeze(-1).pow(p)
torch.manual_seed(3)
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
loss_fn = torch.nn.MSELoss(reduction="sum")

learning_rate = 1e-5
for t in range(300):
    y_pred = model(xx)
    loss = loss_fn(y_pred, y)
    if t % 60 == 59:
        print(t, f"{loss.item():.3f}")
    model.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in model.parameters():
            param -= learning_rate * param.grad

linear_layer = model[0]
w = linear_layer.weight
print(
    f"y = {linear_layer.bias.item():.4f} + {w[:, 0].item():.4f} x + {w[:, 1].item():.4f} x^2 + {w[:, 2].item():.4f} x^3"
)
print(model)
print(xx[:3], xx.shape)
