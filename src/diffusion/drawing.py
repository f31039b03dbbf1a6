"""Drawing rows from any of the models."""

import torch
from torch import Tensor

from src.diffusion.absorbing.denoiser import AbsorbingDenoiser
from src.diffusion.absorbing.drawing import draw_absorbing
from src.diffusion.gaussian.conditional import Given, draw_given
from src.diffusion.gaussian.csdi import Condition, ConditionalDenoiser, draw_conditional
from src.diffusion.gaussian.denoiser import Denoiser
from src.diffusion.gaussian.recipe import CellByCell
from src.diffusion.gaussian.sampler import Drawn, OnProgress, Sampler, draw

AnyDenoiser = Denoiser | AbsorbingDenoiser


def draw_rows(
    denoiser: AnyDenoiser,
    sampler: Sampler | CellByCell,
    shape: tuple[int, int],
    generator: torch.Generator,
    given: Given | None = None,
    on_progress: OnProgress = lambda share: None,
) -> Drawn:
    """Draw rows of D coordinates, or those coordinates that are not given.

    Arguments:
        denoiser: trained.
        sampler: of its recipe.
        shape: (n, D).
        generator: random stream; its device is where the rows are drawn.
        given: known coordinates.
        on_progress: receives the share of the way that is done, 0..1, now and then.
    """
    n_rows, width = shape
    if isinstance(denoiser, AbsorbingDenoiser):
        return draw_absorbing(denoiser, sampler.n_steps, n_rows, generator, given, on_progress)
    assert isinstance(sampler, Sampler), "a continuous process has a sampler of its own"
    if isinstance(denoiser, ConditionalDenoiser):
        known: tuple[Tensor, Tensor] = (torch.zeros(width), torch.zeros(width, dtype=torch.bool))
        if given is not None:
            known = given.x, given.mask
        condition = Condition(*(part.expand(n_rows, -1) for part in known))
        return draw_conditional(denoiser, sampler, condition, generator)
    if given is None:
        return draw(denoiser, sampler, n_rows, width, generator, on_progress)
    return draw_given(denoiser, sampler, given, n_rows, generator, on_progress)
