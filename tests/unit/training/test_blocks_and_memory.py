import numpy as np
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
    monkeypatch.setattr(memory, "free_memory", lambda: None)
    memory.refuse_too_wide(encoder, 10**15)


def test_free_memory_is_that_of_the_machine_or_less():
    free = memory.free_memory()
    assert free is None or 0 <= free < 2**50


def test_masks_survive_being_packed():
    mask = np.random.default_rng(0).random((17, 11)) < 0.5
    packed = np.packbits(mask, axis=1)
    assert (stored_masks(torch.from_numpy(packed).numpy(), 11) == mask).all()
