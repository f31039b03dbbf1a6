"""Draw rows from an absorbing-state model: at each step one cell of every row (or several) becomes visible.

A network that begins and ends with a linear layer is read layer by layer on a CPU: what the visible cells add to the
first layer is kept and grows cell by cell, and of the last layer only the column that is drawn is computed. Of wide
rows that is most of the arithmetic. Any other network, and any on a GPU, is evaluated as a whole.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor
from torch.nn.functional import silu

from src.diffusion.base import Drawn, Given, OnProgress
from src.diffusion.networks.residual_mlp import ResidualMLP
from src.errors import ConfigError

if TYPE_CHECKING:
    from src.diffusion.absorbing.model import AbsorbingDiffusion

LARGEST_OFFSET = 0.999
"""Largest offset inside a level, below 1 in float32 after the position of any level."""
PACKET = 64
"""Rows next to each other that share an order of the columns, so that few columns are drawn at a time."""


@dataclass(frozen=True)
class CellByCell:
    """How rows are drawn where cells become visible one after another.

    Attributes:
        n_steps: network evaluations of a row at most; None = one for each cell.
    """

    n_steps: int | None = None

    def __post_init__(self) -> None:
        if self.n_steps is not None and self.n_steps < 1:
            raise ConfigError(f"diffusion.sampler.n_steps is at least 1, or null, got {self.n_steps}")


class Cells:
    """Rows that are being drawn: (n, d) group and level of each cell, and which are visible."""

    def __init__(self, group: Tensor, level: Tensor, visible: Tensor) -> None:
        self.group, self.level, self.visible = group, level, visible

    def show(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """Make one cell of each of ``rows`` visible; arguments (m,)."""
        self.group[rows, columns], self.level[rows, columns] = group, level
        self.visible[rows, columns] = True


class Reader(Protocol):
    """What a network says of rows."""

    def read(self, rows: Tensor) -> Tensor:
        """(m, .) what :meth:`logits` need of the rows at positions ``rows`` (m,)."""
        ...

    def group_logits(self, features: Tensor, column: int) -> Tensor:
        """(m, size) logits of a column's groups, of rows that were read."""
        ...

    def level_inputs(self, features: Tensor, split_index: int) -> Tensor:
        """(m, F) what the network says of the levels of a column in ``states.split``."""
        ...

    def show(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """Be told of cells that have become visible; arguments (m,)."""
        ...


class WholeReader:
    """Evaluates the network on the rows as they are."""

    def __init__(self, denoiser: "AbsorbingDiffusion", cells: Cells) -> None:
        self.denoiser, self.states, self.cells = denoiser, denoiser.states, cells
        self.first = denoiser.states.first_group.tolist()

    def read(self, rows: Tensor) -> Tensor:
        """See :class:`Reader`: (m, W)."""
        cells = self.cells
        return self.denoiser.read(cells.group[rows], cells.level[rows], cells.visible[rows])

    def group_logits(self, features: Tensor, column: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.first[column]
        return features[:, start : start + self.states.sizes[column]]

    def level_inputs(self, features: Tensor, split_index: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.states.n_groups + split_index * self.states.most_levels
        return features[:, start : start + self.states.most_levels]

    def show(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """See :class:`Reader`: the cells say it."""


class LayeredReader:
    """Keeps what the visible cells of each row add up to after the first layer; reads the last layer in part."""

    def __init__(self, denoiser: "AbsorbingDiffusion", network: ResidualMLP, cells: Cells) -> None:
        states = self.states = denoiser.states
        self.network = network
        self.first = states.first_group.tolist()
        added = network.input.weight.t() * states.weight[:, None]
        self.of_group = torch.cat(
            [
                part.cumsum(0) if ordered else part
                for part, ordered in zip(added[: states.n_groups].split(states.sizes), states.is_ordered, strict=True)
            ]
        )
        self.of_level = torch.cat([added[states.n_groups :], added.new_zeros(1, added.shape[1])])
        self.sum = network.input(states.codes(cells.group, cells.level, cells.visible))

    def read(self, rows: Tensor) -> Tensor:
        """See :class:`Reader`: (m, channels)."""
        return self.network.between(self.sum.index_select(0, rows), None)

    def group_logits(self, features: Tensor, column: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.first[column]
        return self._output(features, start, start + self.states.sizes[column])

    def level_inputs(self, features: Tensor, split_index: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.states.n_groups + split_index * self.states.most_levels
        return self._output(features, start, start + self.states.most_levels)

    def show(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """See :class:`Reader`."""
        split_index = self.states.split_index[columns]
        at = torch.where(split_index >= 0, split_index * self.states.most_levels + level, len(self.of_level) - 1)
        added = self.of_group[self.states.first_group[columns] + group] + self.of_level[at]
        self.sum.index_add_(0, rows, added)

    def _output(self, features: Tensor, start: int, stop: int) -> Tensor:
        output = self.network.output
        return torch.addmm(output.bias[start:stop], features, output.weight[start:stop].t())


def draw_columns(
    denoiser: "AbsorbingDiffusion", reader: Reader, features: Tensor, columns: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw one cell of each row: its group, then its level inside the group.

    Rows are taken column by column, since columns have groups of different number.

    Arguments:
        denoiser: the model.
        reader: its network.
        features: (m, .) what was read of the rows.
        columns: (m,) which column of each row.
        generator: random stream.

    Returns:
        (m,) group and (m,) level inside it.
    """
    states = denoiser.states
    u = torch.rand(2, len(columns), 1, generator=generator, device=features.device)
    group, level = torch.zeros_like(columns), torch.zeros_like(columns)
    n_rows_of = torch.bincount(columns, minlength=states.n_columns).tolist()
    for column, rows in enumerate(columns.argsort(stable=True).split(n_rows_of)):
        if not len(rows):
            continue
        of_rows = features.index_select(0, rows)
        chosen = _chosen(reader.group_logits(of_rows, column), u[0, rows])
        group[rows] = chosen
        if states.sizes_of_groups[column] > 1:
            split_index = states.split.index(column)
            inner = silu(reader.level_inputs(of_rows, split_index) + denoiser.of_group[split_index, chosen])
            logits = (
                inner @ denoiser.to_levels[split_index] + states.no_level[split_index * states.most_groups + chosen]
            )
            level[rows] = _chosen(logits, u[1, rows])
    return group, level


@torch.no_grad()
def draw_absorbing(
    denoiser: "AbsorbingDiffusion",
    n_steps: int | None,
    n_rows: int,
    generator: torch.Generator,
    given: Given | None = None,
    on_progress: OnProgress = lambda share: None,
) -> Drawn:
    """Draw rows, or the cells that are not given.

    Every row has an order of its columns, known ones last. At each step the network reads all rows once, and the next
    cell of each becomes visible; where there are fewer steps than cells, several cells do, drawn as if they were
    independent given what was read.

    Arguments:
        denoiser: trained.
        n_steps: network evaluations of a row at most; None, or as many as it has cells to draw: one cell a step.
        n_rows: rows to draw, n.
        generator: random stream; its device is where the rows are drawn.
        given: cells that are known, of which ``n_repeats`` has no meaning here.
        on_progress: receives the share of the way that is done, 0..1.

    Returns:
        Rows (n, d) of the encoder, known cells as given, and the evaluations of a row on average, rounded up.
    """
    states, device = denoiser.states, generator.device
    x, known = _known(given, (n_rows, states.n_columns), device)
    cells = Cells(*states.parts(x), known.clone())
    reader = reader_of(denoiser, cells)
    order = _order(denoiser, known, generator)
    n_unknown = (~known).sum(dim=1)
    most = int(n_unknown.max())
    steps = most if n_steps is None else min(n_steps, most)
    n_evaluations = 0
    for step in range(steps):
        # of its n cells to draw, a row has drawn the first n * step // steps before this step
        start, stop = n_unknown * step // steps, n_unknown * (step + 1) // steps
        rows = (stop > start).nonzero()[:, 0]
        features = denoiser.in_pieces(reader.read, rows)
        n_evaluations += len(rows)
        for later in range(int((stop - start).max())):
            here = (start + later < stop)[rows].nonzero()[:, 0]
            at = rows[here]
            columns = order[at, start[at] + later]
            drawn = draw_columns(denoiser, reader, features.index_select(0, here), columns, generator)
            cells.show(at, columns, *drawn)
            reader.show(at, columns, *drawn)
        on_progress((step + 1) / steps)
    x = torch.where(known, x, _inside_levels(denoiser, cells, generator))
    return Drawn(x, -(-n_evaluations // max(n_rows, 1)))


def _known(given: Given | None, shape: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
    """(n, d) rows with what is given, 0 elsewhere, and (n, d) bool, True = given."""
    x, known = torch.zeros(shape, device=device), torch.zeros(shape, dtype=torch.bool, device=device)
    if given is not None:
        known = given.mask.to(device).expand(shape)
        x = torch.where(known, given.x.to(device), x)
    return x, known


def _order(denoiser: "AbsorbingDiffusion", known: Tensor, generator: torch.Generator) -> Tensor:
    """(n, d) the columns of each row in the order in which they are drawn, known ones (n, d) last.

    :data:`PACKET` rows next to each other share an order, so that a step draws few columns.
    """
    n_rows, n_columns = known.shape
    rank = denoiser.order(-(-n_rows // PACKET), generator).repeat_interleave(PACKET, dim=0)[:n_rows]
    return (rank + known * n_columns).argsort(dim=1)


def _inside_levels(denoiser: "AbsorbingDiffusion", cells: Cells, generator: torch.Generator) -> Tensor:
    """(n, d) rows of the encoder: the position of each cell's level, plus a uniform offset inside it."""
    states = denoiser.states
    offset = torch.rand(cells.group.shape, generator=generator, device=generator.device).clamp(max=LARGEST_OFFSET)
    columns = torch.arange(states.n_columns, device=generator.device)
    return states.first_level[columns, cells.group] + cells.level + offset


def reader_of(denoiser: "AbsorbingDiffusion", cells: Cells) -> Reader:
    """The reader that is fastest for the network and where it is."""
    network = denoiser.network
    if isinstance(network, ResidualMLP) and network.time is None and cells.group.device.type == "cpu":
        return LayeredReader(denoiser, network, cells)
    return WholeReader(denoiser, cells)


def _chosen(logits: Tensor, u: Tensor) -> Tensor:
    """(m,) one position of each row of logits (m, K): the first whose cumulated probability exceeds u (m, 1)."""
    below = logits.softmax(dim=1).cumsum(dim=1)
    return (below <= u * below[:, -1:]).sum(dim=1).clamp(max=logits.shape[1] - 1)
