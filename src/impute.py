"""``python -m src.impute``: fill the holes of a table, or score imputers on cells that are taken away.

See ``python -m src.impute --help``; the work is in :mod:`src.commands.impute`.
"""

from src.commands.cli.main import main
from src.commands.impute import check, job

if __name__ == "__main__":
    main(job, check, "impute")
