"""``python -m src.evaluate``: score a synthetic file against a real one, or look again at a finished run.

See ``python -m src.evaluate --help``; the work is in :mod:`src.commands.evaluate`.
"""

from src.commands.cli.main import main
from src.commands.evaluate import check, job

if __name__ == "__main__":
    main(job, check, "evaluate")
