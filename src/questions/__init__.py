"""Ask a model: how probable rows are, and how a cell is distributed given the others of its row.

Both are exact for the model of states (``diffusion=absorbing``), which is one of conditional probabilities.
"""

from src.questions.cells import Distribution, distribution
from src.questions.rows import N_ORDERS, log_probabilities

__all__ = ["N_ORDERS", "Distribution", "distribution", "log_probabilities"]
