"""``python -m src.evaluate``: score a synthetic file against a real one, or look again at a finished run.

See ``python -m src.evaluate --help``; the work is in :mod:`src.commands.evaluate`.
"""

from src.commands.evaluate import check, job
from src.commands.main import main

if __name__ == "__main__":
    main(job, check, "evaluate")
