"""Read the network while rows are drawn cell by cell.

A network that begins and ends with a linear layer is read layer by layer on a CPU (:class:`IncrementalReader`): the
sum of what the visible cells add to the first layer is kept and grows cell by cell, and of the last layer only the
outputs of the column that is drawn are computed. For wide rows that saves most of the arithmetic
(``docs/decisions/0022-speed.md``). Any other network, and any network on a GPU, is evaluated in full
(:class:`FullReader`).
"""

from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from src.diffusion.absorbing.wide import WIDTH
from src.diffusion.networks.residual_mlp import ResidualMLP

if TYPE_CHECKING:  # model.py draws with these readers
    from src.diffusion.absorbing.model import AbsorbingDiffusion


class PartialRows:
    """Rows in the course of drawing.

    Arguments:
        group, level: (n, d) int64 state of each cell, any value where hidden.
        visible: (n, d) bool.
    """

    def __init__(self, group: Tensor, level: Tensor, visible: Tensor) -> None:
        self.group, self.level, self.visible = group, level, visible

    def reveal(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """Set one cell in each of ``rows`` and make it visible; arguments (m,)."""
        self.group[rows, columns], self.level[rows, columns] = group, level
        self.visible[rows, columns] = True


class Reader(Protocol):
    """Evaluates the network on partial rows."""

    def read(self, rows: Tensor) -> Tensor:
        """Compute the features (m, .) that the other methods need of the rows at positions ``rows`` (m,)."""
        ...

    def group_logits(self, features: Tensor, column: int) -> Tensor:
        """Logits (m, K) of a column's K groups."""
        ...

    def level_inputs(self, features: Tensor, fine_index: int) -> Tensor:
        """Outputs (m, F) of the network that stand for the levels of ``states.fine_columns[fine_index]``."""
        ...

    def wide_inputs(self, features: Tensor, wide_index: int) -> Tensor:
        """Outputs (m, WIDTH) of the network that stand for the categories of ``states.wide_columns[wide_index]``."""
        ...

    def reveal(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """Take note of cells that have become visible, after :meth:`PartialRows.reveal`; arguments (m,)."""
        ...


class FullReader:
    """Evaluates the network on the partial rows as they are; features are its outputs (m, W)."""

    def __init__(self, denoiser: "AbsorbingDiffusion", partial: PartialRows) -> None:
        self.denoiser, self.states, self.partial = denoiser, denoiser.states, partial
        self.first_group = denoiser.states.first_group.tolist()

    def read(self, rows: Tensor) -> Tensor:
        """See :class:`Reader`."""
        partial = self.partial
        return self.denoiser.read(partial.group[rows], partial.level[rows], partial.visible[rows])

    def group_logits(self, features: Tensor, column: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.first_group[column]
        return features[:, start : start + self.states.group_counts[column]]

    def level_inputs(self, features: Tensor, fine_index: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.states.n_groups + fine_index * self.states.most_levels
        return features[:, start : start + self.states.most_levels]

    def wide_inputs(self, features: Tensor, wide_index: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.states.width + wide_index * WIDTH
        return features[:, start : start + WIDTH]

    def reveal(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """Nothing is left to do: :meth:`read` looks at the partial rows."""


class IncrementalReader:
    """Keeps the outputs of the first layer up to date; features are the inputs (m, channels) of the last layer.

    Attributes:
        group_terms: (V, channels) what a visible group adds to the first layer.
        level_terms: (., channels) what a visible level adds: of fine columns, then the categories of wide columns; the
            last row, zeros, is of columns without levels.
        first_level_term: (d,) row of ``level_terms`` of a column's level 0; -1 without levels.
        first_layer: (n, channels) outputs of the first layer.
    """

    def __init__(self, denoiser: "AbsorbingDiffusion", network: ResidualMLP, partial: PartialRows) -> None:
        states = self.states = denoiser.states
        self.network = network
        self.first_group = states.first_group.tolist()
        weight = network.input.weight.t()
        terms = weight[: states.width] * states.weight[:, None]
        group_terms = terms[: states.n_groups].split(states.group_counts)
        self.group_terms = torch.cat(
            [  # a number also turns on its smaller groups
                column_terms.cumsum(0) if is_ordered else column_terms
                for column_terms, is_ordered in zip(group_terms, states.is_ordered, strict=True)
            ]
        )
        level_terms, self.first_level_term = [terms[states.n_groups :]], torch.full((states.n_columns,), -1)
        self.first_level_term[states.fine_columns] = torch.arange(len(states.fine_columns)) * states.most_levels
        for i, column in enumerate(states.wide_columns):
            self.first_level_term[column] = sum(map(len, level_terms))
            start = states.width + i * WIDTH
            level_terms.append(denoiser.wide.of_column(i) @ weight[start : start + WIDTH] * states.weight_of_category)
        self.level_terms = torch.cat([*level_terms, terms.new_zeros(1, terms.shape[1])])
        self.first_layer = network.input(denoiser.network_input(partial.group, partial.level, partial.visible))

    def read(self, rows: Tensor) -> Tensor:
        """See :class:`Reader`."""
        return self.network.hidden_layers(self.first_layer.index_select(0, rows), None)

    def group_logits(self, features: Tensor, column: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.first_group[column]
        return self._last_layer(features, start, start + self.states.group_counts[column])

    def level_inputs(self, features: Tensor, fine_index: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.states.n_groups + fine_index * self.states.most_levels
        return self._last_layer(features, start, start + self.states.most_levels)

    def wide_inputs(self, features: Tensor, wide_index: int) -> Tensor:
        """See :class:`Reader`."""
        start = self.states.width + wide_index * WIDTH
        return self._last_layer(features, start, start + WIDTH)

    def reveal(self, rows: Tensor, columns: Tensor, group: Tensor, level: Tensor) -> None:
        """Add the terms of the new cells to the first layer; see :class:`Reader`."""
        first, no_level = self.first_level_term[columns], len(self.level_terms) - 1
        level_row = torch.where(first >= 0, first + level, no_level)
        terms = self.group_terms[self.states.first_group[columns] + group] + self.level_terms[level_row]
        self.first_layer.index_add_(0, rows, terms)

    def _last_layer(self, features: Tensor, start: int, stop: int) -> Tensor:
        """Outputs ``start`` to ``stop`` of the last layer, (m, stop - start)."""
        output = self.network.output
        return torch.addmm(output.bias[start:stop], features, output.weight[start:stop].t())


def reader_for(denoiser: "AbsorbingDiffusion", partial: PartialRows) -> Reader:
    """The fastest reader for the network and its device."""
    network = denoiser.network
    if isinstance(network, ResidualMLP) and network.time is None and partial.group.device.type == "cpu":
        return IncrementalReader(denoiser, network, partial)
    return FullReader(denoiser, partial)
