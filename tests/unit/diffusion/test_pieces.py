"""Memory that runs out in drawing costs pieces, not rows."""

import pytest
import torch

from src.diffusion import Coordinates, KnownCoordinates, Moments, Targets
from src.diffusion.absorbing.drawing import CellByCell
from src.diffusion.gaussian.sampler import Sampler
from src.diffusion.gaussian.schedule import VariancePreserving
from src.diffusion.gaussian.settings import VPSettings
from src.diffusion.networks import ResidualMLPSettings
from src.diffusion.networks.pieces import InPieces, is_out_of_memory
from tests.unit.diffusion.test_cell_by_cell import made

WIDTH = 5
SAMPLER = Sampler("ancestral", None, "beta", 1e-5)
RECIPE = VPSettings(VariancePreserving(8, 1e-4, 0.5), "residual", "velocity", SAMPLER)
COORDINATES = Coordinates(WIDTH, torch.arange(WIDTH))
MOMENTS = Moments(*(torch.ones(WIDTH) for _ in range(3)), 1.0)
ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory"),
    MemoryError(),
    RuntimeError("DefaultCPUAllocator: can't allocate memory"),
]


def continuous():
    torch.manual_seed(0)
    return RECIPE.build(ResidualMLPSettings(8, 1, 8), COORDINATES, MOMENTS)


def conditional():
    torch.manual_seed(0)
    return RECIPE.build(ResidualMLPSettings(8, 1, 8), COORDINATES, MOMENTS, Targets(0.5, 0.5))


def drawn(denoiser, given):
    sampler = CellByCell(None) if hasattr(denoiser, "states") else SAMPLER
    with torch.no_grad():
        return denoiser.eval().draw(sampler, 100, torch.Generator().manual_seed(0), given)


def holds(denoiser, n_rows, monkeypatch, error):
    """A machine whose memory holds the network's work on ``n_rows`` rows."""
    network = denoiser.network

    def scarce(method):
        def evaluate(x, *more):
            if len(x) > n_rows:
                raise error
            return method(x, *more)

        return evaluate

    for name in ("hidden_layers", "forward"):
        monkeypatch.setattr(network, name, scarce(getattr(network, name)))


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("make", [made, continuous, conditional])
def test_rows_are_the_same_in_as_many_pieces_as_it_takes(make, error, monkeypatch, caplog):
    given = KnownCoordinates(torch.ones(WIDTH), torch.arange(WIDTH) < 2, 1) if make is not made else None
    expected = drawn(make(), given)
    denoiser = make()
    holds(denoiser, 30, monkeypatch, error)
    found = drawn(denoiser, given)
    torch.testing.assert_close(found.x, expected.x)
    assert found.n_evaluations == expected.n_evaluations
    assert denoiser.in_pieces.n_pieces == 4
    said = [record.getMessage().split("with ")[1] for record in caplog.records]
    assert said == ["50 rows at a time", "25 rows at a time"]


def test_a_row_that_is_too_much_and_other_errors_are_raised():
    in_pieces = InPieces()

    def too_much(x):
        raise torch.OutOfMemoryError("out of memory")

    with pytest.raises(torch.OutOfMemoryError):
        in_pieces(too_much, torch.ones(8, 2))
    assert in_pieces.n_pieces == 8

    def wrong(x):
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        InPieces()(wrong, torch.ones(8, 2))
    assert not is_out_of_memory(ValueError("out of memory"))


def test_parts_of_all_rows_stay_whole():
    in_pieces = InPieces()
    in_pieces.n_pieces = 3
    x, scale = torch.arange(7.0)[:, None], torch.tensor([2.0])
    assert torch.equal(in_pieces(lambda x, scale: x * scale, x, scale), x * 2)
