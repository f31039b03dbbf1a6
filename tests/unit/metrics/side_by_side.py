"""What a worker process of the tests runs; imports little, since every worker does so anew."""

from src.metrics.base.scores import Scores
from src.metrics.downstream import grids
from src.metrics.downstream.tuned import add_tuned_utility


def tuned_values(rows, evaluation, small_grids):
    grids.GRIDS = small_grids
    scores = Scores()
    add_tuned_utility(scores, rows, evaluation, 0, n_threads=2)
    return scores.values
