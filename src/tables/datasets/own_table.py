"""``dataset=table``: the user's CSV, TSV, Parquet or Feather file with its holes, by the rules of ``docs/data.md``."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from src.errors import ConfigError, TableError
from src.seeding import numpy_stream
from src.system.quoting import command
from src.tables.columns.choice import ColumnChoice, choices_of, refuse_contradictions, refuse_target, with_marked
from src.tables.columns.kinds import check_names
from src.tables.columns.sidecar import Sidecar, read_sidecar, sidecar_of
from src.tables.datasets.dataset import Dataset
from src.tables.datasets.split import Split, split_positions
from src.tables.files.layout import Layout, with_more_categories
from src.tables.files.raw import read_raw
from src.tables.reading.pairing import refuse_other_columns
from src.tables.reading.understanding import Columns, Rules, marked_as, understand
from src.tables.text.delimited import Reading, Say
from src.tables.text.dialect import check_file
from src.tables.text.formulas import check_formulas

LEAST_ROWS = 3
LONGEST_STEM = 60


@dataclass(frozen=True)
class OwnTable(Dataset):
    """``dataset=table``: a file of the user.

    Attributes:
        path: the file: .csv, .tsv (also .gz), .parquet or .feather.
        test_path: a file of test rows with the same columns; None = split off ``test_fraction`` of the rows.
        test_fraction: share of test rows, in (0, 1).
        n_rows: number of rows to use, a seeded sample; None = all.
        target: column to predict; None = none.
        columns: sidecar (:mod:`src.tables.columns.sidecar`); None = ``<file>.columns.yaml`` if it exists.
        categorical: columns to learn as categories although their values are numbers, or many, e.g. [zip,grade].
        numerical: columns to learn as numbers although they have few values.
        ids: columns that are not learned and get new ids.
        exclude: columns to leave out, also of the synthetic table.
        merge_spellings: columns in which categories that differ only in case or blanks are one, in the most frequent
            spelling.
        structural: columns of which a hole is no unknown value: they do not apply to the row, and stay missing.
        rules: rules between columns, which every synthetic and filled row keeps, e.g. ['end >= start','total = a + b'].
            Synthetic rows and fills that break another rule that all rows keep are drawn anew; null = they are not.
        ordered: orders of ordered categories, smallest first, e.g. {size: [S, M, L]}.
        separator: separator of a text file; None = detect one of , ; tab |.
        encoding: encoding of a text file; None = UTF-8, UTF-16 with a mark, else Latin-1.
        decimal: decimal sign of a text file; None = detect it in every column.
        quote: quoting character of a text file; None = the double quote.
        header: false = the first line of a text file holds no names; columns are called column_1, column_2, ..., and
            written files have no such line either. None = it holds names, with a note if it looks like data.
        holes: texts that mark a hole, e.g. [NA,unknown]; None = NA, N/A, NaN, null, None, ? and the like. An empty cell
            is always a hole.
        also_holes: further texts or numbers that mark a hole in any column, e.g. [-999].
        max_categories: most categories of a column; rarer ones are learned as one and drawn by their frequency.
        formulas: ``escape`` puts an apostrophe before texts of a synthetic text file that a spreadsheet would run as
            formulas; ``keep`` does not.
    """

    path: str | None = None
    test_path: str | None = None
    test_fraction: float = 0.2
    n_rows: int | None = None
    target: str | None = None
    columns: str | None = None
    categorical: list[str] = field(default_factory=list)
    numerical: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    merge_spellings: list[str] = field(default_factory=list)
    structural: list[str] = field(default_factory=list)
    rules: list[str] | None = field(default_factory=list)
    ordered: dict[str, Any] | None = None
    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    quote: str | None = None
    header: bool | None = None
    holes: list[str | int | float] | None = None
    also_holes: list[str | int | float] = field(default_factory=list)
    max_categories: int = 10_000
    formulas: str = "keep"

    def __post_init__(self) -> None:
        if not 0 < self.test_fraction < 1:
            raise ConfigError(f"dataset.test_fraction is between 0 and 1, got {self.test_fraction}")
        if self.n_rows is not None and self.n_rows < LEAST_ROWS:
            raise ConfigError(f"dataset.n_rows is at least {LEAST_ROWS}, or null for all rows, got {self.n_rows}")
        if self.max_categories < 2:
            raise ConfigError(f"dataset.max_categories is at least 2, got {self.max_categories}")
        check_formulas("dataset.formulas", self.formulas)
        self.reading.check()
        refuse_contradictions({f"dataset.{k}": v for k, v in {**self._named, "ordered": list(self.orders)}.items()})
        for name, order in self.orders.items():
            if not isinstance(order, list) or len(order) < 2:
                raise ConfigError(f"dataset.ordered={{{name}: ...}} is a list of values, smallest first, got {order!r}")
        refuse_target("dataset.exclude", self.exclude, self.target)

    @property
    def orders(self) -> dict[str, Any]:
        """The orders by column, empty if there are none."""
        return self.ordered or {}

    @property
    def reading(self) -> Reading:
        """The settings for reading a text file."""
        return Reading(self.separator, self.encoding, self.decimal, self.quote, self.header)

    @property
    def _named(self) -> dict[str, list[str]]:
        return {
            "categorical": self.categorical, "numerical": self.numerical, "ids": self.ids, "exclude": self.exclude
        }  # fmt: skip

    def files(self) -> list[Path]:
        """Find the files: the table, then the test rows and the sidecar if they exist.

        Raises:
            ConfigError: the settings name no file, or a sidecar cannot be read.
            TableError: a file does not exist, is a folder, or has an unknown extension.
        """
        if not self.path:
            raise ConfigError("dataset=table needs dataset.path=FILE, a .csv, .tsv, .parquet or .feather file")
        files = [Path(self.path), *([Path(self.test_path)] if self.test_path else [])]
        for file in files:
            check_file(file)
        if self.test_path and files[0].samefile(files[1]):
            raise ConfigError(
                f"dataset.test_path={self.test_path} is the table itself; test rows are rows that are not in it"
            )
        if self.columns is not None and not Path(self.columns).is_file():
            describe = command("describe", file=self.path, out=self.columns)
            raise ConfigError(f"dataset.columns={self.columns} does not exist; {describe} writes one")
        sidecar = self._sidecar_file()
        if sidecar is not None:
            read_sidecar(sidecar)
            files.append(sidecar)
        return files

    def watched(self) -> list[Path]:
        """Return the files, and the path where a new sidecar would be used; see :class:`Dataset`."""
        sidecars = [] if self.columns is not None else [sidecar_of(Path(str(self.path)))]
        return list(dict.fromkeys([*self.files(), *sidecars]))

    def fingerprint(self) -> dict[str, str]:
        """Compute the digest of every file, which tells runs of different contents apart."""
        files = self.files()
        names = [file.name for file in files]
        return {file.name if names.count(file.name) == 1 else str(file): digest_of(file) for file in files}

    def load(self, seed: int) -> Split:
        """Load training and test rows; ``seed`` draws the sample and the split.

        Raises:
            ConfigError, TableError: see :meth:`files`; or a cell, column or choice is invalid.
        """
        self.files()
        columns = self.understand()
        frame, layout = columns.frame, columns.layout.with_formulas(self.formulas)
        if self.n_rows is not None and self.n_rows < len(frame):
            rows = np.sort(numpy_stream(seed, "split", "rows").permutation(len(frame))[: self.n_rows])
            frame = frame.iloc[rows].reset_index(drop=True)
        if self.test_path:
            test_file = Path(self.test_path)
            test_frame = self._test_frame(test_file, columns)
            layout_of_both = with_more_categories(layout, test_frame, str(test_file))
            schema = layout_of_both.schema(columns.target)
            train = layout.table(frame, schema, str(self.path))
            test = layout.table(test_frame, schema, str(test_file))
        else:
            table = layout.table(frame, layout.schema(columns.target), str(self.path))
            train_rows, test_rows = split_positions(table, self.test_fraction, seed)
            train, test = table.take(train_rows), table.take(test_rows)
        return Split(train, test, layout, columns.summaries, columns.notes, check_file(Path(str(self.path))))

    def understand(self) -> Columns:
        """Read the file and infer the forms of its columns.

        Raises:
            ConfigError, TableError: see :meth:`load`.
        """
        notes: list[str] = []
        file = Path(str(self.path))
        raw = read_raw(file, self.reading, notes.append)
        if len(raw.frame) < LEAST_ROWS:
            count = "one row" if len(raw.frame) == 1 else f"{len(raw.frame)} rows"
            raise TableError(f"{file} has {count}; at least {LEAST_ROWS} are needed, two to train on and one to test")
        sidecar = self._read_sidecar(notes.append)
        return understand(raw, str(file), self._choices(raw.frame, sidecar), self._rules(sidecar), notes)

    def understand_as(self, layout: Layout, asked: str | None = None) -> Columns:
        """Read the file with the forms of a trained model instead of inferring them; other columns are not changed.

        Arguments:
            layout: of the model.
            asked: a column that the file may lack; then it has no value in any row. None = none.

        Raises:
            ConfigError, TableError: see :meth:`load`; or a learned column is absent.
        """
        notes: list[str] = []
        file = Path(str(self.path))
        raw = read_raw(file, self.reading, notes.append)
        sidecar = self._read_sidecar(notes.append)
        if asked is not None and asked not in raw.frame:
            raw = replace(raw, frame=raw.frame.assign(**{asked: np.nan}))
        needed = [form.name for form in layout.learned]
        if any(name not in raw.frame for name in needed):
            learned = raw.frame[[name for name in raw.frame if name in needed]]
            refuse_other_columns(pd.DataFrame(columns=needed), learned, ("the model", str(file)))
        marks = marked_as(raw.frame, layout, self._choices(raw.frame, sidecar), self._rules(sidecar))
        layout = with_more_categories(replace(layout, dialect=raw.dialect or layout.dialect), marks.frame, str(file))
        target = self._rules(sidecar).target
        return Columns(marks.frame, layout, (), (*notes, *marks.notes()), target, doubts=marks.doubts)

    def _rules(self, sidecar: Sidecar) -> Rules:
        target, rules = self.target or sidecar.target, tuple(dict.fromkeys([*sidecar.rules, *(self.rules or [])]))
        return Rules(target, self.holes, tuple(self.also_holes), self.max_categories, rules, self.rules is not None)

    def _sidecar_file(self) -> Path | None:
        if self.columns is not None:
            return Path(self.columns)
        sidecar = sidecar_of(Path(str(self.path)))
        return sidecar if sidecar.is_file() else None

    def _read_sidecar(self, say: Say) -> Sidecar:
        file = self._sidecar_file()
        if file is None:
            return Sidecar()
        say(f"columns as {file} says")
        return read_sidecar(file)

    def _choices(self, frame: pd.DataFrame, sidecar: Sidecar) -> dict[str, ColumnChoice]:
        """Merge the user's choices: those of the configuration override the kinds and orders of the sidecar."""
        kinds = {"categorical": "category", "numerical": "numerical", "ids": "id", "exclude": "drop"}
        check_names("the sidecar", sidecar.columns, frame.columns)
        for key, names in {
            **self._named,
            "ordered": list(self.orders),
            "merge_spellings": self.merge_spellings,
            "structural": self.structural,
        }.items():
            check_names(f"dataset.{key}", names, frame.columns)
        choices = sidecar.merged(choices_of({kinds[key]: names for key, names in self._named.items()}, self.orders))
        return with_marked(choices, self.merge_spellings, self.structural)

    def _test_frame(self, file: Path, columns: Columns) -> pd.DataFrame:
        """Read the learned columns of the test rows; notes are about the table, so those of this file are dropped."""
        raw = read_raw(file, self.reading, lambda sentence: None)
        sidecar = self._read_sidecar(lambda sentence: None)
        choices = self._choices(columns.frame, sidecar)
        needed = columns.frame[[form.name for form in columns.layout.learned]]
        spare = [name for name in raw.frame if name not in needed and name in {*columns.frame, *self.exclude, ""}]
        test_frame = raw.frame.drop(columns=spare)
        refuse_other_columns(needed, test_frame, (str(self.path), str(file)))
        return marked_as(test_frame[list(needed.columns)], columns.layout, choices, self._rules(sidecar)).frame


def dataset_label(settings: Mapping[str, Any]) -> str:
    """Name a dataset in folders and reports; a table of the user is named by its file and a digest of its path."""
    path = settings.get("path")
    if settings["name"] != "table" or not path:
        return str(settings["name"])
    stem = re.sub(r"[^\w-]", "_", sidecar_of(Path(path)).name.removesuffix(".columns.yaml"))
    return f"{stem[:LONGEST_STEM]}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"


def digest_of(file: Path) -> str:
    """Compute the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
