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

from src.diffusion.absorbing.cells import hole_start
from src.diffusion.absorbing.continuous import WIDTH as CONTINUOUS_WIDTH
from src.diffusion.absorbing.wide import WIDTH
from src.diffusion.networks.residual_mlp import ResidualMLP

if TYPE_CHECKING:  # model.py draws with these readers
    from src.diffusion.absorbing.model import AbsorbingDiffusion


class PartialRows:
    """Rows in the course of drawing.

    Arguments:
        x: (n, d) encoded cells, those of any state where hidden.
        visible: (n, d) bool.
    """

    def __init__(self, x: Tensor, visible: Tensor) -> None:
        self.x, self.visible = x, visible

    def reveal(self, rows: Tensor, column: int, x: Tensor) -> None:
        """Set the cells of a column in ``rows`` (m,) to x (m,), and make them visible."""
        self.x[rows, column] = x
        self.visible[rows, column] = True


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

    def number_outputs(self, features: Tensor, i: int) -> Tensor:
        """Outputs (m, WIDTH) of the network that stand for the density of ``numbers.columns[i]``."""
        ...

    def hole_logits(self, features: Tensor, i: int) -> Tensor:
        """Outputs (m,) of the network that stand for "missing" of ``holes.columns[i]``."""
        ...

    def reveal(self, rows: Tensor, column: int, x: Tensor) -> None:
        """Take note of cells that have become visible, after :meth:`PartialRows.reveal`, with the same arguments."""
        ...


class FullReader:
    """Evaluates the network on the partial rows as they are; features are its outputs (m, W)."""

    def __init__(self, denoiser: "AbsorbingDiffusion", partial: PartialRows) -> None:
        self.denoiser, self.states, self.partial = denoiser, denoiser.states, partial
        self.first_group = denoiser.states.first_group.tolist()

    def read(self, rows: Tensor) -> Tensor:
        """See :class:`Reader`."""
        return self.denoiser.read(self.denoiser.cells(self.partial.x[rows]), self.partial.visible[rows])

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

    def number_outputs(self, features: Tensor, i: int) -> Tensor:
        """See :class:`Reader`."""
        start = number_start(self.denoiser) + i * CONTINUOUS_WIDTH
        return features[:, start : start + CONTINUOUS_WIDTH]

    def hole_logits(self, features: Tensor, i: int) -> Tensor:
        """See :class:`Reader`."""
        return features[:, hole_start(self.states) + i]

    def reveal(self, rows: Tensor, column: int, x: Tensor) -> None:
        """Nothing is left to do: :meth:`read` looks at the partial rows."""


class IncrementalReader:
    """Keeps the outputs of the first layer up to date; features are the inputs (m, channels) of the last layer.

    Attributes:
        group_terms: (V, channels) what a visible group adds to the first layer.
        level_terms: (., channels) what a visible level adds: of fine columns, then the categories of wide columns.
        first_level_term: (d,) row of ``level_terms`` of a column's level 0; -1 without levels.
        hole_terms: (k, channels) what a visible missing cell adds.
        number_weights: (s, WIDTH, channels) weights of the first layer for the features of continuous columns.
        first_layer: (n, channels) outputs of the first layer.
    """

    def __init__(self, denoiser: "AbsorbingDiffusion", network: ResidualMLP, partial: PartialRows) -> None:
        states = self.states = denoiser.states
        self.denoiser, self.network = denoiser, network
        self.numbers, self.holes = denoiser.numbers, denoiser.holes
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
        self.group_terms += (weight[: states.width] * states.own_weight[:, None])[: states.n_groups]
        level_terms, self.first_level_term = [terms[states.n_groups :]], torch.full((states.n_columns,), -1)
        self.first_level_term[states.fine_columns] = torch.arange(len(states.fine_columns)) * states.most_levels
        for i, column in enumerate(states.wide_columns):
            self.first_level_term[column] = sum(map(len, level_terms))
            start = states.width + i * WIDTH
            level_terms.append(denoiser.wide.of_column(i) @ weight[start : start + WIDTH] * states.weight_of_category)
        self.level_terms = torch.cat(level_terms)
        start = hole_start(states)
        n_holes = 0 if self.holes is None else len(self.holes.columns)
        self.hole_terms = weight[start : start + n_holes] * states.weight_of_category
        of_numbers = weight[number_start(denoiser) :].unflatten(0, (-1, CONTINUOUS_WIDTH))
        self.number_weights = of_numbers * states.weight_of_category
        self.first_layer = network.input(denoiser.network_input(denoiser.cells(partial.x), partial.visible))

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

    def number_outputs(self, features: Tensor, i: int) -> Tensor:
        """See :class:`Reader`."""
        start = number_start(self.denoiser) + i * CONTINUOUS_WIDTH
        return self._last_layer(features, start, start + CONTINUOUS_WIDTH)

    def hole_logits(self, features: Tensor, i: int) -> Tensor:
        """See :class:`Reader`."""
        start = hole_start(self.states) + i
        return self._last_layer(features, start, start + 1)[:, 0]

    def reveal(self, rows: Tensor, column: int, x: Tensor) -> None:
        """Add the terms of the new cells to the first layer; see :class:`Reader`."""
        cells = self.denoiser.cells_of(column, x)
        terms = self.group_terms[self.first_group[column] + cells.group]
        first = int(self.first_level_term[column])
        if first >= 0:
            terms = terms + self.level_terms[first + cells.level]
        if self.numbers is not None and column in self.numbers.columns:
            i = self.numbers.columns.index(column)
            terms = terms + self.numbers.features(cells.score) @ self.number_weights[i]
        if self.holes is not None and column in self.holes.columns:
            of_missing = self.hole_terms[self.holes.columns.index(column)]
            terms = torch.where(cells.missing[:, None], of_missing, terms)
        self.first_layer.index_add_(0, rows, terms)

    def _last_layer(self, features: Tensor, start: int, stop: int) -> Tensor:
        """Outputs ``start`` to ``stop`` of the last layer, (m, stop - start)."""
        output = self.network.output
        return torch.addmm(output.bias[start:stop], features, output.weight[start:stop].t())


def number_start(denoiser: "AbsorbingDiffusion") -> int:
    """The first coordinate of the network that stands for a continuous column."""
    n_numbers = 0 if denoiser.numbers is None else len(denoiser.numbers.columns)
    return denoiser.states.network_width - n_numbers * CONTINUOUS_WIDTH


def reader_for(denoiser: "AbsorbingDiffusion", partial: PartialRows) -> Reader:
    """The fastest reader for the network and its device."""
    network = denoiser.network
    if isinstance(network, ResidualMLP) and network.time is None and partial.x.device.type == "cpu":
        return IncrementalReader(denoiser, network, partial)
    return FullReader(denoiser, partial)
