"""Boxes, their overlaps, and a head that finds them on a grid."""

import torch
from torch import nn, Tensor
import torch.nn.functional as F


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    area = lambda x: (x[:, 2] - x[:, 0]).clamp(0) * (x[:, 3] - x[:, 1]).clamp(0)
    lt = torch.max(a[:, None, :2], b[:, :2])
    rb = torch.min(a[:, None, 2:], b[:, 2:])
    wh = (rb - lt).clamp(min=0)
    inter = wh[..., 0] * wh[..., 1]
    return inter / (area(a)[:, None] + area(b) - inter)


def xywh2xyxy(x):
    y = x.clone()
    y[..., :2] = x[..., :2] - x[..., 2:] / 2
    y[..., 2:] = x[..., :2] + x[..., 2:] / 2
    return y


def giou(a, b):
    i = box_iou(a, b).diagonal()
    lt, rb = torch.min(a[:, :2], b[:, :2]), torch.max(a[:, 2:], b[:, 2:])
    c = (rb - lt).prod(1)
    ar = lambda x: (x[:, 2:] - x[:, :2]).prod(1)
    lt2, rb2 = torch.max(a[:, :2], b[:, :2]), torch.min(a[:, 2:], b[:, 2:])
    inter = (rb2 - lt2).clamp(min=0).prod(1)
    u = ar(a) + ar(b) - inter
    return i - (c - u) / c


torch.manual_seed(0)
b1 = xywh2xyxy(torch.tensor([[5.0, 5.0, 4.0, 4.0], [8.0, 8.0, 2.0, 6.0]]))
b2 = xywh2xyxy(torch.tensor([[6.0, 5.0, 4.0, 4.0], [2.0, 2.0, 2.0, 2.0], [8.0, 8.0, 2.0, 4.0]]))
print(b1, box_iou(b1, b2))
print(giou(b1, b2[[0, 2]]))
S, B, C = 4, 2, 3
anchors = torch.tensor([[1.0, 1.0], [2.0, 3.0]])
gy, gx = torch.meshgrid(torch.arange(S), torch.arange(S), indexing="ij")
grid = torch.stack((gx, gy), 2).view(1, 1, S, S, 2).float()


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.SiLU(), nn.Conv2d(8, B * (5 + C), 3, 2, 1)
        )

    def forward(self, x):
        p = self.body(x)
        bs, _, ny, nx = p.shape
        return p.view(bs, B, 5 + C, ny, nx).permute(0, 1, 3, 4, 2).contiguous()


head = Head()
x = torch.rand(2, 3, 16, 16)
tgt = torch.zeros(2, B, S, S, 5 + C)
tgt[0, 0, 1, 2] = torch.tensor([0.5, 0.2, 1.0, 1.0, 1.0, 0, 1, 0])
tgt[1, 1, 3, 0] = torch.tensor([0.1, 0.9, 2.0, 2.0, 1.0, 1, 0, 0])
obj = tgt[..., 4] == 1
opt = torch.optim.SGD(head.parameters(), lr=0.05, momentum=0.9, nesterov=True)
for i in range(8):
    p = head(x)
    lxy = F.mse_loss(p[..., :2].sigmoid()[obj], tgt[..., :2][obj])
    lwh = F.mse_loss((p[..., 2:4].exp() * anchors.view(1, B, 1, 1, 2))[obj], tgt[..., 2:4][obj])
    lobj = F.binary_cross_entropy_with_logits(p[..., 4], tgt[..., 4], pos_weight=torch.tensor(5.0))
    lcls = F.binary_cross_entropy_with_logits(p[..., 5:][obj], tgt[..., 5:][obj])
    loss = lxy + 0.5 * lwh + lobj + lcls
    opt.zero_grad()
    loss.backward()
    opt.step()
    if i % 2 == 0:
        print(f"{i} total {loss:.3f} xy {lxy:.3f} wh {lwh:.3f} obj {lobj:.3f} cls {lcls:.3f}")
with torch.no_grad():
    p = head.eval()(x)
xy = (p[..., :2].sigmoid() + grid) / S
wh = p[..., 2:4].exp() * anchors.view(1, B, 1, 1, 2) / S
boxes = xywh2xyxy(torch.cat((xy, wh), -1)).view(2, -1, 4)
conf, cls = (p[..., 4:5].sigmoid() * p[..., 5:].softmax(-1)).view(2, -1, C).max(-1)
print(boxes.shape, conf.shape, cls.unique().numel() <= 3)
keep = conf > conf.quantile(0.9, dim=1, keepdim=True)
print([b[k].shape[0] for b, k in zip(boxes, keep)], boxes[keep].shape)
