"""The interface of datasets: training and test rows, and the files that these come from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from src.tables.datasets.split import Split


@dataclass(frozen=True)
class Dataset(ABC):
    """A dataset, ``dataset=...``; its fields are its settings."""

    @abstractmethod
    def load(self, seed: int) -> Split:
        """Load disjoint training and test rows; ``seed`` draws them.

        Raises:
            ConfigError, TableError: see :meth:`files`; or the rows cannot be used.
        """

    def files(self) -> list[Path]:
        """Find the files that :meth:`load` reads, before any work starts; none for a dataset without files of the user.

        Raises:
            ConfigError: the settings name no file.
            TableError: a file does not exist or has an unknown extension.
        """
        return []

    def watched(self) -> list[Path]:
        """Return :meth:`files`, and paths without a file at present where a new file would change the rows."""
        return self.files()

    def fingerprint(self) -> dict[str, str]:
        """Return, by name, a digest of every file whose content decides about the rows."""
        return {}

    def truth(self, frame: pd.DataFrame) -> dict[str, float]:
        """Compare synthetic rows with the true distribution; metrics by name, empty if the dataset does not know it."""
        return {}
