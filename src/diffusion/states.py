"""The states of a table's columns, as a network reads and writes them."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Groups = tuple[tuple[int, ...], ...]


class States(nn.Module):
    """Which states the columns have, and where the network reads and writes them.

    Of W coordinates of the network the first V are the groups of all columns one after another, the others the levels
    of those columns that have groups of several. A visible cell is read as ones at its group and its level; of a
    number also at all smaller groups, so that what depends on a threshold is one weight. Coordinates are weighted so
    that a layer with PyTorch's first weights (variance 1 / 3W) answers with a variance of about 1: with smaller inputs
    the first layer learns too slowly.

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
        self.split = [i for i, column in enumerate(groups) if max(column) > 1]
        self.most_levels = max((max(groups[i]) for i in self.split), default=1)
        first_group = torch.tensor([0, *(len(column) for column in groups)]).cumsum(0)[:-1]
        widths = torch.tensor([0, *(max(groups[i]) for i in self.split)])
        self.width = self.n_groups + int(widths.sum())
        outside = self.width  # a coordinate past the end, of zeros
        group_at = torch.full((self.n_columns, self.most_groups), outside)
        first_level = torch.zeros(self.n_columns, self.most_groups, dtype=torch.int64)
        n_levels = torch.ones(self.n_columns, self.most_groups, dtype=torch.int64)
        group_of = torch.zeros(self.n_columns, max(sum(column) for column in groups), dtype=torch.int64)
        for i, size in enumerate(sizes):
            group_at[i, : len(size)] = first_group[i] + torch.arange(len(size))
            first_level[i, : len(size)] = size.cumsum(0) - size
            n_levels[i, : len(size)] = size
            group_of[i, : int(size.sum())] = torch.repeat_interleave(torch.arange(len(size)), size)
        level_at = torch.full((len(self.split), self.most_levels), outside)
        for k, start in enumerate(self.n_groups + widths.cumsum(0)[:-1]):
            level_at[k, : int(widths[k + 1])] = start + torch.arange(int(widths[k + 1]))
        place = torch.full((self.n_columns,), -1)
        place[self.split] = torch.arange(len(self.split))
        columns = torch.tensor([i for i in range(self.n_columns) for _ in groups[i]])
        of_levels = torch.tensor([i for i in self.split for _ in range(max(groups[i]))], dtype=torch.int64)
        column = torch.cat([columns, of_levels])
        n_of_group = torch.tensor([len(groups[i]) if is_ordered[i] else 1 for i in range(self.n_columns)])
        weight = torch.cat([n_of_group[columns].float().rsqrt(), torch.ones(len(of_levels))])
        for name, value in (
            ("first_group", first_group),
            ("group_at", group_at),
            ("first_level", first_level),
            ("n_levels", n_levels),
            ("group_of", group_of),
            ("level_at", level_at),
            ("place", place),
            ("split_at", torch.tensor(self.split, dtype=torch.int64)),
            ("column", column),
            ("source", torch.cat([columns, self.n_columns + of_levels])),
            ("position", torch.cat([torch.arange(int(n)) for n in (*map(len, groups), *widths[1:])])),
            ("is_ordered", torch.cat([torch.tensor(is_ordered)[columns], torch.zeros(len(of_levels)).bool()])),
            ("weight", weight * (3 * self.width / self.n_columns) ** 0.5),
        ):
            self.register_buffer(name, value, persistent=False)

    first_group: Tensor  # (d,) coordinate of a column's first group
    group_at: Tensor  # (d, G) coordinates of its groups, W where it has fewer
    first_level: Tensor  # (d, G) position of a group's first level among the column's levels
    n_levels: Tensor  # (d, G) levels of a group
    group_of: Tensor  # (d, L) group of a level
    level_at: Tensor  # (s, F) coordinates of levels inside a group, of the s columns in ``split``, W where fewer
    place: Tensor  # (d,) position in ``split``, -1 if not there
    split_at: Tensor  # (s,) the columns in ``split``
    column: Tensor  # (W,) column of a coordinate
    source: Tensor  # (W,) its group, or d + column for its level
    position: Tensor  # (W,) which group of the column it stands for, or which level
    is_ordered: Tensor  # (W,) whether a larger group of the column turns it on too
    weight: Tensor  # (W,) value where it is on

    def parts(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Group, and level inside it, of rows x (B, d) of the encoder; both (B, d) int64."""
        level = x.long()
        columns = torch.arange(self.n_columns, device=x.device)
        group = self.group_of[columns, level]
        return group, level - self.first_level[columns, group]

    def codes(self, group: Tensor, level: Tensor, visible: Tensor) -> Tensor:
        """(B, W) what the network reads of rows, zeros of hidden cells; arguments (B, d)."""
        part = torch.cat([group, level], dim=1)[:, self.source]
        shown = ((self.position == part) | (self.is_ordered & (self.position < part))) & visible[:, self.column]
        return shown * self.weight
