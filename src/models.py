"""Load a trained model from its checkpoint alone, without the table it was trained on."""

from pathlib import Path
from typing import Any

import torch

from src.diffusion import DiffusionRecipe, Moments, Targets
from src.diffusion.networks import NetworkRecipe
from src.encoding import encoder_from_dict
from src.errors import CheckpointError
from src.training.checkpoint import sampling_weights
from src.training.module import CHECKPOINT_KEY, MissDiffModule
from src.training.recipe import TrainingRecipe


def trained_module(
    checkpoint: dict[str, Any], file: Path, network: NetworkRecipe, diffusion: DiffusionRecipe, training: TrainingRecipe
) -> MissDiffModule:
    """The module with the weights to sample with.

    Arguments:
        checkpoint: as :func:`src.training.checkpoint.read_checkpoint` reads it.
        file: where it is from, for messages.
        network: recipe it was trained with.
        diffusion: likewise.
        training: likewise.

    Raises:
        CheckpointError: the weights are not those of the recipes.
    """
    stored = checkpoint[CHECKPOINT_KEY]
    encoder = encoder_from_dict(stored["encoder"])
    moments = Moments(*(torch.ones(encoder.width) for _ in Moments._fields))
    targets = Targets(*stored["targets"]) if "targets" in stored else None
    module = MissDiffModule(
        encoder, moments, network, diffusion, training, 1, stored["seed"], stored["config"], targets=targets
    )
    try:
        module.load_state_dict(sampling_weights(checkpoint))
    except RuntimeError as error:
        raise CheckpointError(
            f"{file} has weights of another network: {str(error).splitlines()[-1].strip()}"
        ) from error
    return module.eval()
