r"""Encode the numbers and categories of a table with holes as continuous coordinates, and decode them.

A numerical column has one coordinate z, fitted to the observed training cells. ``minmax`` (paper, Appendix D.2) maps
the smallest value to ``low`` and the largest to 1, linearly; ``low`` is -1, or 0 as in STaSy. ``quantile`` maps a value
v to its normal score :math:`z = \Phi^{-1}(F(v))`, where F is the empirical distribution function and ties lie at the
middle of their step. It decodes by the empirical quantiles, so that a value that half of the rows share (zero capital
gain, 40 hours a week) keeps half of the mass. A constant column is encoded as the middle of its scale. With
``repeated``, a column of which some values are common has, after z, a one-hot block whose categories are those values
and, where other cells exist, "another value"; it is decoded first, and z only counts where it says so.

A categorical column has a block of coordinates, with one code for each category that an observed training cell has
(:mod:`src.encoding.codes`); it is decoded by the nearest code. A one-hot block may have a further coordinate, for
"missing" (``na_coordinate``).

The coordinates of a missing cell are 0 and masked; with ``na_coordinate`` its one-hot block has the code of "missing".
The contents of missing cells are never read.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import scipy  # loads scipy.special on first use, which keeps the start of commands short
import torch
from torch import Tensor

from src.encoding.base import Encoder, observed_cells, refuse_empty, refuse_infinite, seen_categories
from src.encoding.codes import CODES, TOKEN_WIDTH, code_width, codebook, direction
from src.errors import ConfigError
from src.tables import Schema, Table

NUMERICAL = ("minmax", "quantile")
MOST_QUANTILES = 1001
LEAST_SHARE = 0.01
"""Least share of the training cells of a column that makes their common value a category beside z."""
LEAST_CELLS = 8
"""Cells that such a value has more of, in a small table too."""
LARGE = 1e150
"""Beyond this size the difference of two knots might overflow."""


@dataclass(frozen=True)
class EncodingRecipe:
    """Settings of :class:`TableEncoder`.

    Attributes:
        numerical: scale of the numerical columns: ``quantile``, or ``minmax`` (the paper's).
        low: lower end of min-max and of one-hot coordinates, -1 or 0; the upper end is 1.
        na_coordinate: whether a one-hot block has a coordinate for "missing".
        code: code of a category: ``one_hot``, ``analog_bits``, or ``tokens`` (TabCSDI's, which encode numbers too).
        repeated: whether a number that a hundredth of the cells or more share is a category too.
    """

    numerical: str = "quantile"
    low: int = -1
    na_coordinate: bool = False
    code: str = "one_hot"
    repeated: bool = False

    def __post_init__(self) -> None:
        if self.numerical not in NUMERICAL:
            raise ConfigError(f"diffusion.encoding.numerical is one of {list(NUMERICAL)}, got {self.numerical!r}")
        if self.low not in (-1, 0):
            raise ConfigError(f"diffusion.encoding.low is -1 or 0, got {self.low}")
        if self.code not in CODES:
            raise ConfigError(f"diffusion.encoding.code is one of {list(CODES)}, got {self.code!r}")
        if self.na_coordinate and self.code != "one_hot":
            raise ConfigError(f"diffusion.encoding.na_coordinate=true needs code=one_hot, got code={self.code}")
        if self.repeated and self.code == "tokens":
            raise ConfigError("diffusion.encoding.repeated=true needs code=one_hot or analog_bits, got code=tokens")

    def fit(self, table: Table, mask: np.ndarray) -> "TableEncoder":
        """See :meth:`TableEncoder.fit`."""
        return TableEncoder.fit(table, mask, self)

    def for_imputation(self) -> Self:
        """See :meth:`Encoding.for_imputation`."""
        return self


@dataclass(frozen=True)
class Block:
    """The coordinates ``start:stop`` of one column.

    Attributes:
        knots: of a numerical column, the values (observed extremes or quantiles) that are encoded as the z of
            :func:`knot_positions`; values between them are interpolated. Positions where the column has a grid.
        categories: of a categorical column, the positions of its observed categories in the schema's list.
        repeated: of a numerical column, the increasing values (as knots) that are categories beside z; their codes are
            the last coordinates, and a code of "another value" stands before them where other cells were seen.
    """

    name: str
    start: int
    stop: int
    knots: tuple[float, ...] = ()
    categories: tuple[int, ...] = ()
    repeated: tuple[float, ...] = ()

    @property
    def n_codes(self) -> int:
        """Codes of a numerical column beside z."""
        return self.stop - self.start - 1 if self.repeated else 0


@dataclass(frozen=True)
class TableEncoder(Encoder):
    """Encoder of continuous coordinates, fitted by :meth:`fit`; checkpoints store it by :meth:`to_dict`."""

    schema: Schema
    low: int
    na_coordinate: bool
    blocks: tuple[Block, ...]
    code: str = "one_hot"

    @classmethod
    def fit(cls, table: Table, mask: np.ndarray, recipe: EncodingRecipe) -> "TableEncoder":
        """Fit ranges or quantiles, and categories, to the observed training cells.

        Arguments:
            table: (N, d) training table.
            mask: (N, d) bool on cells, True = observed.
            recipe: the settings.

        Raises:
            TableError: a column has no observed cell.
        """
        blocks = []
        start = 0
        for i, column in enumerate(table.schema.columns):
            observed = observed_cells(table, mask, i)
            if column.kind == "numerical":
                numbers = column.positions(observed.to_numpy(dtype=np.float64))
                levels = np.linspace(0, 1, 2 if recipe.numerical == "minmax" else min(MOST_QUANTILES, len(observed)))
                knots = np.quantile(numbers, levels)
                repeated, n_codes = _repeated_values(numbers) if recipe.repeated else ((), 0)
                width = TOKEN_WIDTH if recipe.code == "tokens" else 1 + n_codes
                block = Block(column.name, start, start + width, tuple(knots.tolist()), repeated=repeated)
            else:
                seen = seen_categories(column.categories, observed)
                width = code_width(recipe.code, len(seen)) + recipe.na_coordinate
                block = Block(column.name, start, start + width, categories=seen)
            blocks.append(block)
            start = block.stop
        return cls(table.schema, recipe.low, recipe.na_coordinate, tuple(blocks), recipe.code)

    def forward(self, table: Table, mask: np.ndarray) -> tuple[Tensor, Tensor]:
        """See :meth:`Encoder.forward`."""
        x = np.zeros((table.n_rows, self.width), dtype=np.float32)
        coordinate_mask = np.zeros((table.n_rows, self.width), dtype=bool)
        for i, block in enumerate(self.blocks):
            values, observed = table.frame[block.name], mask[:, i]
            if block.categories:
                codes = self._codes(block, values)
                refuse_empty(values.isna().to_numpy(), observed, block.name)
                observed = observed & (codes >= 0)
                x[:, block.start : block.stop] = self._coded(block, codes, observed)
            else:
                numbers = values.to_numpy(dtype=np.float64)
                refuse_empty(~np.isfinite(numbers), observed, block.name)
                positions = self.schema[block.name].positions(numbers)
                z = _scale(block, positions, observed, self.low)
                coded = _coded_repeats(block, positions, observed, self.low)
                x[:, block.start : block.stop - block.n_codes] = z[:, None] * direction(self.code, block.name)
                x[:, block.stop - block.n_codes : block.stop] = coded
            coordinate_mask[:, block.start : block.stop] = observed[:, None]
        return torch.from_numpy(x), torch.from_numpy(coordinate_mask)

    def decode(self, x: Tensor) -> dict[str, np.ndarray]:
        """Clip and unscale numbers, and find the category with the nearest code; see :meth:`Encoder.decode`."""
        refuse_infinite(x)
        decoded: dict[str, np.ndarray] = {}
        for block in self.blocks:
            if block.categories:
                decoded[block.name] = np.array(block.categories)[self._nearest(block, x[:, block.start : block.stop])]
            else:
                axis = direction(self.code, block.name)
                z = x[:, block.start : block.stop - block.n_codes].double().cpu().numpy() @ axis / (axis @ axis)
                numbers = _interpolated(z, *self._other_knots(block))
                numbers = _with_repeats(block, numbers, x[:, block.stop - block.n_codes : block.stop])
                decoded[block.name] = self.schema[block.name].numbers(numbers)
        return decoded

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can store; see :meth:`from_dict`."""
        blocks = [
            {
                **asdict(block),
                "knots": list(block.knots),
                "categories": list(block.categories),
                "repeated": list(block.repeated),
            }
            for block in self.blocks
        ]
        return {
            "schema": self.schema.to_dict(),
            "low": self.low,
            "na_coordinate": self.na_coordinate,
            "blocks": blocks,
            "code": self.code,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TableEncoder":
        """Inverse of :meth:`to_dict`."""
        lists = ("knots", "categories", "repeated")  # the last one is absent in checkpoints of earlier versions
        blocks = tuple(Block(**{**b, **{key: tuple(b.get(key, ())) for key in lists}}) for b in values["blocks"])
        code = values.get("code", "one_hot")  # absent in checkpoints of earlier versions
        return cls(Schema.from_dict(values["schema"]), values["low"], values["na_coordinate"], blocks, code)

    def _coded(self, block: Block, codes: np.ndarray, observed: np.ndarray) -> np.ndarray:
        book = self._codebook(block)
        missing = np.zeros(book.shape[1], dtype=np.float32)
        if self.na_coordinate:
            missing[:] = self.low
            missing[-1] = 1
        return np.where(observed[:, None], book[np.where(observed, codes, 0)], missing)

    def _nearest(self, block: Block, x: Tensor) -> np.ndarray:
        """Return the position of the nearest code among the block's categories, (n,) int."""
        if self.code == "one_hot":
            return np.asarray(x[:, : len(block.categories)].argmax(dim=1).cpu().numpy())
        book = torch.from_numpy(self._codebook(block)).to(x)
        # |x - c|^2 = |x|^2 - (2 x c - |c|^2), in which |x|^2 is the same for all codes c
        return np.asarray((2 * x @ book.T - book.square().sum(dim=1)).argmax(dim=1).cpu().numpy())

    def _other_knots(self, block: Block) -> tuple[np.ndarray, np.ndarray]:
        """Positions and values of the knots that z is decoded by; values that have codes are none of them."""
        positions, knots = knot_positions(len(block.knots), self.low), np.array(block.knots)
        # quantiles of one value are that value up to rounding
        is_other = ~np.isclose(knots[:, None], np.array(block.repeated), rtol=1e-12, atol=0).any(axis=1)
        chosen = is_other if is_other.any() and len(knots) > 2 else slice(None)
        return positions[chosen], knots[chosen]

    def _codebook(self, block: Block) -> np.ndarray:
        return codebook(self.code, self.low, block.name, len(block.categories), block.stop - block.start)


def _interpolated(z: np.ndarray, positions: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Interpolate between the knots at z, scaled so that differences of very large knots do not overflow."""
    scale = LARGE if np.abs(knots).max() > LARGE else 1.0
    return np.asarray(np.interp(z, positions, knots / scale) * scale)


def _repeated_values(numbers: np.ndarray) -> tuple[tuple[float, ...], int]:
    """The values that many of ``numbers`` share, increasing, and how many codes they need."""
    values, counts = np.unique(numbers, return_counts=True)
    is_repeated = (counts > max(LEAST_SHARE * len(numbers), LEAST_CELLS)) & (len(values) > 1)
    n_repeated = int(is_repeated.sum())
    return tuple(values[is_repeated].tolist()), n_repeated and n_repeated + (n_repeated < len(values))


def _coded_repeats(block: Block, positions: np.ndarray, observed: np.ndarray, low: int) -> np.ndarray:
    """One-hot codes (N, block.n_codes) of the repeated values; 0 of missing cells."""
    n_others = block.n_codes - len(block.repeated)
    is_value = positions[:, None] == np.array(block.repeated)
    codes = np.concatenate([~is_value.any(axis=1, keepdims=True), is_value], axis=1)[:, 1 - n_others :]
    return np.where(observed[:, None], np.where(codes, 1.0, low), 0)


def _with_repeats(block: Block, numbers: np.ndarray, codes: Tensor) -> np.ndarray:
    """Replace ``numbers`` (n,) by the repeated values that one-hot ``codes`` (n, block.n_codes) name."""
    if not block.n_codes:
        return numbers
    state = codes.argmax(dim=1).cpu().numpy() - (block.n_codes - len(block.repeated))
    return np.where(state < 0, numbers, np.array(block.repeated)[state])


def knot_positions(n_knots: int, low: int) -> np.ndarray:
    """Return the z of the knots of a numerical column: ``low`` and 1 for two, else normal scores of even levels."""
    if n_knots == 2:
        return np.array([low, 1.0])
    return np.asarray(scipy.special.ndtri((np.arange(n_knots) + 0.5) / n_knots))


def _scale(block: Block, numbers: np.ndarray, observed: np.ndarray, low: int) -> np.ndarray:
    """Encode numbers as z; missing cells are filled before the arithmetic and become 0 after it."""
    knots = np.array(block.knots)
    filled = np.where(observed, numbers, knots[0])
    index = np.arange(len(knots))
    # a value that several knots share lies at the middle of their positions: interpolate from both ends
    first, last = -np.interp(-filled, -knots[::-1], -index[::-1]), np.interp(filled, knots, index)
    return np.where(observed, np.interp((first + last) / 2, index, knot_positions(len(knots), low)), 0)
