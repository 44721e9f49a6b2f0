"""What every storage promises, asked of each: to the product a local directory and S3 are the same."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.core.errors import NotFound
from app.core.storage import ArtifactDamaged, Storage, Tree, hash_file, tree_of
from tests.programs.twins import PART_BYTES, Twin, local_twin, s3_twin

NOBODY = "0" * 64


@pytest.fixture(params=["local", "s3"])
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Twin:
    if request.param == "local":
        return local_twin(tmp_path)
    return s3_twin(request.getfixturevalue("s3"), tmp_path)


@pytest.fixture
def storage(twin: Twin) -> Storage:
    return twin.storage


@pytest.fixture
def tree(storage: Storage, tmp_path: Path) -> Tree:
    for name, text in (("evaluation.json", "{}"), ("weights", "w" * 5000)):
        (tmp_path / name).write_text(text)
    return storage.put_tree(
        {"evaluation.json": tmp_path / "evaluation.json", "model/weights": tmp_path / "weights"}
    )


@pytest.fixture
def weights(tree: Tree) -> str:
    return tree.find("model/weights").sha256


@pytest.fixture(scope="session")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than two parts, the last one not whole."""
    path = tmp_path_factory.mktemp("big") / "big"
    path.write_bytes(os.urandom(2 * PART_BYTES + 12345))
    return path


def at_once(work: Callable[[int], object], threads: int = 8) -> list[BaseException]:
    """Run it in all threads together; what they raised."""
    start, failed = threading.Barrier(threads), list[BaseException]()

    def run(number: int) -> None:
        start.wait()
        try:
            work(number)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test says so
            failed.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return failed


def test_it_says_that_it_can_be_used(storage: Storage) -> None:
    storage.check()


def test_a_tree_is_read_back_by_its_hash_on_every_machine(twin: Twin, tree: Tree) -> None:
    for storage in (twin.storage, twin.elsewhere()):
        assert storage.tree(tree.sha256) == tree
        assert tree.size == 5002
        assert storage.intact(tree)
        assert storage.read_bytes(tree.find("evaluation.json").sha256) == b"{}"


def test_nothing_at_all_is_a_content_too(twin: Twin) -> None:
    stored = twin.storage.put_bytes(b"")
    assert stored.size == 0
    assert twin.elsewhere().read_bytes(stored.sha256) == b""


def test_the_same_content_is_stored_once_and_has_one_hash(storage: Storage, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("same")
    second.write_text("same")
    one, two = storage.put_file(first), storage.put_file(second, move=True)
    assert one.sha256 == two.sha256
    assert first.exists()
    assert not second.exists()
    assert [blob.sha256 for blob in storage.blobs()] == [one.sha256]


def test_a_large_file_arrives_whole(twin: Twin, big: Path, tmp_path: Path) -> None:
    stored = twin.storage.put_file(big)
    elsewhere = twin.elsewhere()
    elsewhere.verify(stored.sha256)
    assert hash_file(elsewhere.local_path(stored.sha256)) == stored.sha256 == hash_file(big)
    assert [blob.size for blob in elsewhere.blobs()] == [big.stat().st_size]


def test_a_part_of_a_tree_is_laid_out_alone(storage: Storage, tree: Tree, tmp_path: Path) -> None:
    storage.materialize(tree.under("model"), tmp_path / "channel")
    assert [path.name for path in (tmp_path / "channel").iterdir()] == ["weights"]
    assert (tmp_path / "channel" / "weights").read_text() == "w" * 5000


def test_one_flipped_byte_is_noticed_when_the_tree_is_laid_out(
    twin: Twin, tree: Tree, weights: str, tmp_path: Path
) -> None:
    twin.damage(weights)
    with pytest.raises(ArtifactDamaged, match="now has the content"):
        twin.elsewhere().materialize(tree, tmp_path / "channel")


def test_one_flipped_byte_is_noticed_by_whoever_has_just_read_the_file(twin: Twin, weights: str) -> None:
    """An approved model is verified at each load, on a machine that loaded it before."""
    twin.storage.verify(weights)
    assert twin.storage.checked_path(weights).read_text() == "w" * 5000
    twin.damage(weights)
    with pytest.raises(ArtifactDamaged, match="now has the content"):
        twin.storage.verify(weights)


def test_a_file_that_lost_its_end_is_noticed(twin: Twin, tree: Tree, weights: str) -> None:
    twin.replace(weights, b"w")
    assert not twin.storage.intact(tree)
    with pytest.raises(ArtifactDamaged):
        twin.elsewhere().verify(weights)


@pytest.mark.parametrize("move", [False, True])
def test_storing_the_content_again_heals_a_damaged_file(
    twin: Twin, weights: str, tmp_path: Path, move: bool
) -> None:
    twin.damage(weights)
    twin.storage.put_file(tmp_path / "weights", move=move)
    twin.elsewhere().verify(weights)


def test_what_is_not_there_is_not_found(storage: Storage, tree: Tree, tmp_path: Path) -> None:
    lost = tree_of([*tree.files, type(tree.files[0])("lost", NOBODY, 3)])
    with pytest.raises(NotFound, match="has no file"):
        tree.find("model/other")
    for ask in (storage.open, storage.read_bytes, storage.tree, storage.verify, storage.checked_path):
        with pytest.raises(NotFound, match="not in the storage"):
            ask(NOBODY)
    with pytest.raises(NotFound, match="not in the storage"):
        storage.materialize(lost, tmp_path / "channel")
    assert not storage.has(NOBODY)
    assert not storage.intact(lost)


def test_nothing_is_left_in_scratch(twin: Twin, tree: Tree, weights: str, tmp_path: Path, big: Path) -> None:
    twin.storage.put_file(big)
    twin.damage(weights)
    elsewhere = twin.elsewhere()
    for ask in (lambda: elsewhere.verify(weights), lambda: elsewhere.verify(NOBODY)):
        with pytest.raises((ArtifactDamaged, NotFound)):
            ask()
    left = [path for directory in tmp_path.rglob("scratch") for path in directory.iterdir()]
    assert left == []


def test_what_is_stored_is_listed_with_its_size(storage: Storage, tree: Tree) -> None:
    found = {blob.sha256: blob.size for blob in storage.blobs()}
    sizes = {file.sha256: file.size for file in tree.files}
    assert {sha256: found[sha256] for sha256 in sizes} == sizes
    assert found.keys() - sizes.keys() == {tree.sha256}


def test_what_is_removed_is_gone_and_can_be_stored_again(twin: Twin, weights: str, tmp_path: Path) -> None:
    assert twin.storage.remove(weights)
    assert not twin.storage.remove(weights)
    assert not twin.storage.has(weights)
    with pytest.raises(NotFound):
        twin.storage.open(weights)
    twin.storage.put_file(tmp_path / "weights")
    assert twin.elsewhere().has(weights)


def test_what_was_put_since_a_collector_looked_is_not_removed(storage: Storage, weights: str) -> None:
    (seen,) = (blob for blob in storage.blobs() if blob.sha256 == weights)
    assert not storage.remove(weights, unless_changed_since=seen.changed_at - timedelta(hours=24))
    assert storage.has(weights)
    assert storage.remove(weights, unless_changed_since=seen.changed_at)


def test_eight_threads_store_the_same_file_at_once(twin: Twin, tmp_path: Path) -> None:
    sources = [tmp_path / f"copy-{number}" for number in range(8)]
    for source in sources:
        source.write_bytes(b"same" * 50_000)
    assert at_once(lambda number: twin.storage.put_file(sources[number], move=True)) == []
    (blob,) = twin.storage.blobs()
    twin.elsewhere().verify(blob.sha256)


def test_eight_threads_lay_out_the_same_tree_at_once(twin: Twin, tree: Tree, tmp_path: Path) -> None:
    elsewhere = twin.elsewhere()
    assert at_once(lambda number: elsewhere.materialize(tree, tmp_path / f"step-{number}")) == []
    found = {path.read_text() for path in tmp_path.glob("step-*/model/weights")}
    assert found == {"w" * 5000}
