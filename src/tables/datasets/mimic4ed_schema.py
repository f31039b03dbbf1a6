"""The 73 columns of MIMIC4ED: names, kinds, dtypes and valid ranges, shared by the loader and the stand-in.

The paper counts 46 categorical and 27 continuous columns without listing them (Table 8). The union of
the benchmark's variables at triage (its tasks 1 and 2) and at disposition (3 and 4) has exactly these
counts. Its ``ed_los`` is a text ("0 days 04:13:00") and is replaced by the same quantity in hours, ``ed_los_hours`` of
the same file.

Units: temperature degrees Celsius, heart and respiratory rate 1/min, oxygen saturation %, blood
pressures mmHg, pain 0..10, acuity 1 (most urgent)..5, stays hours, age years, ``n_*`` counts.
"""

from collections.abc import Set
from dataclasses import dataclass

from src.errors import ConfigError
from src.tables.schema import Column, Schema

VISITS = tuple(f"n_{kind}_{days}d" for kind in ("ed", "hosp", "icu") for days in (30, 90, 365))
MEASURED = ("temperature", "heartrate", "resprate", "o2sat", "sbp", "dbp")
TRIAGE = tuple(f"triage_{name}" for name in (*MEASURED, "pain", "acuity"))
LAST = tuple(f"ed_{name}_last" for name in MEASURED)
COMPLAINTS = tuple(
    f"chiefcom_{name}"
    for name in (
        "chest_pain",
        "abdominal_pain",
        "headache",
        "shortness_of_breath",
        "back_pain",
        "cough",
        "nausea_vomiting",
        "fever_chills",
        "syncope",
        "dizziness",
    )
)
CHARLSON = tuple(
    f"cci_{name}"
    for name in (
        *("MI", "CHF", "PVD", "Stroke", "Dementia", "Pulmonary", "Rheumatic", "PUD", "Liver1"),
        *("DM1", "DM2", "Paralysis", "Renal", "Cancer1", "Liver2", "Cancer2", "HIV"),
    )
)
ELIXHAUSER = tuple(
    f"eci_{name}"
    for name in (
        *("Arrhythmia", "Valvular", "PHTN", "HTN1", "HTN2", "NeuroOther", "Hypothyroid", "Lymphoma", "Coagulopathy"),
        *("Obesity", "WeightLoss", "FluidsLytes", "BloodLoss", "Anemia", "Alcohol", "Drugs", "Psychoses", "Depression"),
    )
)
GENDERS = ("F", "M")
LENGTH_OF_STAY = "ed_los_hours"
MEDICATIONS = ("n_med", "n_medrecon")
CATEGORICAL = ("gender", *COMPLAINTS, *CHARLSON, *ELIXHAUSER)
COLUMNS = (
    *("age", "gender", *VISITS, *TRIAGE, *COMPLAINTS, *CHARLSON, *ELIXHAUSER),
    *(*LAST, LENGTH_OF_STAY, *MEDICATIONS),
)
NUMERICAL = tuple(name for name in COLUMNS if name not in CATEGORICAL)
COUNTS = ("age", *VISITS, "triage_acuity", *MEDICATIONS)
"""Numerical columns that are integers by their meaning; whether vital signs are depends on the file."""

TRAIN_ROWS, TEST_ROWS = 353_150, 88_287


@dataclass(frozen=True)
class ValidRange:
    """Valid range of a vital sign: values beyond the outer limits are void, others are clamped to the inner limits."""

    outlier_low: float
    low: float
    high: float
    outlier_high: float


RANGES = {
    "temperature": ValidRange(14.2, 26, 45, 47),
    "heartrate": ValidRange(0, 0, 350, 390),
    "resprate": ValidRange(0, 0, 300, 330),
    "o2sat": ValidRange(0, 0, 100, 150),
    "sbp": ValidRange(0, 0, 375, 375),
    "dbp": ValidRange(0, 0, 375, 375),
    "pain": ValidRange(0, 0, 10, 10),
    "acuity": ValidRange(1, 1, 5, 5),
}


def vital(name: str) -> str | None:
    """Return the vital sign that a column measures, a key of :data:`RANGES`; None if it measures none."""
    return name.split("_")[1] if name in TRIAGE or name in LAST else None


def mimic4ed_schema(target: str, integers: Set[str]) -> Schema:
    """Create the schema of the 73 columns.

    Arguments:
        target: one of :data:`COLUMNS`.
        integers: names of the numerical columns, apart from :data:`COUNTS`, whose values are integers.
    """
    return Schema(tuple(_column(name, name in COUNTS or name in integers) for name in COLUMNS), target)


def categories(name: str) -> tuple[object, ...]:
    """Return the two values of a categorical column in the file."""
    if name == "gender":
        return GENDERS
    return (False, True) if name in COMPLAINTS else (0, 1)


def check_target(target: str) -> None:
    """Check that the target is a column.

    Raises:
        ConfigError: it is not; names the columns.
    """
    if target not in COLUMNS:
        raise ConfigError(f"dataset.target is one of the 73 columns {', '.join(COLUMNS)}; got {target!r}")


def _column(name: str, integer: bool) -> Column:
    if name == "gender":
        return Column(name, "categorical", "object", categories=GENDERS)
    if name in CATEGORICAL:
        return Column(name, "categorical", "bool" if name in COMPLAINTS else "int64", categories=categories(name))
    return Column(name, "numerical", "int64" if name == "age" or name in VISITS else "float64", integer=integer)
