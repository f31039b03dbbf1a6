"""The layout of a file: the forms of its columns and its dialect. It converts frames to tables and back."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from src.errors import TableError
from src.tables.columns.forms import Form
from src.tables.formats.cell_format import CellFormat
from src.tables.rules.keeper import Keeper, keeper_of
from src.tables.rules.proposed import proposed_rules
from src.tables.rules.rule import Linear, Rule, rule_from_dict
from src.tables.rules.solving import reaching
from src.tables.schema import Column, Schema
from src.tables.table import Table, make_table
from src.tables.text.delimited import Dialect

DEFAULT_DIALECT = Dialect()


@dataclass(frozen=True)
class Layout:
    """The layout of a file, in which synthetic rows can be written to another file.

    Attributes:
        forms: forms of the columns, in order.
        dialect: dialect of a text file; the default one for other files.
        arrow: Arrow schema of a columnar file, serialised and in base64; empty for other files.
        rules: rules between columns, which every row that is drawn or filled keeps.
        found: further rules that every row of the file keeps: rows that break one are drawn anew, and a score counts
            them.
    """

    forms: tuple[Form, ...]
    dialect: Dialect = DEFAULT_DIALECT
    arrow: str = ""
    rules: tuple[Rule, ...] = ()
    found: tuple[Rule, ...] = ()

    @property
    def written(self) -> tuple[Form, ...]:
        """Forms of the columns that the synthetic file has."""
        return tuple(form for form in self.forms if form.kind != "drop")

    @property
    def learned(self) -> tuple[Form, ...]:
        """Forms of the columns that the model has."""
        return tuple(form for form in self.forms if form.is_learned)

    def with_formulas(self, formulas: str | None) -> "Layout":
        """Return the layout with another :attr:`Dialect.formulas`; None changes nothing."""
        return self if formulas is None else replace(self, dialect=replace(self.dialect, formulas=formulas))

    @property
    def names(self) -> list[str]:
        """Names of the columns that the synthetic file has."""
        return [form.name for form in self.written]

    def keeper(self, fixed: Mapping[str, Any] | None = None) -> Keeper | None:
        """Return what keeps the rules in rows; None without any. ``fixed``: see :class:`Keeper`."""
        return keeper_of(self.rules, self.found, self.learned, fixed)

    def for_fills(self, name: str, values: np.ndarray) -> Form:
        """Return the form that fills (n,) of a column are written in: what an equality gives may leave its range."""
        equalities = (rule for rule in (*self.rules, *self.found) if isinstance(rule, Linear) and rule.sense == "=")
        is_given = any(name in rule.columns for rule in equalities)
        return reaching(self[name], values) if is_given else self[name]

    def with_rules_of(self, frame: pd.DataFrame) -> "Layout":
        """Return the layout with rules that are learned, and found again, in the training rows, a canonical frame."""
        rules = tuple(rule.learned(frame) for rule in self.rules)
        found = proposed_rules(self.learned, lambda name: frame[name], rules) if self.found else ()
        return replace(self, rules=rules, found=tuple(one.rule for one in found))

    def texts(self) -> dict[str, set[str]]:
        """Return the texts among the values of every column, without blanks around them."""
        return {
            form.name: {value.strip() for value in (*form.values, *form.rare) if isinstance(value, str)}
            for form in self.forms
        }

    def __getitem__(self, name: str) -> Form:
        return next(form for form in self.forms if form.name == name)

    def schema(self, target: str | None) -> Schema:
        """Create the schema of the learned columns.

        Raises:
            TableError: no column is learned.
        """
        columns = tuple(form.column for form in self.learned)
        if not columns:
            kinds = ", ".join(f"{form.name} ({form.kind})" for form in self.forms[:20])
            raise TableError(f"no column is left to learn: {kinds}")
        return Schema(columns, target)

    def table(self, frame: pd.DataFrame, schema: Schema, where: str) -> Table:
        """Convert the learned columns of a frame to a canonical table; inverse of :meth:`restore`.

        Arguments:
            frame: (N, n_columns) cells of at least the learned columns, holes NaN.
            schema: see :meth:`schema`.
            where: name of the frame in messages.

        Raises:
            TableError: a cell is not of its column's format, or a category is unknown; names column and row.
        """
        columns = {
            form.name: form.canonical(frame[form.name], f"{where}, column {form.name!r}") for form in self.learned
        }
        return make_table(pd.DataFrame(columns), schema)

    def restore(
        self, table: pd.DataFrame, first_row: int, rng: np.random.Generator, for_text_file: bool = False
    ) -> pd.DataFrame:
        """Convert canonical rows to rows of the file; inverse of :meth:`table`.

        Arguments:
            table: (n, d) canonical rows, holes NaN.
            first_row: position of the first row in the synthetic table.
            rng: parent of the streams from which columns draw rare values.
            for_text_file: whether to write every cell as a text.
        """
        columns = {
            form.name: form.write(
                table[form.name] if form.is_learned else None, first_row, len(table), stream, for_text_file
            )
            for form, stream in zip(self.written, rng.spawn(len(self.written)), strict=True)
        }
        return pd.DataFrame({name: values.reset_index(drop=True) for name, values in columns.items()})

    def arrow_schema(self) -> pa.Schema:
        """Return the Arrow schema of the written columns: that of the columnar file, or else that of a row."""
        if not self.arrow:
            row = pd.DataFrame({form.name: [form.example] for form in self.learned})
            return pa.Schema.from_pandas(self.restore(row, 0, np.random.default_rng(0)), preserve_index=False)
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(self.arrow)))
        if list(schema.names) == self.names:
            return schema
        return pa.schema([schema.field(name) for name in self.names])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can store; see :meth:`from_dict`."""
        dialect = {**asdict(self.dialect), "names": list(self.dialect.names)}
        named = {"rules": self.rules, "found": self.found}
        rules = {key: [rule.to_dict() for rule in of_key] for key, of_key in named.items() if of_key}
        return {"forms": [form.to_dict() for form in self.forms], "dialect": dialect, "arrow": self.arrow, **rules}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Layout":
        """Inverse of :meth:`to_dict`."""
        dialect = Dialect(**{**values["dialect"], "names": tuple(values["dialect"]["names"])})
        # both are absent in checkpoints of earlier versions
        rules, found = (tuple(map(rule_from_dict, values.get(key, ()))) for key in ("rules", "found"))
        return cls(tuple(Form.from_dict(form) for form in values["forms"]), dialect, values["arrow"], rules, found)


def layout_of_schema(schema: Schema) -> Layout:
    """Create the layout of a table without a file: its columns are those of the schema, with its dtypes."""
    return Layout(tuple(_form(column) for column in schema.columns))


def with_more_categories(layout: Layout, frame: pd.DataFrame, where: str) -> Layout:
    """Add the categories of a further frame to the layout; the model does not learn them."""
    forms = []
    for form in layout.forms:
        if form.kind == "category":
            values = form.canonical(frame[form.name], f"{where}, column {form.name!r}").dropna().unique()
            new = [value for value in values if value not in form.column.categories]
            counts = (*form.counts, *[0] * len(new)) if form.counts else ()
            form = replace(form, values=(*form.values, *new), counts=counts) if new else form
        forms.append(form)
    return replace(layout, forms=tuple(forms))


def with_ranges(layout: Layout, knots: Mapping[str, tuple[float, ...]]) -> Layout:
    """Set the ranges of numbers that the layout does not know to the ranges that an encoder was fitted on."""
    forms = tuple(
        replace(form, cells=replace(form.cells, low=knots[form.name][0], high=knots[form.name][-1]))
        if form.is_number and not np.isfinite(form.cells.low) and form.name in knots
        else form
        for form in layout.forms
    )
    return replace(layout, forms=forms)


def encoded(schema: pa.Schema) -> str:
    """Serialise an Arrow schema as a text, which checkpoints can store."""
    return base64.b64encode(schema.serialize()).decode()


def _form(column: Column) -> Form:
    if column.kind == "numerical":
        cells = CellFormat("number", column.dtype, decimals=0 if column.integer else None)
        return Form(column.name, "integer" if column.integer else "real", cells)
    kinds = {type(value) for value in column.categories}
    if kinds == {bool}:
        return Form(column.name, "boolean", CellFormat("truth value", column.dtype), values=(False, True))
    numbers = all(issubclass(kind, int | float) for kind in kinds)
    integers = numbers and all(float(value).is_integer() for value in column.categories)  # type: ignore[arg-type]
    cells = CellFormat("text", column.dtype)
    if numbers:
        cells = CellFormat("number", column.dtype, decimals=0 if integers else None)
    return Form(column.name, "category", cells, values=column.categories)
