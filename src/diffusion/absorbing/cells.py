r"""Cells of rows, as the network of an absorbing-state model reads and writes them.

A state of a numerical column is a level of a group (:mod:`src.diffusion.absorbing.states`), and its
probability is that of the group times that of the level inside it. The network gives logits of the groups; the logits
of the levels inside group g of column i are :math:`W_i^T \mathrm{silu}(a_i + e_{i,g})`, with :math:`a_i` outputs of
the network and W, e weights of their own (:meth:`AbsorbingDiffusion.level_logits`). The numbers of a continuous column
have a density in place of levels (:mod:`src.diffusion.absorbing.continuous`).
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, log_softmax, silu

from src.diffusion.absorbing.categorical import segment_nats
from src.diffusion.absorbing.continuous import WIDTH as CONTINUOUS_WIDTH
from src.diffusion.absorbing.continuous import ContinuousColumns
from src.diffusion.absorbing.holes import HoleStates
from src.diffusion.absorbing.states import States
from src.diffusion.absorbing.wide import WIDTH as WIDE_WIDTH
from src.diffusion.absorbing.wide import WideCategories
from src.diffusion.base import Diffusion

Noise = TypeVar("Noise", bound=tuple[Tensor, ...])


class Cells(NamedTuple):
    """Cells of rows, decoded from their coordinates.

    Attributes:
        group: (B, d) int64, group of the state.
        level: (B, d) int64, level inside the group.
        score: (B, s) of the cells of continuous columns.
        missing: (B, d) bool, whether "missing" is the state; (B, 0) if no column has it. Then the others say nothing.
    """

    group: Tensor
    level: Tensor
    score: Tensor
    missing: Tensor


class CellModel(Diffusion[Noise]):
    """A network that reads the visible cells of rows and writes probabilities of the hidden ones.

    Arguments:
        network: maps (B, W') coordinates, those of :class:`States`, of :class:`WideCategories`, of
            :class:`HoleStates` and of :class:`ContinuousColumns`, (1,) times and sigmas (always 0 and 1) to (B, W').
        states: of the columns.
        numbers: the continuous columns; None = there are none.
        holes: the columns of which "missing" is a state; None = there are none.

    Attributes:
        of_group: (s, G, F) vectors e of the groups of fine columns.
        to_levels: (s, F, F) weights W of fine columns; zeros at first, so that all levels start equally likely.
        wide: vectors of the categories of wide columns.
    """

    def __init__(
        self,
        network: nn.Module,
        states: States,
        numbers: ContinuousColumns | None = None,
        holes: HoleStates | None = None,
    ) -> None:
        super().__init__(network)
        self.states, self.numbers, self.holes = states, numbers, holes
        if states.fine_columns:
            n_fine, most_groups, most_levels = len(states.fine_columns), states.most_groups, states.most_levels
            self.of_group = nn.Parameter(torch.randn(n_fine, most_groups, most_levels))
            self.to_levels = nn.Parameter(torch.zeros(n_fine, most_levels, most_levels))
        if states.wide_columns:
            self.wide = WideCategories([states.largest_groups[i] for i in states.wide_columns])

    def cells(self, x: Tensor) -> Cells:
        """Decode the coordinates x (B, d) of rows."""
        missing = torch.zeros_like(x[:, :0], dtype=torch.bool)
        if self.holes is not None:
            missing, x = x < 0, x.clamp(min=0)
        if self.numbers is None:
            return Cells(*self.states.group_and_level(x), x[:, :0], missing)
        numbers = x[:, self.numbers.column]
        of_states = x.index_copy(1, self.numbers.column, self.numbers.states(numbers).to(x.dtype))
        return Cells(*self.states.group_and_level(of_states), self.numbers.scores(numbers), missing)

    def cells_of(self, column: int, x: Tensor) -> Cells:
        """Decode coordinates x (m,) of one column; all parts are (m,)."""
        score, missing, x = x[:0], x < 0, x.clamp(min=0)
        if self.numbers is not None and column in self.numbers.columns:
            state, score = self.numbers.of_column(self.numbers.columns.index(column), x)
            x = state.to(x.dtype)
        return Cells(*self.states.group_and_level_of(column, x), score, missing)

    def scores(self, x: Tensor, within: Tensor) -> Tensor:
        """Scores (B, s) to learn, of the numbers among the coordinates x (B, d): ``within`` (B, d) their intervals."""
        if self.numbers is None:
            return x[:, :0]
        x = x.clamp(min=0) if self.holes is not None else x
        return self.numbers.scores(x[:, self.numbers.column], within[:, self.numbers.column])

    def read(self, cells: Cells, visible: Tensor) -> Tensor:
        """Evaluate the network on the visible cells of rows.

        Arguments:
            cells: any values where hidden.
            visible: (B, d) bool.

        Returns:
            (B, W') logits of groups, then inputs of :meth:`level_logits`, of :meth:`WideCategories.logits`, logits of
            "missing", and inputs of the densities of :class:`ContinuousColumns`.
        """
        time, sigma = cells.group.new_zeros(1, dtype=torch.float32), cells.group.new_ones(1, dtype=torch.float32)
        output: Tensor = self.network(self.network_input(cells, visible), time, sigma).float()
        return output

    def network_input(self, cells: Cells, visible: Tensor) -> Tensor:
        """Encode rows for the network, (B, W'), zeros where hidden; ``visible`` is (B, d) bool."""
        states = self.states
        is_missing = cells.missing & visible if self.holes is not None else cells.missing
        visible = visible & ~is_missing if self.holes is not None else visible
        parts = [states.network_input(cells.group, cells.level, visible)]
        if states.wide_columns:
            wide = states.wide_column
            parts.append(self.wide.vectors(cells.level[:, wide], visible[:, wide], states.weight_of_category))
        if self.holes is not None:
            parts.append(is_missing[:, self.holes.column] * states.weight_of_category)
        if self.numbers is not None:
            is_read = visible[:, self.numbers.column, None] * states.weight_of_category
            parts.append((self.numbers.features(cells.score) * is_read).flatten(1))
        return torch.cat(parts, dim=1) if len(parts) > 1 else parts[0]

    def nats(self, output: Tensor, cells: Cells, every: Sequence[int] | None = None) -> Tensor:
        r"""Cross-entropy of each cell, :math:`-\log p(g \mid x_V) - \log p(l \mid g, x_V)` of its group and level.

        Of a number between the repeated values of a continuous column, the density of its rank is in place of the
        level's probability. Of a missing cell they are 0 (:meth:`hole_nats` has the rest).

        Arguments:
            output: (B, W') of :meth:`read`.
            cells: the true ones.
            every: of wide columns, see :meth:`WideCategories.nats`; None = every row counts.

        Returns:
            (B, d) nats.
        """
        nats = self._state_nats(output, cells, every)
        if self.numbers is None:
            return nats
        column = self.numbers.column
        between = self.numbers.nats(self._of_numbers(output), cells.score) * self._is_between(cells)
        return nats.index_add(1, column, between)

    def _is_between(self, cells: Cells) -> Tensor:
        """Whether the cells (B, s) of continuous columns have a density."""
        assert self.numbers is not None, "there are continuous columns"
        is_between = cells.group[:, self.numbers.column] == 0
        return is_between if self.holes is None else is_between & ~cells.missing[:, self.numbers.column]

    def hole_nats(self, output: Tensor, cells: Cells) -> Tensor:
        r"""Cross-entropy :math:`-\log p(r_i \mid x_V)` of "missing", (B, k), of the columns of :attr:`holes`."""
        assert self.holes is not None, "there are columns with holes"
        return self.holes.nats(self._of_holes(output), cells.missing[:, self.holes.column])

    def _of_holes(self, output: Tensor) -> Tensor:
        """The outputs (B, k) of the network that are logits of "missing"."""
        assert self.holes is not None, "there are columns with holes"
        start = hole_start(self.states)
        return output[:, start : start + len(self.holes.columns)] + self.holes.usual

    def missing_probabilities(self, output: Tensor, column: int) -> Tensor:
        """Probability (B,), double, that the cell of a structural column is missing; 0 of other columns."""
        if self.holes is None or column not in self.holes.columns:
            return output.new_zeros(len(output), dtype=torch.float64)
        i = self.holes.columns.index(column)
        return self._of_holes(output)[:, i].double().sigmoid() * self.holes.is_structural[i]

    def probability_nats(self, output: Tensor, x: Tensor, cells: Cells) -> Tensor:
        """As :meth:`nats` of encoded rows x (B, d) and their cells, with the probability of a level of every number."""
        nats = self._with_structural(self._state_nats(output, cells).double(), output, cells)
        if self.numbers is None:
            return nats
        column = self.numbers.column
        numbers = x[:, column].clamp(min=0)
        of_level = self.numbers.level_nats(self._of_numbers(output), *self.numbers.score_bounds(numbers))
        return nats.index_add(1, column, of_level * self._is_between(cells))

    def density_nats(self, output: Tensor, x: Tensor, cells: Cells) -> Tensor:
        """As :meth:`probability_nats`, with the density of its rank of a number that lies in an interval of values."""
        nats = self._with_structural(self._state_nats(output, cells).double(), output, cells)
        if self.numbers is None:
            return nats
        column = self.numbers.column
        numbers = x[:, column].clamp(min=0)
        of_level = self.numbers.level_nats(self._of_numbers(output), *self.numbers.score_bounds(numbers))
        of_rank = self.numbers.nats(self._of_numbers(output), cells.score).double()
        of_number = torch.where(self.numbers.is_one_value(numbers), of_level, of_rank)
        return nats.index_add(1, column, of_number * self._is_between(cells))

    def _with_structural(self, nats: Tensor, output: Tensor, cells: Cells) -> Tensor:
        """Add to nats (B, d) those of "missing" in structural columns, whose value it is."""
        if self.holes is None:
            return nats
        of_holes = self.hole_nats(output, cells).double() * self.holes.is_structural
        return nats.index_add(1, self.holes.column, of_holes)

    def state_probabilities(self, output: Tensor, column: int) -> Tensor:
        """Probabilities (B, L), double, of the L categories or levels of a column, from outputs (B, W')."""
        states = self.states
        first = int(states.first_group[column])
        groups = output[:, first : first + states.group_counts[column]].double()
        of_group = groups.softmax(dim=1)
        if self.numbers is not None and column in self.numbers.columns:
            return self.numbers.level_probabilities(
                self._of_numbers(output), self.numbers.columns.index(column), of_group
            )
        if column in states.wide_columns:
            i, start = states.wide_columns.index(column), states.width
            inputs = output[:, start + i * WIDE_WIDTH : start + (i + 1) * WIDE_WIDTH]
            return self.wide.logits(inputs, i).double().softmax(dim=1)
        if column not in states.fine_columns:
            return of_group
        i, n = states.fine_columns.index(column), states.most_levels
        inputs = output[:, states.n_groups + i * n : states.n_groups + (i + 1) * n]
        parts = []
        for group in range(states.group_counts[column]):
            chosen = torch.full((len(output),), group, device=output.device)
            logits = self.level_logits(inputs, i, chosen).double()
            of_level = logits.softmax(dim=1)[:, : states.level_counts[column][group]]
            parts.append(of_group[:, group, None] * of_level)
        return torch.cat(parts, dim=1)

    def of_continuous(self, output: Tensor, column: int) -> tuple[Tensor, int, Tensor]:
        """Of a continuous column and an output (B, W'): what stands for numbers, its position, (B, S) of its states."""
        assert self.numbers is not None, "there are continuous columns"
        start = int(self.states.first_group[column])
        of_state = output[:, start : start + self.states.group_counts[column]].double().softmax(dim=1)
        return self._of_numbers(output), self.numbers.columns.index(column), of_state

    def _of_numbers(self, output: Tensor) -> Tensor:
        """The outputs (B, s WIDTH) of the network that stand for the continuous columns: the last ones."""
        assert self.numbers is not None, "there are continuous columns"
        return output[:, output.shape[1] - len(self.numbers.columns) * CONTINUOUS_WIDTH :]

    def _state_nats(self, output: Tensor, cells: Cells, every: Sequence[int] | None = None) -> Tensor:
        """The part of :meth:`nats` that is of states, (B, d)."""
        nats = self._value_nats(output, cells.group, cells.level, every)
        return nats if self.holes is None else nats * ~cells.missing

    def _value_nats(self, output: Tensor, group: Tensor, level: Tensor, every: Sequence[int] | None) -> Tensor:
        states = self.states
        n_levels, n_wide = states.width - states.n_groups, len(states.wide_columns) * WIDE_WIDTH
        groups, levels, wide = output[:, : states.width + n_wide].split([states.n_groups, n_levels, n_wide], dim=1)
        nats = segment_nats(groups, states.column, group + states.first_group)
        if states.wide_columns:
            every = every or [1] * len(states.wide_columns)
            nats = nats.index_add(1, states.wide_column, self.wide.nats(wide, level[:, states.wide_column], every))
        if not states.fine_columns:
            return nats
        # As level_logits, for all s fine columns at once: (s, B, F). Batched over the columns, a step has one product.
        group_row = (group[:, states.fine_column] + states.fine_offset).t()
        inputs = levels.view(len(output), len(states.fine_column), -1).transpose(0, 1)
        inner = silu(inputs + embedding(group_row, self.of_group.flatten(0, 1)))
        logits = torch.bmm(inner, self.to_levels) + embedding(group_row, states.level_mask)
        true_level = level[:, states.fine_column].t()[:, :, None]
        log_p = log_softmax(logits, dim=2).gather(2, true_level)[:, :, 0]
        return nats.index_add(1, states.fine_column, log_p.t(), alpha=-1)

    def level_logits(self, inputs: Tensor, fine_index: int, group: Tensor) -> Tensor:
        r"""Logits of the levels inside groups, :math:`W_i^T \mathrm{silu}(a_i + e_{i,g})`, -inf where a group has none.

        Arguments:
            inputs: (m, F) outputs :math:`a_i` of the network.
            fine_index: position i of the column in ``states.fine_columns``.
            group: (m,) int64, group g of each row.

        Returns:
            (m, F).
        """
        inner = silu(inputs + self.of_group[fine_index, group])
        level_mask = self.states.level_mask[fine_index * self.states.most_groups + group]
        return inner @ self.to_levels[fine_index] + level_mask


def hole_start(states: States) -> int:
    """The first coordinate of the network that stands for "missing"."""
    return states.width + len(states.wide_columns) * WIDE_WIDTH
