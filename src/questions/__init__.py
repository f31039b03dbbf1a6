"""Ask a model: how probable rows are, and how a cell is distributed given the others of its row.

The model of states (``diffusion=absorbing``) answers, since it is one of conditional probabilities: the distribution of
a cell is one of them, the probability of a row is their product in one order of the cells, or a mean over orders.
"""

from src.questions.cells import Distribution, distribution
from src.questions.labels import labelled
from src.questions.model import refuse_others
from src.questions.rows import N_ORDERS, log_probabilities

__all__ = ["N_ORDERS", "Distribution", "distribution", "labelled", "log_probabilities", "refuse_others"]
