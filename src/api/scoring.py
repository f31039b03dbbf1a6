"""Score synthetic rows of an estimator beside a floor."""

import pandas as pd

from src.completion import marginals
from src.metrics.base.settings import Evaluation, of_synthetic_rows
from src.metrics.evaluate import score
from src.runs.compare_files import holed_alike, without_holdout
from src.seeding import numpy_stream
from src.system.cores import cores_of_a_job
from src.tables import Split, Table


def scores_beside_floor(tables: dict[str, Table], evaluation: Evaluation, seed: int) -> pd.DataFrame:
    """Scores of synthetic rows and of independent draws from the real columns.

    Arguments:
        tables: ``real``, ``synthetic``, and perhaps ``test``: real rows that were not trained on.
        evaluation: what is scored.
        seed: of the floor and of the metrics.

    Returns:
        A row for every metric, columns ``synthetic`` and ``floor``; NaN where one is not defined.
    """
    split = Split(tables["real"], tables.get("test", tables["real"]))
    floor = marginals(tables["real"], tables["real"].observed, numpy_stream(seed, "reference", "marginals"))[0]
    chosen, n_threads = of_synthetic_rows(evaluation), cores_of_a_job()
    scored = {"synthetic": tables["synthetic"], "floor": holed_alike("floor", floor, tables, seed)}
    scores = {name: score(split, table, chosen, seed, n_threads) for name, table in scored.items()}
    if "test" not in tables:
        for of_table in scores.values():
            without_holdout(of_table, "needs test rows")
    return pd.DataFrame({name: of_table.values for name, of_table in scores.items()}, dtype=float).dropna(how="all")
