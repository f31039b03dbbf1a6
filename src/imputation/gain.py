"""GAIN, generative adversarial imputation nets (Yoon et al. 2018, https://arxiv.org/abs/1806.02920).

The generator completes rows from their observed coordinates, noise in the missing ones, and the mask. The
discriminator tells from a completed row and a hint of the mask which coordinates were missing. Sizes, losses, noise,
hint and optimiser (Adam) are those of the published code (https://github.com/jsyoon0823/GAIN). It differs from the
paper: its hint is b m instead of b m + 0.5 (1 - b), and its losses average all coordinates instead of those that the
hint leaves out (Algorithm 1). Mask and hint are constant inside a one-hot block, which is missing or observed as one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import torch
from torch import Tensor, nn

from src.encoding import EncodingRecipe, TableEncoder
from src.errors import ConfigError, TrainingDivergedError
from src.imputation.imputer import Imputer
from src.seeding import derive
from src.tables import Table
from src.tables.imputations import Imputations

RECIPE = EncodingRecipe("minmax", low=0, na_coordinate=False)
NOISE = 0.01
SMALLEST = 1e-8
STEPS_PER_REPORT = 100


@dataclass
class Gain(Imputer):
    """``imputer=gain``.

    Attributes:
        n_steps: number of training steps, each of the discriminator and then of the generator.
        batch_size: number of rows of a step.
        hint_rate: probability that the hint tells the discriminator whether a column is observed.
        alpha: weight of the squared error of observed coordinates, relative to the adversarial loss.
        learning_rate: learning rate of both networks.
    """

    draws_differ: ClassVar[bool] = False
    n_steps: int = 10_000
    batch_size: int = 128
    hint_rate: float = 0.9
    alpha: float = 100.0
    learning_rate: float = 0.001
    seed: int = 0
    _encoder: TableEncoder | None = field(default=None, init=False, repr=False)
    _generator: nn.Module | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        for name in ("n_steps", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"imputer.{name} is at least 1, got {getattr(self, name)}")
        if not 0 <= self.hint_rate <= 1:
            raise ConfigError(f"imputer.hint_rate is a probability, got {self.hint_rate}")
        if not self.alpha >= 0:
            raise ConfigError(f"imputer.alpha is at least 0, got {self.alpha}")
        if not self.learning_rate > 0:
            raise ConfigError(f"imputer.learning_rate is positive, got {self.learning_rate}")

    def _fit(self, table: Table) -> None:
        self._encoder = encoder = TableEncoder.fit(table, table.observed, RECIPE)
        x, mask = encoder.forward(table, table.observed)
        random = torch.Generator().manual_seed(derive(self.seed, "gain", "weights"))
        self._generator, discriminator = (_network(encoder.width, random) for _ in range(2))
        pair = Adversary(self._generator, self.learning_rate), Adversary(discriminator, self.learning_rate)
        random.manual_seed(derive(self.seed, "gain", "training"))
        with _one_thread():
            for step in range(self.n_steps):
                rows = torch.randperm(len(x), generator=random)[: self.batch_size]
                loss = self._step(x[rows], mask[rows].float(), *pair, encoder.columns, random)
                if not loss.isfinite():
                    raise TrainingDivergedError(
                        f"the loss is not finite at step {step + 1} of {self.n_steps}; "
                        f"lower imputer.learning_rate, {self.learning_rate}"
                    )
                if (step + 1) % STEPS_PER_REPORT == 0:
                    self.on_progress((step + 1) / self.n_steps)

    def _step(
        self,
        x: Tensor,
        mask: Tensor,
        generator: "Adversary",
        discriminator: "Adversary",
        columns: Tensor,
        random: torch.Generator,
    ) -> Tensor:
        """Train the discriminator and then the generator for a step; return the loss of the generator."""
        x = _noised(x, mask, random)
        is_hinted = torch.rand(len(x), int(columns.max()) + 1, generator=random) < self.hint_rate
        hint = mask * is_hinted[:, columns]

        generated = generator.network(torch.cat([x, mask], dim=1))
        completed = mask * x + (1 - mask) * generated
        observed: Tensor = discriminator.network(torch.cat([completed.detach(), hint], dim=1))
        if not observed.isfinite().all():
            return observed.sum()
        discriminator.descend(nn.functional.binary_cross_entropy(observed, mask))

        observed = discriminator.network(torch.cat([completed, hint], dim=1))
        adversarial = -((1 - mask) * (observed + SMALLEST).log()).mean()
        reconstruction = (mask * (x - generated) ** 2).mean() / mask.mean().clamp(min=SMALLEST)
        loss: Tensor = adversarial + self.alpha * reconstruction
        generator.descend(loss)
        return loss.detach()

    @torch.no_grad()
    def _transform(self, table: Table, n_imputations: int) -> Imputations:
        assert self._encoder is not None, "fitted"
        assert self._generator is not None, "fitted"
        x, mask = self._encoder.forward(table, table.observed)
        observed = mask.float()
        random = torch.Generator().manual_seed(derive(self.seed, "imputation"))
        with _one_thread():
            x = _noised(x, observed, random)
            generated = self._generator(torch.cat([x, observed], dim=1))
        cells = self._encoder.decode(generated)
        holes = table.unknown
        return Imputations(
            table,
            {name: cells[name][holes[:, i]][None] for i, name in enumerate(table.schema.names) if holes[:, i].any()},
        )


class Adversary:
    """A network and its optimiser."""

    def __init__(self, network: nn.Module, learning_rate: float) -> None:
        self.network = network
        self.optimizer = torch.optim.Adam(network.parameters(), learning_rate)

    def descend(self, loss: Tensor) -> None:
        """Update the weights of this network, and of no other that the loss depends on."""
        self.optimizer.zero_grad()
        loss.backward(inputs=list(self.network.parameters()))
        self.optimizer.step()


def _network(width: int, random: torch.Generator) -> nn.Sequential:
    """Build a network from (n, 2 D) to (n, D) in (0, 1), with two hidden layers as wide as a row."""
    sizes = [2 * width, width, width, width]
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        # PyTorch would draw initial weights from the global generator, not from that of this imputer
        linear = nn.utils.skip_init(nn.Linear, n_in, n_out)
        nn.init.xavier_normal_(linear.weight, generator=random)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Sigmoid())


def _noised(x: Tensor, mask: Tensor, random: torch.Generator) -> Tensor:
    """Replace missing coordinates by noise."""
    return mask * x + (1 - mask) * NOISE * torch.rand(x.shape, generator=random)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: sums over threads depend on their number, and networks this small need no more."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(n_threads)
