"""What the user says about the columns of a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from src.errors import ConfigError
from src.tables.columns.forms import KINDS
from src.tables.columns.kinds import listed


@dataclass(frozen=True)
class ColumnChoice:
    """What the user says about one column.

    Attributes:
        kind: one of :data:`KINDS`, ``numerical`` for ``integer`` or ``real``, ``categorical`` for ``category``;
            None = as the cells suggest.
        order: the values of an ``ordered`` column, smallest first.
        pattern: how its dates are written, as ``strftime``.
        holes: further texts or numbers that mark a hole in this column.
    """

    kind: str | None = None
    order: list[Any] = field(default_factory=list)
    pattern: str | None = None
    holes: list[Any] = field(default_factory=list)

    def check(self, where: str) -> None:
        """Refuse a choice that cannot be meant.

        Raises:
            ConfigError: the kind is none; an order without ``ordered`` or the other way round.
        """
        allowed = (*KINDS, "numerical", "categorical")
        if self.kind is not None and self.kind not in allowed:
            raise ConfigError(f"{where}: kind is one of {', '.join(allowed)}, got {self.kind!r}")
        if self.order and self.kind not in (None, "ordered"):
            raise ConfigError(f"{where}: order goes with kind: ordered, got kind: {self.kind}")
        if len(self.order) != len({str(value) for value in self.order}):
            raise ConfigError(f"{where}: order names a value twice: {listed(self.order)}")


def refuse_contradictions(named: Mapping[str, Sequence[str]]) -> None:
    """Refuse lists of columns, by key, of which two name the same column.

    Raises:
        ConfigError: names both keys and the column.
    """
    found: dict[str, str] = {}
    for key, names in named.items():
        for name in names:
            if found.setdefault(name, key) != key:
                raise ConfigError(f"{found[name]} and {key} both name {name!r}")


def refuse_target(key: str, names: Sequence[str], target: str | None) -> None:
    """Refuse a list of columns to leave out that names the target.

    Raises:
        ConfigError: names the key and the column.
    """
    if target is not None and target in names:
        raise ConfigError(f"{key} names the target {target!r}")


def choices_of(named: Mapping[str, list[str]], ordered: Mapping[str, list[Any]]) -> dict[str, ColumnChoice]:
    """Choices from lists of names by kind, and from orders by name."""
    choices = {name: ColumnChoice(kind) for kind, names in named.items() for name in names}
    return choices | {name: ColumnChoice("ordered", order=list(order)) for name, order in ordered.items()}
