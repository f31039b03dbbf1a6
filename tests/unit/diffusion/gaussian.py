"""A diffusion whose score is known in closed form: x ~ N(mean, covariance)."""

import torch
from torch import nn

from src.diffusion.gaussian.model import GaussianDiffusion

MEAN = torch.tensor([0.4, -0.6, 0.0])
FACTOR = torch.tensor([[0.5, 0.0, 0.0], [0.3, 0.4, 0.0], [-0.2, 0.1, 0.3]])
COVARIANCE = FACTOR @ FACTOR.T


class GaussianNoise(nn.Module):
    """E[eps | x_t] = sigma (alpha^2 C + sigma^2 I)^-1 (x_t - alpha mu), as a network."""

    def __init__(self, schedule, mean=MEAN, covariance=COVARIANCE):
        super().__init__()
        self.schedule, self.mean, self.covariance = schedule, mean, covariance

    def forward(self, x, t, sigma):
        times = t.double() if self.schedule.discrete else t.double() / 100
        alpha, sigma = (scale.float()[:, None, None] for scale in self.schedule.scales(times))
        total = alpha**2 * self.covariance + sigma**2 * torch.eye(len(self.mean))
        x = x * (alpha**2 + sigma**2).sqrt()[:, :, 0]  # the denoiser has divided by it
        centred = x - alpha[:, :, 0] * self.mean
        solved = torch.linalg.solve(total.expand(len(x), -1, -1), centred[:, :, None])
        return sigma[:, :, 0] * solved[:, :, 0]


def gaussian_denoiser(process, mean=MEAN, covariance=COVARIANCE):
    schedule = process.schedule()
    network = GaussianNoise(schedule, mean, covariance)
    return GaussianDiffusion(network, schedule, "noise", "noise", torch.zeros(len(mean)), torch.ones(len(mean)))


def gaussian_rows(n, generator, mean=MEAN, factor=FACTOR):
    return torch.randn(n, len(mean), generator=generator) @ factor.T + mean


def density_at_first_time(denoiser, mean=MEAN, covariance=COVARIANCE):
    alpha, sigma = (float(scale) for scale in denoiser.schedule.scales(torch.tensor(denoiser.schedule.first)))
    total = alpha**2 * covariance + sigma**2 * torch.eye(len(mean))
    return torch.distributions.MultivariateNormal(alpha * mean, total)
