r"""Columns of numbers that are a continuum: where a number lies among the training cells, read smoothly, and a density.

The state of a cell of a *continuous column* is one of the repeated values, or *between* them. A cell between them has
a rank u in (0, 1): the share of the training cells between repeated values that are smaller, and its score is
:math:`z = \Phi^{-1}(u)`, so that scores are standard normal whatever the numbers are. Training cells of one value have
ranks in an interval. Its middle is what the network reads; the target is a random score of the interval, and any score
of the interval is drawn as that value. So the share of a value is the probability of an interval, and smooth densities
of scores give a value that many cells have its cells (dequantisation: Theis et al. 2016,
https://arxiv.org/abs/1511.01844, section 3.1).

The network reads the score, thresholds of it, and sines and cosines of eight frequencies. It writes a mixture of
Gaussians,

.. math:: p(z \mid x_V) = \sum_k \pi_k\, \mathcal{N}(z;\ \mu_k, \sigma_k^2)

Both take :data:`WIDTH` coordinates of a column.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.special import ndtr, ndtri

from src.diffusion.absorbing.categorical import sample_categorical

N_COMPONENTS = 16
"""Gaussians of a mixture."""
WIDTH = 3 * N_COMPONENTS
"""Coordinates of a continuous column: weight, mean and scale of each Gaussian; as many features are read."""
N_FREQUENCIES = 8
LOWEST_FREQUENCY, HIGHEST_FREQUENCY = 0.5, 16.0
"""In half turns by unit of score: the slowest turns once in four units, the fastest 32 times."""
SCORE_SCALE = 3.0
"""Factor of the score itself. It is larger than the other features, and fast sines are small, so that smooth functions
are learned first, and sharp ones from many rows alone (``docs/decisions/0033-smooth-first.md``)."""
N_THRESHOLDS = WIDTH - 1 - 2 * N_FREQUENCIES
LEAST_LOG_SCALE, MOST_LOG_SCALE = -7.0, 2.0
"""A Gaussian is no narrower than a thousandth: narrower ones learn single training cells by heart."""
LARGEST_OFFSET = 0.999
"""Largest offset inside a level: a level below 32,768 plus it is below the next level in float32."""
HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)

Levels = tuple[tuple[int, ...], tuple[bool, ...], tuple[int, ...]]
"""Of a continuous column: cells of each level, whether it is one value, and the levels that are repeated values."""


class ContinuousColumns(nn.Module):
    """Maps encoded numbers to states and scores and back, scores to features, and features to densities.

    Arguments:
        columns: by continuous column, its levels.

    Attributes:
        columns: the continuous columns, s of them.
        n_states: by continuous column, the number of its states: "between", and each repeated value.
        n_levels: by continuous column, the number of its levels.
        column: (s,) ``columns`` as a tensor.
        state: (s, L) state of a level: 0 = between, k = the k-th repeated value.
        level: (s, A) level of a state but 0.
        below: (s, L) share of the training cells between repeated values that lie in smaller levels.
        share: (s, L) share of the training cells between repeated values that a level has; 0 of a repeated value.
        is_value: (s, L) bool, whether a level is one value.
        least_rank: (s,) smallest rank that is read or learned, and 1 less the largest one.
        scale: (WIDTH,) factors of the features, which checkpoints hold: earlier versions had other ones.
        threshold, frequency, mean, log_scale: of the features, and of the mixture before training.
    """

    column: Tensor
    state: Tensor
    level: Tensor
    below: Tensor
    share: Tensor
    is_value: Tensor
    least_rank: Tensor
    scale: Tensor
    threshold: Tensor
    frequency: Tensor
    mean: Tensor
    log_scale: Tensor

    def __init__(self, columns: Mapping[int, Levels]) -> None:
        super().__init__()
        self.columns = list(columns)
        self.n_states = [1 + len(repeated) for _, _, repeated in columns.values()]
        self.n_levels = [len(cells) for cells, _, _ in columns.values()]
        # Not stored in checkpoints: the encoder, which is, gives all of them again.
        for name, buffer in {**_tables(list(columns.values())), **_constants()}.items():
            self.register_buffer(name, buffer, persistent=False)
        self.register_buffer("column", torch.tensor(self.columns, dtype=torch.int64), persistent=False)
        self.register_buffer("scale", _scales(SCORE_SCALE, LOWEST_FREQUENCY / self.frequency))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *arguments: Any) -> None:
        """Read what earlier versions stored too: no ``scale``, the sines as large as the score."""
        state_dict.setdefault(f"{prefix}scale", _scales(1.0, torch.ones(N_FREQUENCIES)))
        super()._load_from_state_dict(state_dict, prefix, *arguments)

    def states(self, x: Tensor) -> Tensor:
        """State of each cell (B, s), int64, of encoded numbers x (B, s)."""
        return self.state.gather(1, x.long().t()).t()

    def scores(self, x: Tensor, u: Tensor | None = None) -> Tensor:
        """Scores z (B, s) of encoded numbers x (B, s).

        Arguments:
            x: level plus offset.
            u: (B, s) where in the interval of its value the score of a cell lies; None = in the middle.
        """
        below, width, offset = self._interval(x, 0.5 if u is None else u)
        return self._score(below + width * offset, self.least_rank)

    def of_column(self, i: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """State and score (m,) of encoded numbers x (m,) of continuous column ``columns[i]``."""
        level = x.long()
        offset = torch.where(self.is_value[i, level], 0.5, x - x.floor())
        rank = self.below[i, level] + self.share[i, level] * offset
        return self.state[i, level], self._score(rank, self.least_rank[i])

    def score_bounds(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Lowest and highest score (B, s), double, of the levels of encoded numbers x (B, s); infinite at the ends."""
        below, width, _ = self._interval(x.double(), 0.5)
        return ndtri(below.clamp(0, 1)), ndtri((below + width).clamp(0, 1))

    def is_one_value(self, x: Tensor) -> Tensor:
        """Whether the level of each encoded number x (B, s) is one value, not an interval; (B, s) bool."""
        return self.is_value.gather(1, x.long().t()).t()

    def _interval(self, x: Tensor, u: Tensor | float) -> tuple[Tensor, Tensor, Tensor]:
        """Rank below the level of each cell, share of its level, and offset inside the level; (B, s) each."""
        level = x.long().t()
        offset = torch.where(self.is_value.gather(1, level).t(), u, x - x.floor())
        return self.below.gather(1, level).t(), self.share.gather(1, level).t(), offset

    def _score(self, rank: Tensor, least: Tensor) -> Tensor:
        # In double precision: in single precision, ranks near 1 have no score.
        score: Tensor = ndtri(rank.double().clamp(least, 1 - least)).float()
        return score

    def features(self, z: Tensor) -> Tensor:
        """What the network reads of scores z (...,): (..., WIDTH)."""
        z = z[..., None]
        angle = math.pi * self.frequency * z
        return torch.cat([z, z > self.threshold, angle.sin(), angle.cos()], dim=-1) * self.scale

    def nats(self, output: Tensor, z: Tensor) -> Tensor:
        r"""Compute :math:`-\log p(u \mid x_V)` of scores z (B, s): their density beside the normal one.

        Arguments:
            output: (B, s WIDTH) of the network.
            z: (B, s).
        """
        log_weight, mean, log_scale = self._mixture(output)
        deviation = (z[:, :, None] - mean) * (-log_scale).exp()
        log_p = torch.logsumexp(log_weight - log_scale - 0.5 * deviation.square(), dim=-1)
        nats: Tensor = -0.5 * z.square() - log_p
        return nats

    def level_nats(self, output: Tensor, low: Tensor, high: Tensor) -> Tensor:
        r"""Compute :math:`-\log p` of intervals of scores: the probability of a level.

        Arguments:
            output: (B, s WIDTH) of the network.
            low: (B, s) lower ends, see :meth:`score_bounds`.
            high: (B, s) upper ends.
        """
        log_weight, mean, log_scale = (part.double() for part in self._mixture(output))
        scale = log_scale.exp()
        low, high = (low[:, :, None] - mean) / scale, (high[:, :, None] - mean) / scale
        # The tails of a Gaussian are precise below its mean: mirror what lies above.
        is_above = low > 0
        low, high = torch.where(is_above, -high, low), torch.where(is_above, -low, high)
        mass: Tensor = ((ndtr(high) - ndtr(low)) * log_weight.exp()).sum(dim=-1)
        return -mass.clamp(min=torch.finfo(torch.float64).tiny).log()

    def level_probabilities(self, output: Tensor, i: int, of_state: Tensor) -> Tensor:
        """Probabilities (B, L), double, of the levels of continuous column ``columns[i]``.

        Arguments:
            output: (B, s WIDTH) of the network.
            i: position of the column.
            of_state: (B, S), double, probabilities of its states.
        """
        return self.run_probabilities(output, i, of_state, torch.arange(self.n_levels[i], device=self.level.device))

    def run_probabilities(self, output: Tensor, i: int, of_state: Tensor, first: Tensor) -> Tensor:
        """Probabilities (B, P), double, of runs of levels.

        Arguments:
            output: as for :meth:`level_probabilities`.
            i: likewise.
            of_state: likewise.
            first: (P,) increasing, the first level of each run; a repeated value is a run of its own.
        """
        log_weight, mean, log_scale = (part[:, i, None].double() for part in self._mixture(output))
        score = ndtri(self.below[i, first].clamp(0, 1))[:, None]
        below = (ndtr((score - mean) / log_scale.exp()) * log_weight.exp()).sum(dim=-1)
        of_run = torch.cat([below, torch.ones_like(below[:, :1])], dim=1).diff(dim=1)
        found: Tensor = of_state[:, :1] * of_run / of_run.sum(dim=1, keepdim=True)
        found[:, torch.searchsorted(first, self.level[i, : self.n_states[i] - 1])] = of_state[:, 1:]
        return found

    def ranks(self, output: Tensor, i: int, of_state: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (B,), double, of less than numbers, and of at most them.

        Arguments:
            output: (B, s WIDTH) of the network.
            i: position of the column.
            of_state: (B, S), double, probabilities of its states.
            x: (B,) encoded numbers of the column.
        """
        log_weight, mean, log_scale = (part[:, i].double() for part in self._mixture(output))
        level = x.long()
        is_value, state = self.is_value[i, level], self.state[i, level]
        offsets = (torch.where(is_value, end, x - x.floor()) for end in (0.0, 1.0))
        score = (ndtri((self.below[i, level] + self.share[i, level] * part).clamp(0, 1))[:, None] for part in offsets)
        below = [(ndtr((z - mean) / log_scale.exp()) * log_weight.exp()).sum(dim=-1) * of_state[:, 0] for z in score]
        is_below = self.level[i, : self.n_states[i] - 1] < level[:, None]
        repeated_below = (of_state[:, 1:] * is_below).sum(dim=1)
        own = of_state.gather(1, state[:, None])[:, 0] * (state > 0)
        return below[0] + repeated_below, below[1] + repeated_below + own

    def draw(self, output: Tensor, i: int, u: Tensor, noise: Tensor) -> Tensor:
        """Draw encoded numbers (m,) between the repeated values of continuous column ``columns[i]``.

        Arguments:
            output: (m, WIDTH) of the network, of the column.
            i: position of the column.
            u: (m, 1) uniform in [0, 1), chooses the Gaussian.
            noise: (m, 1) standard normal.
        """
        log_weight, mean, log_scale = self._mixture(output)
        chosen = sample_categorical(log_weight[:, 0], u)[:, None]
        z = mean[:, 0].gather(1, chosen) + log_scale[:, 0].gather(1, chosen).exp() * noise
        rank: Tensor = ndtr(z[:, 0].double())
        is_between = self.share[i] > 0
        levels, below, share = is_between.nonzero()[:, 0], self.below[i, is_between], self.share[i, is_between]
        k = (torch.searchsorted(below, rank, right=True) - 1).clamp(min=0)
        offset = ((rank - below[k]) / share[k]).clamp(0, LARGEST_OFFSET)
        x: Tensor = (levels[k] + offset).float()
        return x

    def encoded(self, i: int, state: Tensor, between: Tensor) -> Tensor:
        """Encoded numbers (m,) of continuous column ``columns[i]``.

        Arguments:
            i: position of the column.
            state: (m,) int64.
            between: (m,) encoded numbers where the state is 0.
        """
        if not self.level.shape[1]:
            return between
        return torch.where(state > 0, self.level[i, (state - 1).clamp(min=0)] + 0.5, between)

    def _mixture(self, output: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logarithms of the weights, means, and logarithms of the scales of the Gaussians; (B, s, K) each."""
        weight, mean, scale = output.unflatten(1, (-1, 3, N_COMPONENTS)).unbind(dim=2)
        log_scale = (self.log_scale + scale).clamp(LEAST_LOG_SCALE, MOST_LOG_SCALE)
        return weight.log_softmax(dim=-1), self.mean + mean, log_scale


def _tables(columns: Sequence[Levels]) -> dict[str, Tensor]:
    """Tables from a level to its state and ranks, and back."""
    most_levels = max(len(cells) for cells, _, _ in columns)
    most_repeated = max(len(repeated) for _, _, repeated in columns)
    n = len(columns)
    state, is_value = torch.zeros(n, most_levels, dtype=torch.int64), torch.zeros(n, most_levels, dtype=torch.bool)
    level = torch.zeros(n, most_repeated, dtype=torch.int64)
    below, share = torch.ones(n, most_levels, dtype=torch.float64), torch.zeros(n, most_levels, dtype=torch.float64)
    least_rank = torch.zeros(n, dtype=torch.float64)
    for i, (cells, values, repeated) in enumerate(columns):
        here = slice(0, len(cells))
        state[i, list(repeated)] = torch.arange(1, len(repeated) + 1)
        level[i, : len(repeated)] = torch.tensor(repeated, dtype=torch.int64)
        is_value[i, here] = torch.tensor(values)
        between = torch.tensor(cells, dtype=torch.float64)
        between[list(repeated)] = 0
        share[i, here] = between / between.sum()
        below[i, here] = share[i, here].cumsum(0) - share[i, here]
        least_rank[i] = 0.5 / between.sum()
    ranks = {"below": below, "share": share, "least_rank": least_rank}
    return {"state": state, "level": level, "is_value": is_value, **ranks}


def _scales(of_score: float, of_sines: Tensor) -> Tensor:
    """Factors (WIDTH,) of the features: of the score, the thresholds, the sines and the cosines."""
    of_steps = torch.full((N_THRESHOLDS,), 1 / N_THRESHOLDS**0.5)
    return torch.cat([torch.tensor([of_score]), of_steps, of_sines, of_sines])


def _constants() -> dict[str, Tensor]:
    """Thresholds and frequencies of the features; a mixture that is close to a standard normal density."""
    log_frequencies = torch.linspace(math.log(LOWEST_FREQUENCY), math.log(HIGHEST_FREQUENCY), N_FREQUENCIES)
    return {
        "threshold": ndtri((torch.arange(N_THRESHOLDS) + 0.5) / N_THRESHOLDS),
        "frequency": log_frequencies.exp(),
        "mean": ndtri((torch.arange(N_COMPONENTS) + 0.5) / N_COMPONENTS),
        "log_scale": torch.full((1,), math.log(3 / N_COMPONENTS)),
    }
