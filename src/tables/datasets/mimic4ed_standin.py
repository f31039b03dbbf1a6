r"""A stand-in for MIMIC4ED: INVENTED rows with its columns, ranges and size. Not patients' data.

No record, sample or statistic of MIMIC-IV-ED, nor of any other patients, was used: every number below
was set by hand, round, from general knowledge. It exists so that tests, speed figures and first
steps need no credentials. Scores on it say nothing about MIMIC4ED, and nothing medical.

The dependences:

.. math::
    f = (z, h, m, s, c, g) \sim N(0, I_6), \quad \text{age} = \lfloor 18 + 75\,\Phi(z)^{1.1} \rfloor, \quad
    d_j = 1\{\lambda_j^\top f + \sqrt{1 - |\lambda_j|^2}\, e_j > \Phi^{-1}(1 - p_j)\}

for every binary column j, so that p_j is its exact share and factors for age, heart, metabolism,
substances, cancer and frailty tie them together. With b the number of diseases, severity is linear in
z, b and the complaints; acuity and vital signs follow from severity, age and diseases; the last vital
signs regress from those at triage to their middle; visits, medications and the length of stay
(log-normal) follow from b, age and severity. The counts nest: 30 days <= 90 days <= 365 days.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy  # loads scipy.special on first use, which keeps the start of commands short

from src.errors import ConfigError
from src.seeding import numpy_stream
from src.tables.datasets.dataset import Dataset
from src.tables.datasets.mimic4ed_schema import (
    CHARLSON,
    COLUMNS,
    COMPLAINTS,
    ELIXHAUSER,
    GENDERS,
    LENGTH_OF_STAY,
    MEASURED,
    check_target,
    mimic4ed_schema,
)
from src.tables.datasets.split import Split
from src.tables.table import make_table

Values = np.ndarray

# the share of True, then the loadings on the factors age, heart, metabolism, substances, cancer, frailty
BINARY: dict[str, tuple[float, float, float, float, float, float, float]] = {
    "gender": (0.46, 0, 0.15, 0.05, 0.30, 0, 0),
    "chiefcom_chest_pain": (0.09, 0.05, 0.25, 0.05, 0.05, 0, 0),
    "chiefcom_abdominal_pain": (0.12, -0.10, 0, 0, 0.10, 0.10, 0),
    "chiefcom_headache": (0.07, -0.20, 0, 0, 0, 0, 0),
    "chiefcom_shortness_of_breath": (0.08, 0.25, 0.35, 0.10, 0.05, 0.10, 0.20),
    "chiefcom_back_pain": (0.05, -0.05, 0, 0.05, 0.05, 0.05, 0),
    "chiefcom_cough": (0.04, -0.05, 0.05, 0, 0, 0, 0.05),
    "chiefcom_nausea_vomiting": (0.05, -0.10, 0, 0.05, 0.10, 0.15, 0.05),
    "chiefcom_fever_chills": (0.05, 0, 0, 0, 0, 0.20, 0.15),
    "chiefcom_syncope": (0.03, 0.20, 0.15, 0, 0, 0, 0.05),
    "chiefcom_dizziness": (0.05, 0.20, 0.05, 0.05, 0, 0, 0.05),
    "cci_MI": (0.06, 0.35, 0.55, 0.15, 0, 0, 0.20),
    "cci_CHF": (0.10, 0.45, 0.65, 0.20, 0, 0, 0.25),
    "cci_PVD": (0.06, 0.40, 0.40, 0.25, 0, 0, 0.20),
    "cci_Stroke": (0.07, 0.40, 0.30, 0.15, 0, 0, 0.25),
    "cci_Dementia": (0.03, 0.65, 0.05, 0, 0, 0, 0.30),
    "cci_Pulmonary": (0.18, 0.20, 0.25, 0.10, 0.25, 0.05, 0.25),
    "cci_Rheumatic": (0.03, 0.10, 0, 0, 0, 0, 0.25),
    "cci_PUD": (0.02, 0.15, 0.05, 0, 0.20, 0.05, 0.25),
    "cci_Liver1": (0.08, 0.05, 0, 0.15, 0.60, 0.10, 0.20),
    "cci_DM1": (0.14, 0.30, 0.20, 0.70, 0, 0, 0.10),
    "cci_DM2": (0.07, 0.30, 0.30, 0.75, 0, 0, 0.15),
    "cci_Paralysis": (0.02, 0.10, 0.10, 0, 0, 0.05, 0.35),
    "cci_Renal": (0.12, 0.45, 0.40, 0.40, 0, 0, 0.25),
    "cci_Cancer1": (0.09, 0.35, 0, 0, 0, 0.75, 0.10),
    "cci_Liver2": (0.02, 0.05, 0.05, 0.10, 0.70, 0.10, 0.25),
    "cci_Cancer2": (0.04, 0.25, 0, 0, 0, 0.85, 0.20),
    "cci_HIV": (0.01, -0.05, 0, 0, 0.35, 0.05, 0.10),
    "eci_Arrhythmia": (0.16, 0.50, 0.55, 0.10, 0.05, 0, 0.20),
    "eci_Valvular": (0.06, 0.50, 0.55, 0, 0, 0, 0.15),
    "eci_PHTN": (0.04, 0.40, 0.60, 0.10, 0, 0, 0.30),
    "eci_HTN1": (0.35, 0.60, 0.25, 0.35, 0, 0, 0.05),
    "eci_HTN2": (0.12, 0.45, 0.45, 0.40, 0, 0, 0.20),
    "eci_NeuroOther": (0.09, 0.10, 0.05, 0, 0.25, 0.05, 0.30),
    "eci_Hypothyroid": (0.11, 0.35, 0.05, 0.20, -0.05, 0.05, 0.05),
    "eci_Lymphoma": (0.01, 0.20, 0, 0, 0, 0.60, 0.10),
    "eci_Coagulopathy": (0.06, 0.20, 0.15, 0.05, 0.40, 0.30, 0.30),
    "eci_Obesity": (0.10, 0.05, 0.15, 0.60, -0.05, 0, 0.05),
    "eci_WeightLoss": (0.05, 0.25, 0.05, -0.10, 0.15, 0.45, 0.40),
    "eci_FluidsLytes": (0.18, 0.30, 0.25, 0.20, 0.25, 0.20, 0.45),
    "eci_BloodLoss": (0.02, 0.20, 0.10, 0.05, 0.10, 0.20, 0.30),
    "eci_Anemia": (0.10, 0.25, 0.15, 0.20, 0.05, 0.30, 0.35),
    "eci_Alcohol": (0.10, -0.10, 0, -0.05, 0.80, 0, 0.10),
    "eci_Drugs": (0.08, -0.35, 0, -0.05, 0.70, 0, 0.15),
    "eci_Psychoses": (0.05, -0.15, 0, 0.05, 0.50, 0, 0.15),
    "eci_Depression": (0.18, 0, 0, 0.10, 0.35, 0.05, 0.25),
}
# the mean that the last measurement regresses to, and the standard deviation of its noise
LAST = {
    "temperature": (36.8, 0.25),
    "heartrate": (78, 8),
    "resprate": (17, 1.5),
    "o2sat": (98, 1),
    "sbp": (127, 12),
    "dbp": (72, 8),
}
# plausible values of a monitor, narrower than the valid ranges
BOUNDS = {
    "temperature": (33, 41.5),
    "heartrate": (30, 220),
    "resprate": (6, 60),
    "o2sat": (60, 100),
    "sbp": (55, 260),
    "dbp": (25, 160),
}
INTEGERS = {f"triage_{name}" for name in BOUNDS} | {f"ed_{name}_last" for name in BOUNDS} | {"triage_pain"}
INTEGERS -= {"triage_temperature", "ed_temperature_last"}


@dataclass(frozen=True)
class Mimic4edStandin(Dataset):
    """``dataset=mimic4ed_standin``: invented rows, complete; see the module.

    Attributes:
        target: one of the 73 columns.
        n_train: number of training rows.
        n_test: number of test rows.
    """

    target: str = "ed_los_hours"
    n_train: int = 353_150
    n_test: int = 88_287

    def __post_init__(self) -> None:
        check_target(self.target)
        if self.n_train < 2 or self.n_test < 1:
            raise ConfigError(
                f"dataset.n_train is at least 2 and dataset.n_test at least 1, got {self.n_train} and {self.n_test}"
            )

    def load(self, seed: int) -> Split:
        """Draw training and test rows from two streams of ``seed``."""
        schema = mimic4ed_schema(self.target, INTEGERS)
        train, test = (
            make_table(simulate(n_rows, numpy_stream(seed, "split", part)), schema)
            for part, n_rows in (("train", self.n_train), ("test", self.n_test))
        )
        return Split(train, test)


def simulate(n_rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Invent ``n_rows`` complete rows of the 73 columns."""
    factors = rng.standard_normal((n_rows, 6))
    z = factors[:, 0]
    columns = {name: _binary(name, factors, rng) for name in BINARY}
    burden = (np.sum([columns[name] for name in (*CHARLSON, *ELIXHAUSER)], axis=0) - 3.3) / 3
    severity = _severity(z, burden, columns, rng)
    columns["age"] = np.floor(18 + 75 * scipy.special.ndtr(z) ** 1.1).astype(np.int64)
    columns |= _visits(burden, columns, rng)
    columns |= _triage(z, severity, columns, rng)
    columns |= {f"ed_{name}_last": _last(name, columns[f"triage_{name}"], rng) for name in MEASURED}
    columns |= _stay(z, burden, severity, columns["triage_acuity"], rng)
    columns["gender"] = np.array(GENDERS, dtype=object)[columns["gender"].astype(int)]
    for name in (*CHARLSON, *ELIXHAUSER):
        columns[name] = columns[name].astype(np.int8)
    return pd.DataFrame({name: columns[name] for name in COLUMNS})


def _binary(name: str, factors: Values, rng: np.random.Generator) -> Values:
    """Draw a binary column, (N,) bool: a threshold on the sum of factors and noise gives its exact share."""
    share, *loadings = BINARY[name]
    noise = np.sqrt(1 - np.square(loadings).sum()) * rng.standard_normal(len(factors))
    return np.asarray(factors @ np.array(loadings) + noise > scipy.special.ndtri(1 - share))


def _severity(z: Values, burden: Values, columns: Mapping[str, Values], rng: np.random.Generator) -> Values:
    acute = 0.8 * columns["chiefcom_shortness_of_breath"] + 0.6 * columns["chiefcom_fever_chills"]
    acute = acute + 0.5 * columns["chiefcom_syncope"] - 0.5 * columns["chiefcom_back_pain"]
    return np.asarray(0.3 * z + 0.35 * burden + acute + 0.75 * rng.standard_normal(len(z)))


def _visits(burden: Values, columns: Mapping[str, Values], rng: np.random.Generator) -> dict[str, Values]:
    """Draw the numbers of earlier visits: overdispersed within a year, thinned to 90 and 30 days."""
    n = len(burden)
    frequency = rng.gamma(0.6, 1 / 0.6, n)
    substances = columns["eci_Alcohol"].astype(float) + columns["eci_Drugs"]
    year = {
        "ed": rng.poisson(0.9 * frequency * np.exp(0.3 * burden + 0.4 * substances)),
        "hosp": rng.poisson(0.4 * frequency * np.exp(0.45 * burden)),
    }
    year["icu"] = rng.binomial(year["hosp"], 0.12)
    visits = {}
    for kind, within_365 in year.items():
        within_90 = rng.binomial(within_365, 0.35)
        within_30 = rng.binomial(within_90, 0.4)
        for days, count in ((30, within_30), (90, within_90), (365, within_365)):
            visits[f"n_{kind}_{days}d"] = count
    return visits


def _triage(z: Values, severity: Values, columns: Mapping[str, Values], rng: np.random.Generator) -> dict[str, Values]:
    noise = {name: rng.standard_normal(len(z)) for name in (*MEASURED, "pain")}
    breathless, fever = columns["chiefcom_shortness_of_breath"], columns["chiefcom_fever_chills"]
    lungs = 1.2 * breathless + 0.8 * columns["cci_Pulmonary"] + 0.6 * columns["cci_CHF"]
    hypertension = 5.0 * columns["eci_HTN1"] + 4.0 * columns["eci_HTN2"]
    sbp = 132 + 7 * z + hypertension - 4 * severity + 19 * noise["sbp"]
    measured = {
        "temperature": 36.7 + 0.05 * severity + 0.8 * fever + (0.3 + 0.4 * fever) * noise["temperature"],
        "heartrate": 84 - 3 * z + 6 * severity + 8 * fever + 14 * noise["heartrate"],
        "resprate": 17.3 + 0.9 * severity + 1.8 * breathless + 1.8 * noise["resprate"],
        "o2sat": 98.8 - lungs - 0.4 * severity - 0.3 * z + 1.3 * noise["o2sat"],
        "sbp": sbp,
        "dbp": 77 + 0.42 * (sbp - 132) - 2.5 * z + 9 * noise["dbp"],
    }
    triage = {f"triage_{name}": _shown(name, values) for name, values in measured.items()}
    hurts = sum(columns[name].astype(float) for name in COMPLAINTS if "pain" in name or "headache" in name)
    pain = np.where(
        rng.random(len(z)) < scipy.special.ndtr(0.1 - 0.3 * z + 1.2 * hurts), 6 + hurts + 2.3 * noise["pain"], 0
    )
    triage["triage_pain"] = pain.round().clip(0, 10)
    triage["triage_acuity"] = 1.0 + (severity[:, None] < np.array([1.75, 0.45, -1.6, -2.5])).sum(axis=1)
    return triage


def _last(name: str, triage: Values, rng: np.random.Generator) -> Values:
    middle, spread = LAST[name]
    return _shown(name, middle + 0.5 * (triage - middle) + spread * rng.standard_normal(len(triage)))


def _shown(name: str, values: Values) -> Values:
    """Round to what a monitor shows: integers, or tenths of a degree Fahrenheit (converted to Celsius)."""
    bounded = values.clip(*BOUNDS[name])
    if name != "temperature":
        return np.asarray(bounded.round())
    return np.asarray(((bounded * 1.8 + 32).round(1) - 32) * (5 / 9))


def _stay(z: Values, burden: Values, severity: Values, acuity: Values, rng: np.random.Generator) -> dict[str, Values]:
    n = len(z)
    n_medications = rng.poisson(np.exp(0.8 + 0.3 * severity + 0.08 * burden))
    at_home = rng.poisson(5 * rng.gamma(3, 1 / 3, n) * np.exp(0.3 * np.minimum(burden, 3) + 0.35 * z))
    log_hours = np.log(4.8) + 0.1 * z + 0.13 * burden + 0.1 * severity + 0.05 * np.minimum(n_medications, 12)
    log_hours = log_hours - 0.45 * (acuity >= 4) + 0.5 * rng.standard_normal(n)
    return {
        LENGTH_OF_STAY: np.exp(log_hours).clip(0.1, 120).round(2),
        "n_med": n_medications.astype(float),
        "n_medrecon": at_home.astype(float),
    }
