r"""Holes as states: a cell of a column with holes may be "missing", which the network reads and writes like a value.

Of such a column i the network has one coordinate more, of input and of output. It reads "cell i is missing" as a one,
and writes the logit of :math:`p(r_i = 1 \mid x_V, r_V)`, where :math:`r_i` says whether cell i is missing; the states
of the column then are those of a cell that is not. So a row is drawn together with its holes, whatever makes them: by
the values of other cells (missing at random, skip rules), or by the holes of others.

* A *structural* column is missing where it does not apply. "Missing" is one of its values, always.
* In other columns "missing" hides a value. Rows are drawn complete unless their holes are asked for: in a share
  :data:`SHARE_WITH_HOLES` of the training rows the missing cells are states, and in the other ones they are hidden. A
  network that sees no missing cell does not know which: a visible value says that it is not missing, in either.

Encoded rows have :data:`MISSING` where a cell of such a column is missing in the table; cells that a mechanism has
taken away are 0 and masked, like all cells of the other columns.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

MISSING = -1.0
"""Coordinate of a cell that is missing; those of values are not negative."""
SHARE_WITH_HOLES = 0.15
"""Share of the training rows that are learned with their holes."""


class HoleStates(nn.Module):
    """The columns of which "missing" is a state.

    Arguments:
        columns: position of each of the k columns, whether it is structural, and the share of its missing cells.

    Attributes:
        columns: their positions.
        column: (k,) the same as a tensor.
        is_structural: (k,) bool.
        usual: (k,) logits of the shares, which those of the network are relative to.
        has_hidden: whether one of them is not structural.
    """

    column: Tensor
    is_structural: Tensor
    usual: Tensor

    def __init__(self, columns: Mapping[int, tuple[bool, float]]) -> None:
        super().__init__()
        self.columns = list(columns)
        is_structural, share = zip(*columns.values(), strict=True)
        self.has_hidden = not all(is_structural)
        # Not stored in checkpoints: the encoder, which is, gives them again.
        self.register_buffer("column", torch.tensor(self.columns, dtype=torch.int64), persistent=False)
        self.register_buffer("is_structural", torch.tensor(is_structural), persistent=False)
        self.register_buffer("usual", torch.tensor(share).logit(eps=1e-6), persistent=False)

    def nats(self, logits: Tensor, missing: Tensor) -> Tensor:
        r"""Compute :math:`-\log p(r_i \mid \cdot)` from logits (B, k) of "missing" and whether cells are, (B, k)."""
        return softplus(torch.where(missing, -logits, logits))
