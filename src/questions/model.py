"""The models that answer."""

from src.diffusion.absorbing.model import AbsorbingDiffusion
from src.encoding import StateEncoder
from src.errors import ConfigError
from src.training.module import MissDiffModule


def refuse_others(module: MissDiffModule) -> None:
    """Refuse a model that answers no questions.

    Raises:
        ConfigError: it is none of states.
    """
    of_states(module)


def of_states(module: MissDiffModule) -> tuple[AbsorbingDiffusion, StateEncoder]:
    """The model and its encoder.

    Raises:
        ConfigError: it is another model.
    """
    denoiser, encoder = module.denoiser, module.encoder
    if isinstance(denoiser, AbsorbingDiffusion) and isinstance(encoder, StateEncoder):
        return denoiser, encoder
    raise ConfigError("only models of diffusion=absorbing answer questions about rows; train one with it")
