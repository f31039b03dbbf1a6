"""Compute the log-likelihood of a finished run and the right side of Theorem 2.3."""

import json
import math
from typing import Any

import numpy as np

from src.diffusion import Accuracy
from src.diffusion.absorbing.likelihood import N_ORDERS
from src.errors import ConfigError
from src.models import Experiment
from src.results.record.files import write_json
from src.results.record.provenance import commit, versions
from src.results.record.run_folder import RunFolder
from src.seeding import numpy_stream
from src.training import LAST
from src.training.callbacks import progress_bar, row_counter
from src.training.datamodule import TableDataModule
from src.training.likelihood import bound_of_theorem_2_3, load_trained, row_log_likelihoods
from src.training.module import MissDiffModule

BOUND_DRAWS = 20
DENSITY = (
    "The density is that of rows with the noise of the diffusion's first time, on their observed",
    "coordinates. Negative values are usual: one-hot coordinates are almost discrete. Compare runs",
    "of one encoding only.",
)


def evaluate_likelihood(
    experiment: Experiment, folder: RunFolder, accuracy: Accuracy, n_rows: int | None
) -> dict[str, Any]:
    """Bits per coordinate of test and training rows, and the bound; written to ``likelihood.json``.

    Arguments:
        experiment: of the run.
        folder: of the run.
        accuracy: of the integration, for a continuous diffusion.
        n_rows: rows of either table that the likelihood is averaged over; None = all.

    Raises:
        ConfigError: the run was not applicable.
        CheckpointError: the checkpoint is damaged or belongs to other data.
    """
    if json.loads(folder.report.read_text())["status"] != "done":
        raise ConfigError(f"run={folder.path} was not applicable; there is no model in it")
    data = experiment.data()
    module = experiment.recipe.module(data)
    load_trained(module, folder.path / "checkpoints" / LAST)
    encoder, split = data.data.encoder, data.split
    tables = {
        "test": encoder.forward(split.test, split.test.observed),
        "train": (data.data.x, data.data.coordinate_mask),
    }
    rows = {name: _some(len(x), n_rows, experiment.seed, name) for name, (x, _) in tables.items()}
    likelihoods: dict[str, Any] = {
        "n_probes": accuracy.n_probes,
        "tolerance": accuracy.tolerance,
        "width": encoder.width,
    }
    with progress_bar(sum(len(chosen) for chosen in rows.values()), "likelihood", "row") as bar:
        on_rows = row_counter(bar)
        for name, (x, mask) in tables.items():
            chosen = rows[name]
            nats, n_evaluations = row_log_likelihoods(module, x[chosen], mask[chosen], accuracy, name, on_rows=on_rows)
            n_coordinates = mask[chosen].sum(dim=1)
            likelihoods[name] = _bits(nats.double().numpy(), n_coordinates.numpy()) | {"n_evaluations": n_evaluations}
    likelihoods["theorem_2_3"] = (
        _theorem(module, data, tables["test"]) if experiment.recipe.diffusion.is_continuous else None
    )
    likelihoods |= {"commit": commit(), "versions": versions()}
    write_json(folder.likelihood, likelihoods)
    return likelihoods


def likelihood_summary(likelihoods: dict[str, Any]) -> str:
    """What :func:`evaluate_likelihood` likelihoods, in words."""
    if likelihoods["theorem_2_3"] is None:
        return "\n".join(
            [
                f"negative log-likelihood, mean probability of {N_ORDERS} orders of a row's cells",
                *_parts(likelihoods, "cell"),
                "The probability is that of the states of the observed cells: of categories, and of the levels of",
                "numbers. Compare runs of one encoding only.",
            ]
        )
    probes = "exact trace" if likelihoods["n_probes"] is None else f"trace by {likelihoods['n_probes']} probes"
    lines = [f"negative log-likelihood by the probability-flow ODE ({probes}, tolerance {likelihoods['tolerance']:g})"]
    lines += _parts(likelihoods, "coordinate")
    bound = likelihoods["theorem_2_3"]
    if bound["bits"] is None:
        return "\n".join([*lines, f"Theorem 2.3     no bound: {bound['reason']}", *DENSITY])
    lines += [
        f"Theorem 2.3     {bound['bits']:.4f} bits per coordinate = {bound['factor']:.3f} x "
        f"{bound['objective_bits']:.4f} {bound['constant_bits']:+.4f}, rho_max = {bound['rho_max']:.3f}",
        *DENSITY,
    ]
    return "\n".join(lines)


def _parts(likelihoods: dict[str, Any], unit: str) -> list[str]:
    return [
        f"{f'{name} rows':<15} {_number(part['bits'])} ± {_number(part['standard_error'])} bits per {unit}, "
        f"mean over {part['n_rows']:,} rows ({part['n_evaluations']:.0f} network evaluations each)"
        for name, part in ((name, likelihoods[name]) for name in ("test", "train"))
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _some(n: int, n_rows: int | None, seed: int, name: str) -> np.ndarray:
    if n_rows is None or n_rows >= n:
        return np.arange(n)
    return np.sort(numpy_stream(seed, "likelihood rows", name).choice(n, size=n_rows, replace=False))


def _bits(nats: np.ndarray, n_coordinates: np.ndarray) -> dict[str, float | None]:
    """Ratio of the sums, and its standard error by the delta method; rows without a coordinate left out.

    None stands for what has no value: both where no row has a coordinate, the error where one row has.
    """
    has_coordinates = n_coordinates > 0
    if not has_coordinates.any():
        return {"bits": None, "standard_error": None, "n_rows": 0}
    losses, counts = -nats[has_coordinates] / math.log(2), n_coordinates[has_coordinates]
    bits = float(losses.sum() / counts.sum())
    error = None
    if len(counts) > 1:
        error = float((losses - bits * counts).std(ddof=1)) / (math.sqrt(len(counts)) * float(counts.mean()))
    return {"bits": bits, "standard_error": error, "n_rows": len(counts)}


def _theorem(module: MissDiffModule, data: TableDataModule, test: tuple[Any, Any]) -> dict[str, Any]:
    """The bound and its parts, bits per coordinate; ``bits`` is None, with a ``reason``, where it has no value."""
    x, mask = test
    complete = x[mask.all(dim=1)]
    unseen = np.array(data.data.encoder.schema.names)[~data.data.mask.any(axis=0)]
    if not len(complete):
        return {"bits": None, "reason": f"it is about complete rows, and none of the {len(x):,} test rows is complete"}
    if len(unseen):
        return {"bits": None, "reason": f"no training row has a value in {', '.join(map(repr, unseen))}"}
    bound = bound_of_theorem_2_3(module, data.data.x, data.data.coordinate_mask, complete, BOUND_DRAWS)
    per_bit = math.log(2) * x.shape[1]
    return {
        "bits": bound.nats / per_bit,
        "factor": bound.factor,
        "objective_bits": bound.objective / per_bit,
        "constant_bits": bound.constant / per_bit,
        "rho_max": 1 - 1 / bound.factor,
    }
