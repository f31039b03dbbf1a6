"""The states of a table's columns, and the vectors by which a network reads and writes them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from src.diffusion.absorbing.continuous import WIDTH as CONTINUOUS_WIDTH
from src.diffusion.absorbing.wide import WIDTH

Groups = tuple[tuple[int, ...], ...]


class States(nn.Module):
    """Maps states of cells to the coordinates that the network reads and writes.

    A column has states 0, 1, ..., gathered in groups; a state is a *level* of its group. A category is a group of one
    level. A numerical column of many values has groups of several levels ("fine column"): first the group is
    predicted, then the level inside it, so that a thousand states need no thousand outputs. A column of many categories
    is one group, and its categories are the levels ("wide column"); its coordinate below says only whether it is
    visible, and :mod:`src.diffusion.absorbing.wide` has the rest. Likewise a continuous column, whose states here are
    its repeated values and "between" them (:mod:`src.diffusion.absorbing.continuous`).

    The network reads and writes W coordinates. The first V stand for the groups of all columns, one after another.
    F more follow for each fine column and stand for the level inside its group; F is the largest number of levels of
    any group. Example: column a has three categories; column b is a number with the groups g0 of two levels (states 0
    and 1) and g1 of three levels (states 2, 3 and 4), so that V = 5, F = 3, W = 8::

        States(groups=((1, 1, 1), (2, 3)), is_ordered=(False, True))

                           groups of a         groups of b       level in b's group
        stands for       a=0   a=1   a=2     b>=g0   b>=g1      0     1     2
        coordinate        0     1     2        3       4        5     6     7
        a = 1, b = 4      0     1     0        1       1        0     0     1       state 4 is level 2 of g1
        a = 0, b = 1      1     0     0        1       0        0     1     0       state 1 is level 1 of g0
        a = 2, b hidden   0     0     1        0       0        0     0     0

    The network reads a category as a one-hot vector. It reads a number as ones at its group *and at all smaller
    groups*: then an effect that starts at a threshold is a single weight of the first layer. The one of its own group
    is added to by ``own_weight``, so that what happens at one value needs no difference of two weights either
    (``docs/decisions/0027-numbers-and-order.md``).

    Ones are multiplied by ``weight``. PyTorch draws the first layer's weights with variance 1 / (3 W'), and a row has
    about d ones; inputs of size (3 W' / d)^.5 give the layer's outputs a variance of about 1. With inputs of size 1
    the first layer learns too slowly (``docs/decisions/0021-absorbing-states.md``). A number of G groups turns on up
    to G coordinates, each of which is therefore smaller by G^.5.

    Arguments:
        groups: by column, the number of levels of each of its groups.
        is_ordered: by column, whether it holds numbers that are states.
        n_continuous: number of continuous columns.
        n_holes: number of columns of which "missing" is a state.
        reads_values: whether the network reads the group of a number beside its thresholds.

    Attributes:
        n_columns: d.
        n_groups: V, the groups of all columns together.
        most_groups: G, the largest number of groups of a column.
        most_levels: F, the largest number of levels of a group of a fine column; 1 where no column is fine.
        width: W = V + s F.
        network_width: W', coordinates of the network: W, and those of wide columns, of "missing", and of continuous
            columns.
        weight_of_category: value of the coordinate of a visible category.
        group_counts: by column, the number of its groups.
        largest_groups: by column, the number of levels of its largest group.
        level_counts: by column, the number of levels of each group.
        fine_columns: columns of numbers that have a group of several levels, s of them.
        wide_columns: columns of categories that are one group, w of them.
        first_group: (d,) coordinate of a column's first group.
        first_level: (d, G) state of a group's first level.
        group_of: (d, L) group of a state, L the largest number of states of a column.
        state_offset: (d,) position of a column's state 0 in ``group_of``, flattened.
        fine_offset: (s,) row of ``level_mask`` of a fine column's first group.
        level_mask: (s G, F) what is added to logits of levels: 0 for a level that the group has, else -inf.
        fine_index: (d,) position of a column in ``fine_columns``, -1 where it is not there.
        fine_column: (s,) ``fine_columns`` as a tensor.
        wide_column: (w,) ``wide_columns`` as a tensor.
        column: (V,) column of a coordinate that stands for a group.
        source: (W,) what turns a coordinate on: the group of column ``source`` where it is below d, else the level
            of fine column ``source - d``.
        lowest, highest: (W,) smallest and largest group or level that turns a coordinate on.
        weight: (W,) value of a coordinate that is on.
        own_weight: (W,) what is added at the group of a number.
    """

    first_group: Tensor
    first_level: Tensor
    group_of: Tensor
    state_offset: Tensor
    fine_offset: Tensor
    level_mask: Tensor
    fine_index: Tensor
    fine_column: Tensor
    wide_column: Tensor
    column: Tensor
    source: Tensor
    lowest: Tensor
    highest: Tensor
    weight: Tensor
    own_weight: Tensor

    def __init__(
        self,
        groups: Groups,
        is_ordered: Sequence[bool],
        n_continuous: int = 0,
        reads_values: bool = True,
        n_holes: int = 0,
    ) -> None:
        super().__init__()
        self.n_columns = len(groups)
        self.n_groups = sum(len(column) for column in groups)
        self.most_groups = max(len(column) for column in groups)
        self.group_counts = [len(column) for column in groups]
        self.largest_groups = [max(column) for column in groups]
        self.level_counts = [list(column) for column in groups]
        self.is_ordered = list(is_ordered)
        has_levels = [i for i, column in enumerate(groups) if max(column) > 1]
        self.fine_columns = [i for i in has_levels if is_ordered[i]]
        self.wide_columns = [i for i in has_levels if not is_ordered[i]]
        self.most_levels = max((self.largest_groups[i] for i in self.fine_columns), default=1)
        self.width = self.n_groups + len(self.fine_columns) * self.most_levels
        n_wide, n_numbers = len(self.wide_columns) * WIDTH, n_continuous * CONTINUOUS_WIDTH
        self.network_width = self.width + n_wide + n_holes + n_numbers
        self.weight_of_category = (3 * self.network_width / self.n_columns) ** 0.5
        # Not stored in checkpoints: the encoder, which is, gives all of them again.
        for name, buffer in {**self._state_tables(groups), **self._coordinate_tables(groups)}.items():
            self.register_buffer(name, buffer, persistent=False)
        if not reads_values:
            self.own_weight.zero_()

    def _state_tables(self, groups: Groups) -> dict[str, Tensor]:
        """Tables from a state to its group and level, and back."""
        most_states = max(sum(column) for column in groups)
        first_level = torch.zeros(self.n_columns, self.most_groups, dtype=torch.int64)
        n_levels = torch.ones(self.n_columns, self.most_groups, dtype=torch.int64)
        group_of = torch.zeros(self.n_columns, most_states, dtype=torch.int64)
        for i, column in enumerate(groups):
            size = torch.tensor(column)
            first_level[i, : len(size)] = size.cumsum(0) - size
            n_levels[i, : len(size)] = size
            group_of[i, : int(size.sum())] = torch.repeat_interleave(torch.arange(len(size)), size)
        fine_index = torch.full((self.n_columns,), -1)
        fine_index[self.fine_columns] = torch.arange(len(self.fine_columns))
        has_level = torch.arange(self.most_levels) < n_levels[self.fine_columns, :, None]
        return {
            "first_group": torch.tensor([0, *self.group_counts]).cumsum(0)[:-1],
            "first_level": first_level,
            "group_of": group_of,
            "state_offset": torch.arange(self.n_columns) * most_states,
            "fine_offset": torch.arange(len(self.fine_columns)) * self.most_groups,
            "level_mask": torch.where(has_level, 0.0, -torch.inf).reshape(-1, self.most_levels),
            "fine_index": fine_index,
            "fine_column": torch.tensor(self.fine_columns, dtype=torch.int64),
            "wide_column": torch.tensor(self.wide_columns, dtype=torch.int64),
        }

    def _coordinate_tables(self, groups: Groups) -> dict[str, Tensor]:
        """What turns each coordinate of the network on, and its value then; groups first, then levels."""
        n_fine, levels = len(self.fine_columns), torch.arange(self.most_levels)
        column = torch.tensor([i for i in range(self.n_columns) for _ in groups[i]])
        level_source = self.n_columns + torch.arange(n_fine).repeat_interleave(self.most_levels)
        lowest = torch.cat([*(torch.arange(size) for size in self.group_counts), levels.repeat(n_fine)]).float()
        is_threshold = torch.cat([torch.tensor(self.is_ordered)[column], torch.zeros(len(level_source)).bool()])
        n_on = torch.tensor(
            [size if ordered else 1 for size, ordered in zip(self.group_counts, self.is_ordered, strict=True)]
        )
        weight = torch.cat([n_on[column].float().rsqrt(), torch.ones(len(level_source))])
        return {
            "column": column,
            "source": torch.cat([column, level_source]),
            "lowest": lowest,
            "highest": torch.where(is_threshold, torch.inf, lowest),
            "weight": weight * self.weight_of_category,
            "own_weight": is_threshold * self.weight_of_category,
        }

    def group_and_level(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Group, and level inside it, of encoded rows x (B, d); both (B, d) int64."""
        state = x.long()
        group = self.group_of.view(-1)[state + self.state_offset]
        columns = torch.arange(self.n_columns, device=x.device)
        return group, state - self.first_level[columns, group]

    def group_and_level_of(self, column: int, x: Tensor) -> tuple[Tensor, Tensor]:
        """As :meth:`group_and_level` of coordinates x (m,) of one column."""
        state = x.long()
        group = self.group_of[column, state]
        return group, state - self.first_level[column, group]

    def network_input(self, group: Tensor, level: Tensor, visible: Tensor) -> Tensor:
        """Encode rows for the network; hidden cells are zeros.

        The result is built coordinate by coordinate and transposed (column-major), so that memory is copied and
        compared in contiguous runs.

        Arguments:
            group: (B, d) int64.
            level: (B, d) int64, the level inside the group.
            visible: (B, d) bool.

        Returns:
            (B, W).
        """
        state = torch.cat([group, level[:, self.fine_column]], dim=1)
        is_read = torch.cat([visible, visible[:, self.fine_column]], dim=1)
        state = torch.where(is_read, state, -1).float().t().contiguous().index_select(0, self.source)
        on = (state >= self.lowest[:, None]) & (state <= self.highest[:, None])
        is_own = state == self.lowest[:, None]
        return (on * self.weight[:, None] + is_own * self.own_weight[:, None]).t()
