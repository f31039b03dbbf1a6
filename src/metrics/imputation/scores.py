"""Score imputations against the values that were held back."""

import numpy as np

from src.errors import NotApplicableError
from src.metrics.base.scores import Scores
from src.metrics.imputation.held_back import HeldBack, NumericalCells
from src.metrics.imputation.metrics import IMPUTATION_METRICS
from src.tables import Table
from src.tables.imputations import Imputations, codes_of


def score_imputations(train: Table, truth: Table, imputations: Imputations, level: float, prefix: str) -> Scores:
    """Score imputations of a table whose cells are known.

    Arguments:
        train: complete training table, whose ranges and deviations are the scales.
        truth: (n, d) the table before cells were held back; its own holes are not scored.
        imputations: of the same rows.
        level: of the intervals.
        prefix: of the metrics' names.
    """
    numbers = [_numerical(train, truth, imputations, name, level) for name in truth.schema.numerical]
    shares = {name: _share_wrong(truth, imputations, name) for name in truth.schema.categorical}
    held_back = HeldBack(
        [cells for cells in numbers if cells is not None],
        {name: share for name, share in shares.items() if share is not None},
        imputations.has_distributions,
        level,
    )
    scores = Scores()
    for metric in IMPUTATION_METRICS:
        name = f"{prefix}{metric.key}"
        try:
            result = metric.compute(held_back)
        except NotApplicableError as error:
            scores.undefined([name], str(error))
        else:
            scores.add(name, result.value)
            scores.details[name] = {"per_column": result.per_column, **result.details}
    return scores


def _numerical(train: Table, truth: Table, imputations: Imputations, name: str, level: float) -> NumericalCells | None:
    """Held-back cells of a numerical column; None if there are none."""
    if name not in imputations.draws:
        return None
    values = truth.frame[name].to_numpy(dtype=np.float64)[imputations.holes(name)]
    known = ~np.isnan(values)
    if not known.any():
        return None
    column = train.frame[name].to_numpy(dtype=np.float64)
    values = np.where(known, values, 0)
    of_cells = {
        "mean": imputations.numbers(name, "mean"),
        "median": imputations.numbers(name, "median"),
        "crps": imputations.crps(name, values),
        "ranks": imputations.ranks(name, values),
        "interval": np.stack(imputations.interval(name, level)),
    }
    span, deviation = float(np.nanmax(column) - np.nanmin(column)), float(np.nanstd(column))
    found = {key: value[..., known] for key, value in of_cells.items()}
    return NumericalCells(name, values[known], **found, deviation=deviation, span=span)


def _share_wrong(truth: Table, imputations: Imputations, name: str) -> float | None:
    """Share of held-back cells of a categorical column whose best category is wrong; None if there are none."""
    if name not in imputations.draws:
        return None
    values = codes_of(truth, name)[imputations.holes(name)]
    known = values >= 0
    return float((imputations.codes(name) != values)[known].mean()) if known.any() else None
