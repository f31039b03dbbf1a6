"""The Python interface: a table in, a generator out, with scikit-learn's manners.

>>> from src.api import MissDiff, pool
>>> model = MissDiff(target="species", seed=0).fit(frame)          # a DataFrame with holes
>>> rows = model.sample(1000)                                       # complete, of the same columns and dtypes
>>> women = model.sample(100, where={"sex": "female"})
>>> model.impute(frame)                                             # its holes filled, the other cells as they were
>>> pool(model.impute(frame, 20), "bill ~ flipper + C(sex)")       # coefficients by Rubin's rules
>>> model.evaluate(frame)                                           # scores beside a floor
>>> model.predict_proba(frame, "species")                           # of each value, given the other cells
>>> model.log_prob(frame)                                           # bits of each row
>>> model.save("penguins.ckpt"); MissDiff.load("penguins.ckpt").sample(10)
"""

from src.api.estimator import MissDiff
from src.api.pooling import pool

__all__ = ["MissDiff", "pool"]
