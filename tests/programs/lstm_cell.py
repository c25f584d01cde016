# The same task with LSTMCells, step by step, and LBFGS with a closure.
import torch
import torch.nn as nn

torch.manual_seed(0)
t = torch.arange(30, dtype=torch.float64)
data = torch.sin(torch.stack([t + shift for shift in (0.0, 1.5, 2.5)]) / 3)


class Sequence(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm1 = nn.LSTMCell(1, 8)
        self.linear = nn.Linear(8, 1)

    def forward(self, input, future=0):
        outputs = []
        h_t = torch.zeros(input.size(0), 8, dtype=torch.double)
        c_t = torch.zeros(input.size(0), 8, dtype=torch.double)
        for input_t in input.split(1, dim=1):
            h_t, c_t = self.lstm1(input_t, (h_t, c_t))
            output = self.linear(h_t)
            outputs += [output]
        for _ in range(future):
            h_t, c_t = self.lstm1(output, (h_t, c_t))
            output = self.linear(h_t)
            outputs += [output]
        return torch.cat(outputs, dim=1)


seq = Sequence()
seq.double()
criterion = nn.MSELoss()
optimizer = torch.optim.LBFGS(seq.parameters(), lr=0.8, max_iter=5)
for i in range(3):

    def closure():
        optimizer.zero_grad()
        loss = criterion(seq(data[1:, :-1]), data[1:, 1:])
        loss.backward()
        return loss

    loss = optimizer.step(closure)
    print("STEP", i, f"{loss.item():.6f}")
with torch.no_grad():
    pred = seq(data[:1, :-1], future=5)
    print(f"test loss: {criterion(pred[:, :-5], data[:1, 1:]).item():.6f}")
    print(pred[0, -5:])
