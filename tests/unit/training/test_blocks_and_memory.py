import numpy as np
import psutil
import pytest
import torch

from src.encoding import EncodingRecipe, TableEncoder, memory
from src.errors import TableError
from src.runs.blocks import FIXED_ROWS, block_rows, n_blocks
from src.runs.synthetic import stored_masks
from src.training.batches import Chunks
from src.training.datamodule import CHUNK_ROWS


def test_every_chunk_is_drawn_in_full():
    chunks = list(Chunks(5000, 2048))
    assert [chunk.n_rows for chunk in chunks] == [2048, 2048, 904]
    assert {chunk.size for chunk in chunks} == {2048}


def test_blocks_cover_the_rows():
    assert (block_rows(None), n_blocks(1, None), n_blocks(CHUNK_ROWS + 1, None)) == (CHUNK_ROWS, 1, 2)
    assert n_blocks(FIXED_ROWS + 1, object()) == 2


def test_a_table_too_large_for_memory_is_refused_with_its_widest_columns(table, monkeypatch):
    encoder = TableEncoder.fit(table, table.observed, EncodingRecipe("quantile", -1, False))
    memory.refuse_too_wide(encoder, table.n_rows)
    monkeypatch.setattr(memory, "free_memory", lambda: 1000)
    with pytest.raises(TableError, match=r"200 rows of 7 coordinates.*'colour' \(3\).*dataset.max_categories"):
        memory.refuse_too_wide(encoder, table.n_rows)


def test_free_memory_is_that_of_the_machine_or_less():
    assert 0 <= memory.free_memory() <= psutil.virtual_memory().total


def test_a_container_with_less_memory_decides(tmp_path, monkeypatch):
    limit, used = tmp_path / "memory.max", tmp_path / "memory.current"
    monkeypatch.setattr(memory, "CGROUPS", ((limit, used),))
    used.write_text("3000\n")
    limit.write_text("5000\n")
    assert memory.free_memory() == 2000
    limit.write_text("max\n")
    assert memory.free_memory() > 2000


def test_masks_survive_being_packed():
    mask = np.random.default_rng(0).random((17, 11)) < 0.5
    packed = np.packbits(mask, axis=1)
    assert (stored_masks(torch.from_numpy(packed).numpy(), 11) == mask).all()
