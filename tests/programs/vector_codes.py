"""An autoencoder whose code is the nearest row of a table."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(1)


class VectorQuantizer(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, commitment_cost=0.25):
        super().__init__()
        self._embedding_dim = embedding_dim
        self._num_embeddings = num_embeddings
        self._embedding = nn.Embedding(num_embeddings, embedding_dim)
        self._embedding.weight.data.uniform_(-1 / num_embeddings, 1 / num_embeddings)
        self._commitment_cost = commitment_cost

    def forward(self, inputs):
        inputs = inputs.permute(0, 2, 3, 1).contiguous()
        input_shape = inputs.shape
        flat_input = inputs.view(-1, self._embedding_dim)
        distances = (
            torch.sum(flat_input**2, dim=1, keepdim=True)
            + torch.sum(self._embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat_input, self._embedding.weight.t())
        )
        encoding_indices = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(encoding_indices.shape[0], self._num_embeddings, device=inputs.device)
        encodings.scatter_(1, encoding_indices, 1)
        quantized = torch.matmul(encodings, self._embedding.weight).view(input_shape)
        e_latent_loss = F.mse_loss(quantized.detach(), inputs)
        q_latent_loss = F.mse_loss(quantized, inputs.detach())
        loss = q_latent_loss + self._commitment_cost * e_latent_loss
        quantized = inputs + (quantized - inputs).detach()
        avg_probs = torch.mean(encodings, dim=0)
        perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
        return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity, encodings


enc = nn.Sequential(nn.Conv2d(1, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1))
dec = nn.Sequential(nn.ConvTranspose2d(4, 8, 4, 2, 1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
vq = VectorQuantizer(6, 4)
x = torch.rand(8, 1, 8, 8)
data_variance = x.var()
opt = torch.optim.Adam(list(enc.parameters()) + list(dec.parameters()) + list(vq.parameters()), lr=1e-2, amsgrad=False)
for i in range(8):
    opt.zero_grad()
    vq_loss, q, ppl, enc_idx = vq(enc(x))
    rec = dec(q)
    recon_error = F.mse_loss(rec, x) / data_variance
    loss = recon_error + vq_loss
    loss.backward()
    opt.step()
    if i % 2 == 1:
        print("%d recon_error: %.3f perplexity: %.3f" % (i + 1, recon_error.item(), ppl.item()))
print(enc_idx.sum(0).shape, enc_idx.sum(1).unique(), vq)
tau = torch.tensor(1.0)
for step in range(3):
    tau = torch.max(tau * torch.exp(torch.tensor(-0.3 * step)), torch.tensor(0.5))
    print(step, tau)
