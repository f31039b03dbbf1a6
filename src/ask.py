"""``python -m src.ask``: how probable rows are, and how a cell is distributed given the others of its row.

See ``python -m src.ask --help``; the work is in :mod:`src.commands.ask`.
"""

from src.commands.ask import check, job
from src.commands.cli.main import main

if __name__ == "__main__":
    main(job, check, "ask", positional="file")
