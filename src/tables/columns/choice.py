"""The user's choices about the columns of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from src.errors import ConfigError
from src.tables.columns.forms import KINDS
from src.tables.columns.kinds import listed


@dataclass(frozen=True)
class ColumnChoice:
    """The user's choice about one column.

    Attributes:
        kind: one of :data:`KINDS`, ``numerical`` for ``integer`` or ``real``, ``categorical`` for ``category``; None =
            infer it from the cells.
        order: the values of an ``ordered`` column, smallest first.
        pattern: pattern of its dates, as in ``strftime``.
        holes: further texts or numbers that mark a hole in this column.
        values: texts such as ``NA`` that are values in this column although they mark holes in others.
        merge_spellings: whether categories that differ only in case or blanks are one; None = no, with a note.
        decimal: decimal sign of its numbers that are texts, ``.`` or ``,``; None = detect it.
        structural: whether a hole is no unknown value: the column does not apply to the row.
    """

    kind: str | None = None
    order: list[Any] = field(default_factory=list)
    pattern: str | None = None
    holes: list[Any] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    merge_spellings: bool | None = None
    decimal: str | None = None
    structural: bool = False

    def check(self, where: str) -> None:
        """Check the choice.

        Raises:
            ConfigError: the kind or the decimal sign is unknown, an order goes with another kind or repeats a value, or
                a text is said to mark a hole and to be a value.
        """
        allowed = (*KINDS, "numerical", "categorical")
        if self.kind is not None and self.kind not in allowed:
            raise ConfigError(f"{where}: kind is one of {', '.join(allowed)}, got {self.kind!r}")
        if self.order and self.kind not in (None, "ordered"):
            raise ConfigError(f"{where}: order goes with kind: ordered, got kind: {self.kind}")
        if self.decimal not in (None, ".", ","):
            raise ConfigError(f"{where}: decimal is . or , got {self.decimal!r}")
        if len(self.order) != len({str(value) for value in self.order}):
            raise ConfigError(f"{where}: order names a value twice: {listed(self.order)}")
        both = [text for text in self.values if text in self.holes]
        if both:
            raise ConfigError(f"{where}: holes and values both name {listed(map(repr, both))}")


def refuse_contradictions(named: Mapping[str, Sequence[str]]) -> None:
    """Check that no two of the lists of columns, by key, name the same column.

    Raises:
        ConfigError: two do; names both keys and the column.
    """
    keys: dict[str, str] = {}
    for key, names in named.items():
        for name in names:
            if keys.setdefault(name, key) != key:
                raise ConfigError(f"{keys[name]} and {key} both name {name!r}")


def refuse_target(key: str, names: Sequence[str], target: str | None) -> None:
    """Check that a list of columns to leave out does not name the target.

    Raises:
        ConfigError: it does; names the key and the column.
    """
    if target is not None and target in names:
        raise ConfigError(f"{key} names the target {target!r}")


def choices_of(named: Mapping[str, list[str]], ordered: Mapping[str, list[Any]]) -> dict[str, ColumnChoice]:
    """Create choices from the names of columns by kind, and from orders by name of the column."""
    choices = {name: ColumnChoice(kind) for kind, names in named.items() for name in names}
    return choices | {name: ColumnChoice("ordered", order=list(order)) for name, order in ordered.items()}


def with_marked(
    choices: Mapping[str, ColumnChoice], merging: Sequence[str], structural: Sequence[str]
) -> dict[str, ColumnChoice]:
    """Add that some columns merge their spellings, and that the holes of some are structural."""
    marked = dict(choices)
    for name in merging:
        marked[name] = replace(marked.get(name, ColumnChoice()), merge_spellings=True)
    for name in structural:
        marked[name] = replace(marked.get(name, ColumnChoice()), structural=True)
    return marked
