"""``python -m src.train``: train on a table with holes, draw complete rows, score them.

See ``python -m src.train --help``; the work is in :mod:`src.commands.train`.
"""

import gc

from src.commands.cli.main import main
from src.commands.train import check, job

if __name__ == "__main__":
    gc.set_threshold(50_000)  # loading the libraries makes a million objects that live on: a tenth of it was collecting
    main(job, check)
