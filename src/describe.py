"""``python -m src.describe FILE``: what the columns of a table are, and a sidecar to correct it in.

See ``python -m src.describe --help``; the work is in :mod:`src.commands.describe`.
"""

from src.commands.cli.main import main
from src.commands.describe import check, job

if __name__ == "__main__":
    main(job, check, "describe", positional="file")
