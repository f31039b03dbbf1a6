"""The numbers of the paper's Tables 1 to 7 and 9 to 18, as printed, from ``paper_numbers.csv``.

The file keeps the paper's digits, units and bold; "-" is a method that cannot be applied. Names are
those of this project: ``missdiff``, ``stasy_mean``, ``utility/xgboost/f1``. ``epochs`` of STaSy are
blank where the paper does not say which of its two lengths (250 or 1000) a table shows.
"""

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("paper_numbers.csv")
UNSTATED = "independent-0.2"
"""Where Table 7 is rebuilt: it names neither mechanism nor ratio, and TabCSDI, whose protocol it follows, takes a fifth
of the cells of every column away."""
TITLES = {
    1: "Fidelity on Census, MCAR",
    2: "Utility (accuracy) on Census, MCAR",
    3: "Fidelity on MIMIC4ED, MCAR",
    4: "Utility (RMSE) on MIMIC4ED, MCAR",
    5: "Fidelity on Census, MAR and NMAR",
    6: "Utility (accuracy) on Census, MAR and NMAR",
    7: "Imputation of Census (RMSE)",
    9: "Utility on Census by other criteria, MCAR",
    10: "Utility (R2) on MIMIC4ED, MCAR",
    11: "Utility on Census by other criteria, MAR and NMAR",
    12: "Utility (accuracy) on Census by decision tree",
    13: "Utility (accuracy) on Census by AdaBoost",
    14: "Utility (accuracy) on Census by logistic regression",
    15: "Utility (accuracy) on Census by multi-layer perceptron",
    16: "Utility (accuracy) on Census by random forest",
    17: "Fidelity on Census, MCAR, STaSy trained for 250 epochs",
    18: "Utility (accuracy) on Census, MCAR, STaSy trained for 250 epochs",
}


@dataclass(frozen=True)
class PaperNumber:
    """One cell of a table of the paper.

    Attributes:
        table: number of the table.
        dataset, metric, missing, method: as in this project; ``missing`` is None where not stated.
        ratio: share of missing cells; None where not stated.
        epochs: training epochs of the method; None where not stated.
        value: the number, percentages as shares; None where the paper prints "-" (not applicable).
        bold: whether the paper prints it in bold, which is not always the best of its row.
    """

    table: int
    dataset: str
    metric: str
    missing: str | None
    ratio: float | None
    method: str
    epochs: int | None
    value: float | None
    bold: bool

    @property
    def missingness(self) -> str:
        """``<missing>-<ratio>`` of the runs it stands beside; :data:`UNSTATED` where the paper names none."""
        return UNSTATED if self.missing is None else f"{self.missing}-{self.ratio:g}"


@cache
def paper_numbers() -> tuple[PaperNumber, ...]:
    """Every number, in the order of the paper."""
    with FILE.open(newline="") as file:
        return tuple(_number(row) for row in csv.DictReader(file))


def _number(row: dict[str, str]) -> PaperNumber:
    scale = {"%": 100, "": 1}[row["unit"]]
    return PaperNumber(
        table=int(row["table"]),
        dataset=row["dataset"],
        metric=row["metric"],
        missing=row["missing"] or None,
        ratio=float(row["ratio"]) if row["ratio"] else None,
        method=row["method"],
        epochs=int(row["epochs"]) if row["epochs"] else None,
        value=None if row["value"] == "-" else float(Decimal(row["value"]) / scale),
        bold={"true": True, "false": False}[row["bold"]],
    )
