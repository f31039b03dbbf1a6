"""Keep rules in rows that are drawn: complete a row, and draw the rows anew that still break one."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from src.errors import MissDiffError, TableError
from src.tables.columns.forms import Form
from src.tables.rules.rule import Rule
from src.tables.rules.solving import completed

MOST_ROUNDS = 20
"""Rounds in which rows are drawn anew."""
ROUNDS_OF_FOUND = 3
"""Those of rows that break rules that were found, but none that was declared."""
ROUNDS_OF_FOUND_WHERE_FIXED = 10
"""The same where columns are fixed, which few draws may go with."""
SPARE = 1.2
MOST_DRAWN = 2048
"""Rows of a fill that are drawn anew together."""


@dataclass(frozen=True)
class Keeper:
    """Keeps rules in canonical rows.

    Attributes:
        rules: declared rules: every row keeps them.
        forms: by name, forms of the learned columns.
        fixed: columns that every row has in common, as :meth:`Form.fixed_cells` takes them.
        found: rules that every training row keeps: rows that break one are drawn anew in :attr:`rounds_of_found`
            rounds; what then still breaks one stays.
    """

    rules: tuple[Rule, ...]
    forms: Mapping[str, Form]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    found: tuple[Rule, ...] = ()

    @property
    def rounds_of_found(self) -> int:
        """Rounds in which rows that break none but found rules are drawn anew."""
        return ROUNDS_OF_FOUND_WHERE_FIXED if self.fixed else ROUNDS_OF_FOUND

    def check_fixed(self) -> None:
        """Check that the fixed columns keep the rules between them.

        Raises:
            TableError: they break one, or the training rows say nothing of them.
        """
        row = self._fixed_row()
        for rule in self.rules:
            if rule.broken(row)[0]:
                raise TableError(f"where: the values break the rule {rule.text!r}, which every row keeps")
            if rule.unheard(row)[0]:
                raise TableError(f"where: no training row has these values, of which the rule {rule.text!r} is learned")

    def completed(self, frame: pd.DataFrame, free: np.ndarray | None = None, beyond: bool = False) -> pd.DataFrame:
        """Complete rows; see :func:`src.tables.rules.solving.completed`.

        Arguments:
            frame: (n, d) canonical rows, holes NaN; fixed columns get their value.
            free: (n, d) bool, the cells that may change; None = all but those of fixed columns.
            beyond: whether what follows from given cells alone may leave the range of its column.
        """
        frame = self._with_fixed(frame)
        if free is None:
            free = np.tile(np.array([name not in self.fixed for name in frame.columns]), (len(frame), 1))
        return completed((*self.rules, *self.found), self.forms, frame, free, beyond)

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Tell which rules (r,), declared ones first, the rows of a canonical frame (n, d) break, (r, n) bool."""
        return np.stack([rule.broken(frame) | rule.unheard(frame) for rule in (*self.rules, *self.found)])

    def breaking(self, frame: pd.DataFrame) -> np.ndarray:
        """Tell which observed rows of a canonical frame (n, d) break a rule, (n,) bool."""
        return np.asarray(np.stack([rule.broken(frame) for rule in self.rules]).any(axis=0))

    def rows(self, n_rows: int, draw: Callable[[int, int], Any], decoded: Callable[[Any], pd.DataFrame]) -> Any:
        """Draw rows until all keep the rules once they are completed.

        Those that do not are replaced by rows of further streams that do, in their order, so that the rows are those
        of the model given that the rules hold. Rows that break none but found rules stay after
        :attr:`rounds_of_found` rounds.

        Arguments:
            n_rows: rows, n.
            draw: draws so many rows, an array or tensor (., D), of a round from 0 on.
            decoded: canonical rows of what was drawn.

        Raises:
            MissDiffError: after :data:`MOST_ROUNDS` rounds some rows still break a declared rule; names it and the
                share.
        """
        drawn = draw(0, n_rows)
        broken = self.broken(self.completed(decoded(drawn)))
        must_go = self._breaks_declared(broken)
        left, n_broken, n_drawn = np.flatnonzero(broken.any(axis=0)), broken.sum(axis=1), n_rows
        n_kept = n_rows - len(left)
        for number in range(1, MOST_ROUNDS + 1):
            if number > self.rounds_of_found:
                left = left[must_go[left]]
            if not len(left):
                return drawn
            wanted = math.ceil(SPARE * len(left) * n_drawn / max(n_kept, 1)) + 8
            more = draw(number, min(wanted, n_rows))
            broken = self.broken(self.completed(decoded(more)))
            good = np.flatnonzero(~self._breaks(broken, number))
            n_kept, n_drawn, n_broken = n_kept + len(good), n_drawn + broken.shape[1], n_broken + broken.sum(axis=1)
            good = good[: len(left)]
            drawn[left[: len(good)]] = more[good]
            left = left[len(good) :]
        if must_go[left].any():
            self._refuse(n_broken[: len(self.rules)] / n_drawn)
        return drawn

    def fills(
        self, observed: pd.DataFrame, free: np.ndarray, draw: Callable[[np.ndarray, int], pd.DataFrame]
    ) -> tuple[pd.DataFrame, np.ndarray]:
        """Draw the holes of rows until the rows keep the rules, as far as their observed cells allow.

        Arguments:
            observed: (n, d) canonical rows, holes NaN.
            free: (n, d) bool, the holes to fill.
            draw: draws the rows of these positions once, of a round from 0 on: canonical rows whose observed cells
                are those of ``observed``.

        Returns:
            (n, d) rows, and (n,) bool, where no draw of :data:`MOST_ROUNDS` rounds keeps a declared rule that could be
            kept. Found rules count as in :meth:`rows`.
        """
        positions = np.arange(len(observed))
        frame = self.completed(draw(positions, 0), free, beyond=True)
        excused = self.broken(observed)
        broken = self.broken(frame) & ~excused
        must_go, is_left = self._breaks_declared(broken), broken.any(axis=0)
        for number in range(1, MOST_ROUNDS + 1):
            if number > self.rounds_of_found:
                is_left &= must_go
            left = np.flatnonzero(is_left)
            if not len(left):
                break
            n_copies = max(min(2 ** (number - 1), MOST_DRAWN // len(left)), 1)
            rows = np.repeat(left, n_copies)
            more = self.completed(draw(rows, number), free[rows], beyond=True)
            keeps = ~self._breaks(self.broken(more) & ~excused[:, rows], number)
            kept, first = np.unique(rows[keeps], return_index=True)
            _replace(frame, kept, more.iloc[np.flatnonzero(keeps)[first]])
            is_left[kept] = False
        return frame, is_left & must_go

    def _breaks_declared(self, broken: np.ndarray) -> np.ndarray:
        """Rows (n,) that break a declared rule, of the rules (r, n) that they break."""
        return np.asarray(broken[: len(self.rules)].any(axis=0))

    def _breaks(self, broken: np.ndarray, number: int) -> np.ndarray:
        """Rows (n,) that break a rule that counts in round ``number``, of the rules (r, n) that they break."""
        return self._breaks_declared(broken) if number > self.rounds_of_found else np.asarray(broken.any(axis=0))

    def _with_fixed(self, frame: pd.DataFrame) -> pd.DataFrame:
        cells = {name: self.forms[name].fixed_cells(value, len(frame)) for name, value in self.fixed.items()}
        return frame.assign(**{name: values.to_numpy() for name, values in cells.items()}) if cells else frame

    def _fixed_row(self) -> pd.DataFrame:
        """A canonical row of holes but for the fixed columns."""
        return self._with_fixed(pd.DataFrame({name: pd.Series([np.nan], dtype=object) for name in self.forms}))

    def but_for_fixed(self) -> "Keeper":
        """A copy without the found rules that the fixed columns break."""
        row = self._fixed_row()
        is_kept = [not (rule.broken(row) | rule.unheard(row))[0] for rule in self.found]
        return replace(self, found=tuple(rule for rule, kept in zip(self.found, is_kept, strict=True) if kept))

    def _refuse(self, shares: np.ndarray) -> None:
        worst = int(shares.argmax())
        fixed = " given the fixed columns" if self.fixed else ""
        raise MissDiffError(
            f"the rule {self.rules[worst].text!r} could not be kept: {shares[worst]:.1%} of the drawn rows{fixed} "
            f"broke it, in {MOST_ROUNDS} rounds of drawing anew; a longer training, or fewer rules, may help"
        )


def keeper_of(
    rules: Sequence[Rule], found: Sequence[Rule], forms: Sequence[Form], fixed: Mapping[str, Any] | None = None
) -> Keeper | None:
    """Create the keeper of the rules between learned columns; None if there are no rules. See :class:`Keeper`."""
    keeper = Keeper(tuple(rules), {form.name: form for form in forms}, dict(fixed or {}), tuple(found))
    if keeper.fixed:
        keeper = keeper.but_for_fixed()
    return keeper if keeper.rules or keeper.found else None


def _replace(frame: pd.DataFrame, rows: np.ndarray, by: pd.DataFrame) -> None:
    if len(rows):
        for name in frame.columns:
            cells = frame[name].to_numpy(copy=True)
            cells[rows] = by[name].to_numpy()
            frame[name] = cells
