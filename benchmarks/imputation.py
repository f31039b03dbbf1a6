"""Seconds of filling Census: python -m benchmarks.imputation [--rows 16000] [--n-steps 6300]

MissDiff is trained on rows of which a fifth of the cells is missing and fills them with one draw; MissForest is
fitted to the same rows, which fills them. Both in one run, fitting and filling apart.
"""

import argparse
import time

from src.config.compose import compose
from src.config.run import build_config
from src.imputation.diffusion import MissDiffImputer
from src.imputation.missforest import MissForest
from src.runs.score_imputer import fit_imputer
from src.seeding import numpy_stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=16_000)
    parser.add_argument("--n-steps", type=int, default=6300, help="optimiser steps of the model")
    arguments = parser.parse_args()
    sizes = [f"dataset.n_train={arguments.rows}", "dataset.n_test=100", f"training.n_steps={arguments.n_steps}"]
    config = build_config(compose(["missing=independent", "ratio=0.2", *sizes]))
    train = config.dataset.load(0).train
    table = train.with_holes(config.missing.sample_mask(train, numpy_stream(0, "mask")))
    model = MissDiffImputer(n_steps=12, repeats=4, seed=0)
    model.recipe = config.recipe
    seconds = {}
    for name, imputer in (("missdiff", model), ("missforest", MissForest(n_trees=100, n_iterations=10, seed=0))):
        start = time.perf_counter()
        fit_imputer(imputer, table)
        fitted = time.perf_counter()
        imputer.transform(table)
        seconds[name] = fitted - start, time.perf_counter() - fitted
    print(f"{arguments.rows:,} rows of Census, {(~table.observed).sum():,} holes, one draw")
    for name, (fit, fill) in seconds.items():
        print(f"{name:10}  fitted in {fit:5.0f} s, filled in {fill:5.1f} s")
    (fit, fill), (other_fit, other_fill) = seconds.values()
    print(f"missforest / missdiff: fitting {other_fit / fit:.1f}, filling {other_fill / fill:.1f}")


if __name__ == "__main__":
    main()
