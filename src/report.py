"""``python -m src.report``: the tables of a sweep beside the paper's numbers.

See ``python -m src.report --help``; the work is in :mod:`src.commands.report`.
"""

from src.commands.cli.main import main
from src.commands.report import check, job

if __name__ == "__main__":
    main(job, check, "report")
