"""``python -m src.sample``: rows from a finished run, as many as you like, in constant memory.

See ``python -m src.sample --help``; the work is in :mod:`src.commands.sample`.
"""

from src.commands.cli.main import main
from src.commands.sample import check, job

if __name__ == "__main__":
    main(job, check, "sample")
