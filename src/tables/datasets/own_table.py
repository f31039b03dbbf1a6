"""``dataset=table``: the user's own CSV, TSV, Parquet or Feather file and its own holes.

The rules by which columns are understood stand in ``docs/data.md``.
"""

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
from src.tables.columns.choice import ColumnChoice, choices_of, refuse_contradictions, refuse_target
from src.tables.columns.kinds import check_names
from src.tables.columns.sidecar import Sidecar, read_sidecar, sidecar_of
from src.tables.datasets.dataset import Dataset
from src.tables.datasets.split import Split, split_positions
from src.tables.files.layout import Layout, with_more_categories
from src.tables.files.pairing import refuse_other_columns
from src.tables.files.raw import read_raw
from src.tables.files.understanding import Columns, Rules, marked, understand
from src.tables.text.delimited import Reading, Say
from src.tables.text.dialect import check_file
from src.tables.text.formulas import check_formulas

LEAST_ROWS = 3
LONGEST_STEM = 60


@dataclass(frozen=True)
class OwnTable(Dataset):
    """``dataset=table``.

    Attributes:
        path: the file: .csv, .tsv (also .gz), .parquet or .feather.
        test_path: a file of test rows with the same columns; None = ``test_fraction`` of the rows are split off.
        test_fraction: share of test rows, in (0, 1).
        n_rows: rows to use, a seeded sample; None = all.
        target: column to predict; None = none.
        columns: sidecar (:mod:`src.tables.columns.sidecar`); None = ``<file>.columns.yaml`` if it is there.
        categorical: columns whose values are categories although they are numbers, or many, e.g. [zip,grade].
        numerical: columns whose values are numbers although there are few.
        ids: columns not to be learned, which get new values.
        exclude: columns to leave out, also of the synthetic table.
        ordered: orders of ordered categories, smallest first, e.g. {size: [S, M, L]}.
        separator: of a text file; None = found among , ; tab |.
        encoding: of a text file; None = UTF-8, UTF-16 with a mark, else Latin-1.
        decimal: of a text file; None = a point, or where no comma separates also a comma.
        quote: of a text file; None = the double one.
        holes: texts that mark a hole, e.g. [NA,unknown]; None = NA, N/A, NaN, null, None, ? and the like. An empty cell
            always is one.
        also_holes: further texts or numbers that mark one, in any column, e.g. [-999].
        max_categories: of a column with more, the rarer ones are learned as one and drawn by their frequency.
        formulas: ``escape`` puts an apostrophe before texts of a synthetic text file that a spreadsheet would take for
            a formula; ``keep`` does not.
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
    ordered: dict[str, Any] | None = None
    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    quote: str | None = None
    holes: list[str | int | float] | None = None
    also_holes: list[str | int | float] = field(default_factory=list)
    max_categories: int = 100
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
        """``ordered``, empty where there is none."""
        return self.ordered or {}

    @property
    def reading(self) -> Reading:
        """How the file is to be read."""
        return Reading(self.separator, self.encoding, self.decimal, self.quote)

    @property
    def _named(self) -> dict[str, list[str]]:
        return {
            "categorical": self.categorical, "numerical": self.numerical, "ids": self.ids, "exclude": self.exclude
        }  # fmt: skip

    def files(self) -> list[Path]:
        """The files it is made of, before any work starts: the table, then what there is of test rows and sidecar.

        Raises:
            ConfigError: no file is named, or a sidecar cannot be read.
            TableError: a file is absent, a folder, or of an unknown extension.
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
        """See :class:`Dataset`: also the sidecar that a table without one would have."""
        usual = [] if self.columns is not None else [sidecar_of(Path(str(self.path)))]
        return list(dict.fromkeys([*self.files(), *usual]))

    def fingerprint(self) -> dict[str, str]:
        """Digest of each file's content: a run of another content is another run."""
        files = self.files()
        names = [file.name for file in files]
        return {file.name if names.count(file.name) == 1 else str(file): digest_of(file) for file in files}

    def load(self, seed: int) -> Split:
        """Training and test rows, disjoint, drawn by ``seed``; their order in the file decides nothing.

        Raises:
            ConfigError, TableError: see :meth:`files`; a cell, a column or a choice is not possible.
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
            every = layout.table(frame, layout.schema(columns.target), str(self.path))
            first, second = split_positions(every, self.test_fraction, seed)
            train, test = every.take(first), every.take(second)
        return Split(train, test, layout, columns.summaries, columns.notes, check_file(Path(str(self.path))))

    def understand(self) -> Columns:
        """Read the file and find what its columns are.

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

    def understand_as(self, layout: Layout) -> Columns:
        """Read the file as one whose learned columns are known: those of a trained model. Others are left as they are.

        Raises:
            ConfigError, TableError: see :meth:`load`; a learned column is absent.
        """
        notes: list[str] = []
        file = Path(str(self.path))
        raw = read_raw(file, self.reading, notes.append)
        sidecar = self._read_sidecar(notes.append)
        needed = [form.name for form in layout.learned]
        if any(name not in raw.frame for name in needed):
            found = raw.frame[[name for name in raw.frame if name in needed]]
            refuse_other_columns(pd.DataFrame(columns=needed), found, ("the model", str(file)))
        frame = marked(raw.frame, self._choices(raw.frame, sidecar), self._rules(sidecar), notes.append)
        layout = with_more_categories(replace(layout, dialect=raw.dialect or layout.dialect), frame, str(file))
        return Columns(frame, layout, (), tuple(notes), self._rules(sidecar).target)

    def _rules(self, sidecar: Sidecar) -> Rules:
        return Rules(self.target or sidecar.target, self.holes, tuple(self.also_holes), self.max_categories)

    def _sidecar_file(self) -> Path | None:
        if self.columns is not None:
            return Path(self.columns)
        beside = sidecar_of(Path(str(self.path)))
        return beside if beside.is_file() else None

    def _read_sidecar(self, say: Say) -> Sidecar:
        file = self._sidecar_file()
        if file is None:
            return Sidecar()
        say(f"columns as {file} says")
        return read_sidecar(file)

    def _choices(self, frame: pd.DataFrame, sidecar: Sidecar) -> dict[str, ColumnChoice]:
        """The user's choices: those of the sidecar, overruled by those of the configuration."""
        kinds = {"categorical": "category", "numerical": "numerical", "ids": "id", "exclude": "drop"}
        check_names("the sidecar", sidecar.columns, frame.columns)
        for key, names in {**self._named, "ordered": list(self.orders)}.items():
            check_names(f"dataset.{key}", names, frame.columns)
        asked = choices_of({kinds[key]: names for key, names in self._named.items()}, self.orders)
        kept = {name: choice.holes for name, choice in sidecar.columns.items()}
        return {**sidecar.columns, **{n: replace(c, holes=kept.get(n, [])) for n, c in asked.items()}}

    def _test_frame(self, file: Path, columns: Columns) -> pd.DataFrame:
        raw = read_raw(file, self.reading, lambda sentence: None)
        sidecar = self._read_sidecar(lambda sentence: None)
        choices = self._choices(columns.frame, sidecar)
        needed = columns.frame[[form.name for form in columns.layout.learned]]
        spare = [name for name in raw.frame if name not in needed and name in {*columns.frame, *self.exclude, ""}]
        found = raw.frame.drop(columns=spare)
        refuse_other_columns(needed, found, (str(self.path), str(file)))
        return marked(found[list(needed.columns)], choices, self._rules(sidecar), lambda sentence: None)


def dataset_label(settings: Mapping[str, Any]) -> str:
    """What a dataset is called in folders and reports: its name; an own table its file's, and a digest of the path."""
    path = settings.get("path")
    if settings["name"] != "table" or not path:
        return str(settings["name"])
    stem = re.sub(r"[^\w-]", "_", sidecar_of(Path(path)).name.removesuffix(".columns.yaml"))
    return f"{stem[:LONGEST_STEM]}-{hashlib.sha256(str(path).encode()).hexdigest()[:6]}"


def digest_of(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
