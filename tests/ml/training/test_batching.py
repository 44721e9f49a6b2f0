import numpy as np
import pyarrow as pa

from ml.training.batching import TokenRows, sorted_batches, training_batches

ROWS = TokenRows.of(pa.chunked_array([pa.array([[5, 6, 7], [8]]), pa.array([[9, 10]])]), pad_id=1)
LENGTHS = np.random.default_rng(3).integers(5, 128, 3210)


def test_the_mask_follows_from_the_lengths_and_padding_is_no_token() -> None:
    ids, mask = ROWS.batch(np.array([2, 0, 1]))
    assert ids.tolist() == [[9, 10, 1], [5, 6, 7], [8, 1, 1]]
    assert mask.tolist() == [[1, 1, 0], [1, 1, 1], [1, 0, 0]]


def test_an_epoch_sees_every_row_once_in_an_order_of_its_own() -> None:
    first, again, second = (training_batches(LENGTHS, 32, 7, epoch) for epoch in (0, 0, 1))
    assert sorted(np.concatenate(first).tolist()) == list(range(3210))
    assert np.concatenate(first).tolist() == np.concatenate(again).tolist()
    assert np.concatenate(first).tolist() != np.concatenate(second).tolist()


def test_little_of_a_batch_is_padding() -> None:
    batches = training_batches(LENGTHS, 32, 7, 0)
    padded = sum(len(rows) * LENGTHS[rows].max() for rows in batches)
    assert padded < 1.05 * LENGTHS.sum()


def test_validation_takes_every_row_longest_first() -> None:
    batches = list(sorted_batches(LENGTHS, 64))
    assert sorted(np.concatenate(batches).tolist()) == list(range(3210))
    assert LENGTHS[batches[0]].max() == LENGTHS.max()
