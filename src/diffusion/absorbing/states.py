"""The states of a table's columns, as a network reads and writes them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Groups = tuple[tuple[int, ...], ...]


class States(nn.Module):
    """Which states the columns have, and where the network reads and writes them.

    Of W coordinates of the network the first V are the groups of all columns one after another; F follow for each
    column that has groups of several levels, F the most levels of any group. A visible cell is read as ones at its
    group and its level; of a number also at all smaller groups, so that what depends on a threshold is one weight.
    Coordinates are weighted so that a layer with PyTorch's first weights (variance 1 / 3W) answers with a variance of
    about 1: with smaller inputs the first layer learns too slowly.

    Arguments:
        groups: by column, the number of levels of each of its groups.
        is_ordered: by column, whether it holds numbers.
    """

    def __init__(self, groups: Groups, is_ordered: Sequence[bool]) -> None:
        super().__init__()
        sizes = [torch.tensor(column) for column in groups]
        self.n_columns = len(groups)
        self.n_groups = sum(len(column) for column in groups)
        self.most_groups = max(len(column) for column in groups)
        self.sizes = [len(column) for column in groups]
        self.sizes_of_groups = [max(column) for column in groups]
        self.is_ordered = list(is_ordered)
        self.split = [i for i, column in enumerate(groups) if max(column) > 1]
        self.most_levels = max((max(groups[i]) for i in self.split), default=1)
        n_split = len(self.split)
        self.width = self.n_groups + n_split * self.most_levels
        first_group = torch.tensor([0, *(len(column) for column in groups)]).cumsum(0)[:-1]
        most_states = max(sum(column) for column in groups)
        first_level = torch.zeros(self.n_columns, self.most_groups, dtype=torch.int64)
        n_levels = torch.ones(self.n_columns, self.most_groups, dtype=torch.int64)
        group_of = torch.zeros(self.n_columns, most_states, dtype=torch.int64)
        for i, size in enumerate(sizes):
            first_level[i, : len(size)] = size.cumsum(0) - size
            n_levels[i, : len(size)] = size
            group_of[i, : int(size.sum())] = torch.repeat_interleave(torch.arange(len(size)), size)
        place = torch.full((self.n_columns,), -1)
        place[self.split] = torch.arange(n_split)
        columns = torch.tensor([i for i in range(self.n_columns) for _ in groups[i]])
        levels = torch.arange(self.most_levels)
        no_level = torch.where(levels < n_levels[self.split, :, None], 0.0, -torch.inf)
        position = torch.cat([*(torch.arange(len(column)) for column in groups), levels.repeat(n_split)])
        ordered = torch.cat([torch.tensor(is_ordered)[columns], torch.zeros(n_split * self.most_levels).bool()])
        n_of_group = torch.tensor([len(groups[i]) if is_ordered[i] else 1 for i in range(self.n_columns)])
        weight = torch.cat([n_of_group[columns].float().rsqrt(), torch.ones(n_split * self.most_levels)])
        split_at = torch.tensor(self.split, dtype=torch.int64)
        for name, value in (
            ("first_group", first_group),
            ("first_level", first_level),
            ("group_of", group_of),
            ("first_state", torch.arange(self.n_columns) * most_states),
            ("first_of_group", torch.arange(n_split) * self.most_groups),
            ("no_level", no_level.reshape(-1, self.most_levels)),
            ("place", place),
            ("split_at", split_at),
            ("column", columns),
            ("source", torch.cat([columns, self.n_columns + torch.arange(n_split).repeat_interleave(len(levels))])),
            ("least", position.float()),
            ("most", torch.where(ordered, torch.inf, position.float())),
            ("weight", weight * (3 * self.width / self.n_columns) ** 0.5),
        ):
            self.register_buffer(name, value, persistent=False)

    first_group: Tensor  # (d,) coordinate of a column's first group
    first_level: Tensor  # (d, G) position of a group's first level among the column's levels
    group_of: Tensor  # (d, L) group of a level
    first_state: Tensor  # (d,) position of a column's first level in ``group_of``, flattened
    first_of_group: Tensor  # (s,) position of the first group of the s columns in ``split`` in ``no_level``
    no_level: Tensor  # (s G, F) 0 for a level that a group of such a column has, else -inf
    place: Tensor  # (d,) position in ``split``, -1 if not there
    split_at: Tensor  # (s,) the columns in ``split``
    column: Tensor  # (V,) column of a coordinate
    source: Tensor  # (W,) what turns a coordinate on: the group of a column, or d + place for the level of one
    least: Tensor  # (W,) the smallest group or level that turns it on
    most: Tensor  # (W,) the largest
    weight: Tensor  # (W,) value where it is on

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
