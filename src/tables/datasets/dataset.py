"""What a dataset is: rows to train on and to test with, and what is known of where they come from."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from src.tables.datasets.split import Split


@dataclass(frozen=True)
class Dataset(ABC):
    """``dataset=...``: its settings are its fields."""

    @abstractmethod
    def load(self, seed: int) -> Split:
        """Training and test rows, disjoint, drawn by ``seed``.

        Raises:
            ConfigError, TableError: see :meth:`files`; the rows cannot be used.
        """

    def files(self) -> list[Path]:
        """The files that it reads, looked for before any work starts; none of one that brings its rows along.

        Raises:
            ConfigError: no file is named.
            TableError: a file is absent or of the wrong kind.
        """
        return []

    def watched(self) -> list[Path]:
        """:meth:`files`, and those that are not there but would change the rows if they were."""
        return self.files()

    def fingerprint(self) -> dict[str, str]:
        """By name a digest of each file whose content decides the rows beside the settings."""
        return {}

    def truth(self, frame: pd.DataFrame) -> dict[str, float]:
        """Metrics of synthetic rows against the distribution itself, of a dataset that knows it; else none."""
        return {}
