"""The states of a table's columns, as a network reads and writes them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Groups = tuple[tuple[int, ...], ...]


class States(nn.Module):
    """Which states the columns have, and where the network reads and writes them.

    A column's levels are gathered in groups. Of W coordinates of the network the first V are the groups of all columns
    one after another; F more follow for each column that has a group of several levels, F the most levels of any group.
    Here a category of three values and a number in groups of two and three levels (V = 5, F = 3, W = 8)::

        groups      ((1, 1, 1), (2, 3))        coordinate   0    1    2  |  3      4   |  5      6      7
        is_ordered  (False, True)              stands for  a=0  a=1  a=2 | b>=g0  b>=g1 | level0 level1 level2

        a = 1, b in group 1 at level 2         is read as   0    1    0  |  1      1   |  0      0      1
        a = 0, b hidden                        is read as   1    0    0  |  0      0   |  0      0      0

    A visible number is read as ones at its group *and at all smaller ones*, so that what depends on a threshold is one
    weight. Ones are weighted so that a layer with PyTorch's first weights (variance 1 / 3W) answers with a variance of
    about 1: with smaller inputs the first layer learns too slowly.

    Arguments:
        groups: by column, the number of levels of each of its groups.
        is_ordered: by column, whether it holds numbers.

    Attributes:
        n_columns, n_groups, most_groups, most_levels: d, V, the most groups of a column, F.
        width: W.
        sizes, sizes_of_groups: by column, its groups, and the most levels of one of them.
        split: columns that have a group of several levels, s of them.
        first_group: (d,) coordinate of a column's first group.
        first_level: (d, G) position of a group's first level among the column's levels.
        group_of: (d, L) group of a level.
        first_state: (d,) position of a column's first level in ``group_of``, flattened.
        first_of_group: (s,) position of the first group of a column of ``split`` in ``no_level``.
        no_level: (s G, F) 0 for a level that a group of such a column has, else -inf.
        split_index: (d,) position in ``split``, -1 where not there.
        split_at: (s,) the columns of ``split``.
        column: (V,) column of a coordinate.
        source: (W,) what turns a coordinate on: the group of a column, or d + split_index for the level of one.
        least, most: (W,) the smallest and the largest group or level that turns it on.
        weight: (W,) its value where it is on.
    """

    first_group: Tensor
    first_level: Tensor
    group_of: Tensor
    first_state: Tensor
    first_of_group: Tensor
    no_level: Tensor
    split_index: Tensor
    split_at: Tensor
    column: Tensor
    source: Tensor
    least: Tensor
    most: Tensor
    weight: Tensor

    def __init__(self, groups: Groups, is_ordered: Sequence[bool]) -> None:
        super().__init__()
        self.n_columns = len(groups)
        self.n_groups = sum(len(column) for column in groups)
        self.most_groups = max(len(column) for column in groups)
        self.sizes = [len(column) for column in groups]
        self.sizes_of_groups = [max(column) for column in groups]
        self.is_ordered = list(is_ordered)
        self.split = [i for i, column in enumerate(groups) if max(column) > 1]
        self.most_levels = max((max(groups[i]) for i in self.split), default=1)
        self.width = self.n_groups + len(self.split) * self.most_levels
        self._register(self._positions(groups))
        self._register(self._coordinates(groups))

    def _positions(self, groups: Groups) -> dict[str, Tensor]:
        """From a state to its group and level and back."""
        most_states = max(sum(column) for column in groups)
        first_level = torch.zeros(self.n_columns, self.most_groups, dtype=torch.int64)
        n_levels = torch.ones(self.n_columns, self.most_groups, dtype=torch.int64)
        group_of = torch.zeros(self.n_columns, most_states, dtype=torch.int64)
        for i, column in enumerate(groups):
            size = torch.tensor(column)
            first_level[i, : len(size)] = size.cumsum(0) - size
            n_levels[i, : len(size)] = size
            group_of[i, : int(size.sum())] = torch.repeat_interleave(torch.arange(len(size)), size)
        split_index = torch.full((self.n_columns,), -1)
        split_index[self.split] = torch.arange(len(self.split))
        has_level = torch.arange(self.most_levels) < n_levels[self.split, :, None]
        return {
            "first_group": torch.tensor([0, *self.sizes]).cumsum(0)[:-1],
            "first_level": first_level,
            "group_of": group_of,
            "first_state": torch.arange(self.n_columns) * most_states,
            "first_of_group": torch.arange(len(self.split)) * self.most_groups,
            "no_level": torch.where(has_level, 0.0, -torch.inf).reshape(-1, self.most_levels),
            "split_index": split_index,
            "split_at": torch.tensor(self.split, dtype=torch.int64),
        }

    def _coordinates(self, groups: Groups) -> dict[str, Tensor]:
        """What turns each coordinate of the network on, and its value then; groups first, then levels."""
        n_split, levels = len(self.split), torch.arange(self.most_levels)
        column = torch.tensor([i for i in range(self.n_columns) for _ in groups[i]])
        of_levels = self.n_columns + torch.arange(n_split).repeat_interleave(self.most_levels)
        position = torch.cat([*(torch.arange(size) for size in self.sizes), levels.repeat(n_split)]).float()
        is_threshold = torch.cat([torch.tensor(self.is_ordered)[column], torch.zeros(len(of_levels)).bool()])
        # a number turns on as many of its groups as lie below it: each counts for less
        n_on = torch.tensor([size if ordered else 1 for size, ordered in zip(self.sizes, self.is_ordered, strict=True)])
        weight = torch.cat([n_on[column].float().rsqrt(), torch.ones(len(of_levels))])
        return {
            "column": column,
            "source": torch.cat([column, of_levels]),
            "least": position,
            "most": torch.where(is_threshold, torch.inf, position),
            "weight": weight * (3 * self.width / self.n_columns) ** 0.5,
        }

    def _register(self, buffers: dict[str, Tensor]) -> None:
        for name, value in buffers.items():
            self.register_buffer(name, value, persistent=False)

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Group, and level inside it, of rows x (B, d) of the encoder; both (B, d) int64."""
        state = x.long()
        group = self.group_of.view(-1)[state + self.first_state]
        columns = torch.arange(self.n_columns, device=x.device)
        return group, state - self.first_level[columns, group]

    def codes(self, group: Tensor, level: Tensor, visible: Tensor) -> Tensor:
        """(B, W) what the network reads of rows, zeros of hidden cells; arguments (B, d).

        Made coordinate by coordinate, that is column-major: whole stretches of memory are copied and compared.
        """
        state = torch.cat([group, level[:, self.split_at]], dim=1)
        shown = torch.cat([visible, visible[:, self.split_at]], dim=1)
        state = torch.where(shown, state, -1).float().t().contiguous().index_select(0, self.source)
        on = (state >= self.least[:, None]) & (state <= self.most[:, None])
        return (on * self.weight[:, None]).t()
