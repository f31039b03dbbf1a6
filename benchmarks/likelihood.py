"""Quick estimates of a row's log-likelihood beside the adaptive solver's: python -m benchmarks.likelihood DIR ...

Of finished runs of a continuous process (diffusion=ve, vp or ddpm). The reference is the adaptive solver with the exact
trace. Beside it, of the same rows: the quick estimate with several numbers of steps, and the adaptive solver with
Hutchinson's probes. Printed are Spearman's rank correlation with the reference, mean and standard deviation of the
difference (nats), and seconds. Then the same of the change between two models, by which fine-tuning chooses rows: the
average of the weights, and that average a twentieth nearer to the last weights, about as far as fine-tuning goes.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr
from torch import Tensor

from benchmarks.common import write_result
from src.config.recorded import recorded_config
from src.diffusion import LogLikelihood
from src.diffusion.gaussian.likelihood import log_likelihood, noised, quick_log_likelihood
from src.training import LAST
from src.training.checkpoint import read_checkpoint, sampling_weights
from src.training.module import CHECKPOINT_KEY

ESTIMATES: dict[str, Callable[..., LogLikelihood]] = {
    **{f"quick, {n} steps": partial(quick_log_likelihood, n_steps=n) for n in (8, 16, 32, 64)},
    "adaptive 1e-3, one probe": partial(log_likelihood, tolerance=1e-3, n_probes=1),
}

CHANGE = 0.05


def models_and_rows(folder: Path, n_rows: int) -> tuple[dict[str, Any], Tensor, Tensor]:
    """The denoiser with averaged and with slightly changed weights; encoded rows at the first time with their mask."""
    checkpoint = read_checkpoint(folder / "checkpoints" / LAST)
    config = recorded_config(checkpoint[CHECKPOINT_KEY]["config"])
    data = config.experiment.data()
    denoisers = {}
    last = checkpoint.get("current_model_state", checkpoint["state_dict"])
    averaged = sampling_weights(checkpoint)
    changed = {
        name: value.lerp(last[name], CHANGE) if value.is_floating_point() else value for name, value in averaged.items()
    }
    for name, weights in {"averaged": averaged, "changed": changed}.items():
        module = config.recipe.module(data)
        module.load_state_dict(weights)
        denoisers[name] = module.eval().denoiser
    generator = torch.Generator().manual_seed(0)
    rows = torch.randperm(data.data.n_used, generator=generator)[:n_rows]
    x, mask = data.data.x[rows], data.data.coordinate_mask[rows]
    return denoisers, noised(denoisers["averaged"], x, mask, generator), mask


def compare(folder: Path, n_rows: int, tolerance: float) -> dict[str, Any]:
    denoisers, x, mask = models_and_rows(folder, n_rows)
    reference, seconds = _judged(denoisers, x, mask, partial(log_likelihood, tolerance=tolerance))
    print(
        f"{folder}: {len(x)} rows of {x.shape[1]} coordinates; adaptive {tolerance:g}, exact: {seconds:.1f} s a model"
    )
    lines = []
    for name, estimate in ESTIMATES.items():
        found, seconds = _judged(denoisers, x, mask, estimate)
        line = {"estimate": name, "seconds": seconds, "nats": _compared(found["averaged"], reference["averaged"])}
        line["change"] = _compared(found["changed"] - found["averaged"], reference["changed"] - reference["averaged"])
        lines.append(line)
        parts = (
            f"{part} {line[part][0]:.3f}, {line[part][1]:+.3f} ± {line[part][2]:.3f}" for part in ("nats", "change")
        )
        print(f"{name:>24}: {'; '.join(parts)}; {seconds:.1f} s", flush=True)
    change = reference["changed"] - reference["averaged"]
    spread = {"nats": float(reference["averaged"].std()), "change": float(change.std())}
    print(f"spread of the rows: {spread['nats']:.2f} nats, of the change {spread['change']:.3f}")
    return {
        "run": folder.name,
        "rows": len(x),
        "width": x.shape[1],
        "tolerance": tolerance,
        "spread": spread,
        "lines": lines,
    }


def _judged(denoisers: dict[str, Any], x: Tensor, mask: Tensor, estimate: Any) -> tuple[dict[str, Tensor], float]:
    """Nats by each denoiser, with the same probes; seconds of one."""
    started = time.perf_counter()
    found = {
        name: estimate(denoiser, x, mask, generator=torch.Generator().manual_seed(1)).nats.double()
        for name, denoiser in denoisers.items()
    }
    return found, (time.perf_counter() - started) / len(denoisers)


def _compared(found: Tensor, expected: Tensor) -> list[float]:
    """Spearman's rank correlation, mean and standard deviation of the difference."""
    difference = found - expected
    return [float(spearmanr(found, expected)[0]), float(difference.mean()), float(difference.std())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="run folders")
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of the reference (default: 1e-4)")
    given = parser.parse_args()
    write_result("likelihood", {"runs": [compare(folder, given.rows, given.tolerance) for folder in given.runs]})


if __name__ == "__main__":
    main()
