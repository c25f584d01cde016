# REINFORCE on a corridor of six cells: the goal is to the right, each step costs.
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(543)
N = 6


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(N, 16)
        self.dropout = nn.Dropout(p=0.1)
        self.affine2 = nn.Linear(16, 2)
        self.saved_log_probs = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.dropout(self.affine1(x)))
        return F.softmax(self.affine2(x), dim=1)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=2e-2)
eps = 1e-6


def select_action(position):
    state = F.one_hot(torch.tensor([position]), N).float()
    probs = policy(state)
    action = torch.multinomial(probs, 1).item()
    policy.saved_log_probs.append(probs[0, action].log())
    return action


def finish_episode():
    R = 0.0
    returns = []
    for r in policy.rewards[::-1]:
        R = r + 0.95 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    if len(returns) > 1:
        returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_loss = [-log_prob * R for log_prob, R in zip(policy.saved_log_probs, returns)]
    optimizer.zero_grad()
    loss = torch.stack(policy_loss).sum()
    loss.backward()
    optimizer.step()
    del policy.rewards[:]
    del policy.saved_log_probs[:]
    return loss.item()


running_reward = 0.0
for episode in range(24):
    position, total = 0, 0.0
    for _ in range(30):
        action = select_action(position)
        position = max(0, position + (1 if action == 1 else -1))
        done = position == N - 1
        reward = 1.0 if done else -0.05
        policy.rewards.append(reward)
        total += reward
        if done:
            break
    running_reward = 0.05 * total + 0.95 * running_reward
    steps = len(policy.rewards)
    loss = finish_episode()
    if episode % 4 == 3:
        print(f"Episode {episode}\tsteps: {steps}\tloss: {loss:.3f}\tAverage reward: {running_reward:.3f}")
policy.eval()
with torch.no_grad():
    print(policy(torch.eye(N))[:, 1] > 0.5)
