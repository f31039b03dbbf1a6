"""The layout of a file: the forms of its columns and its dialect; it turns frames into tables and back."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from src.errors import TableError
from src.tables.columns.cells import Cells
from src.tables.columns.forms import Form
from src.tables.schema import Column, Schema
from src.tables.table import Table, make_table
from src.tables.text.delimited import Dialect

USUAL = Dialect()


@dataclass(frozen=True)
class Layout:
    """What stands in a file, so that synthetic rows can stand in another one alike.

    Attributes:
        forms: the columns, in order.
        dialect: of a text file; of others the usual one.
        arrow: schema of a columnar file, serialised and in base64; empty for others.
    """

    forms: tuple[Form, ...]
    dialect: Dialect = USUAL
    arrow: str = ""

    @property
    def written(self) -> tuple[Form, ...]:
        """Forms of the columns that the synthetic file has."""
        return tuple(form for form in self.forms if form.kind != "drop")

    @property
    def learned(self) -> tuple[Form, ...]:
        """Forms of the columns that the model has."""
        return tuple(form for form in self.forms if form.is_learned)

    def with_formulas(self, formulas: str | None) -> "Layout":
        """The layout with :attr:`Dialect.formulas` chosen; None leaves it."""
        return self if formulas is None else replace(self, dialect=replace(self.dialect, formulas=formulas))

    @property
    def names(self) -> list[str]:
        """Names of the columns that the synthetic file has."""
        return [form.name for form in self.written]

    def __getitem__(self, name: str) -> Form:
        return next(form for form in self.forms if form.name == name)

    def schema(self, target: str | None) -> Schema:
        """Schema of the learned columns.

        Raises:
            TableError: there is none.
        """
        columns = tuple(form.column for form in self.learned)
        if not columns:
            kinds = ", ".join(f"{form.name} ({form.kind})" for form in self.forms[:20])
            raise TableError(f"no column is left to learn: {kinds}")
        return Schema(columns, target)

    def table(self, frame: pd.DataFrame, schema: Schema, where: str) -> Table:
        """The learned columns of a frame of this layout, canonical.

        Arguments:
            frame: (N, .) with all written columns, holes are NaN.
            schema: see :meth:`schema`.
            where: what messages call the frame.

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
        """Rows as the file has them; inverse of :meth:`table`.

        Arguments:
            table: (n, d) canonical rows, holes are NaN.
            first_row: position of the first of them in the whole synthetic table.
            rng: each column draws its rare values from a stream of it.
            for_text_file: whether every cell is to be the text that stands in a text file.
        """
        columns = {
            form.name: form.write(
                table[form.name] if form.is_learned else None, first_row, len(table), stream, for_text_file
            )
            for form, stream in zip(self.written, rng.spawn(len(self.written)), strict=True)
        }
        return pd.DataFrame({name: values.reset_index(drop=True) for name, values in columns.items()})

    def arrow_schema(self) -> pa.Schema:
        """Schema of the columnar file it was read from, of the written columns; of others that of a full row."""
        if not self.arrow:
            row = pd.DataFrame({form.name: [form.example] for form in self.learned})
            return pa.Schema.from_pandas(self.restore(row, 0, np.random.default_rng(0)), preserve_index=False)
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(self.arrow)))
        if list(schema.names) == self.names:
            return schema
        return pa.schema([schema.field(name) for name in self.names])

    def to_dict(self) -> dict[str, Any]:
        """Plain values only; see :meth:`from_dict`."""
        dialect = {**asdict(self.dialect), "names": list(self.dialect.names)}
        return {"forms": [form.to_dict() for form in self.forms], "dialect": dialect, "arrow": self.arrow}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Layout":
        """Inverse of :meth:`to_dict`."""
        dialect = Dialect(**{**values["dialect"], "names": tuple(values["dialect"]["names"])})
        return cls(tuple(Form.from_dict(form) for form in values["forms"]), dialect, values["arrow"])


def layout_of_schema(schema: Schema) -> Layout:
    """Layout of a table that has no columns but the learned ones, of the dtypes of its schema."""
    return Layout(tuple(_form(column) for column in schema.columns))


def with_more_categories(layout: Layout, frame: pd.DataFrame, where: str) -> Layout:
    """The layout with the categories that only a further file has, which the model will not learn."""
    forms = []
    for form in layout.forms:
        if form.kind == "category":
            found = form.canonical(frame[form.name], f"{where}, column {form.name!r}").dropna().unique()
            new = [value for value in found if value not in form.column.categories]
            form = replace(form, values=(*form.values, *new)) if new else form
        forms.append(form)
    return replace(layout, forms=tuple(forms))


def with_ranges(layout: Layout, knots: Mapping[str, tuple[float, ...]]) -> Layout:
    """The layout with the ranges that an encoder has seen, for columns whose own is not known."""
    forms = tuple(
        replace(form, cells=replace(form.cells, low=knots[form.name][0], high=knots[form.name][-1]))
        if form.is_number and not np.isfinite(form.cells.low) and form.name in knots
        else form
        for form in layout.forms
    )
    return replace(layout, forms=forms)


def encoded(schema: pa.Schema) -> str:
    """A schema as a text that a checkpoint can hold."""
    return base64.b64encode(schema.serialize()).decode()


def _form(column: Column) -> Form:
    if column.kind == "numerical":
        cells = Cells("number", column.dtype, decimals=0 if column.integer else None)
        return Form(column.name, "integer" if column.integer else "real", cells)
    kinds = {type(value) for value in column.categories}
    if kinds == {bool}:
        return Form(column.name, "boolean", Cells("truth value", column.dtype), values=(False, True))
    numbers = all(issubclass(kind, int | float) for kind in kinds)
    whole = numbers and all(float(value).is_integer() for value in column.categories)  # type: ignore[arg-type]
    cells = Cells("number", column.dtype, decimals=0 if whole else None) if numbers else Cells("text", column.dtype)
    return Form(column.name, "category", cells, values=column.categories)
