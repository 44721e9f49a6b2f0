import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.core.errors import NotFound
from app.core.storage import ArtifactDamaged, LocalStorage, Tree


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "storage")


@pytest.fixture
def tree(storage: LocalStorage, tmp_path: Path) -> Tree:
    for name, text in (("evaluation.json", "{}"), ("weights", "w" * 5000)):
        (tmp_path / name).write_text(text)
    return storage.put_tree(
        {"evaluation.json": tmp_path / "evaluation.json", "model/weights": tmp_path / "weights"}
    )


def damage(path: Path) -> None:
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


def test_a_tree_is_read_back_by_its_hash(storage: LocalStorage, tree: Tree) -> None:
    assert storage.tree(tree.sha256) == tree
    assert tree.size == 5002
    assert storage.intact(tree)
    assert storage.read_bytes(tree.find("evaluation.json").sha256) == b"{}"


def test_the_same_content_is_stored_once_and_has_one_hash(storage: LocalStorage, tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("same")
    second.write_text("same")
    one, two = storage.put_file(first), storage.put_file(second, move=True)
    assert one.sha256 == two.sha256
    assert first.exists()
    assert not second.exists()


def test_a_part_of_a_tree_is_laid_out_alone(storage: LocalStorage, tree: Tree, tmp_path: Path) -> None:
    storage.materialize(tree.under("model"), tmp_path / "channel")
    assert [path.name for path in (tmp_path / "channel").iterdir()] == ["weights"]


def test_one_flipped_byte_is_noticed_when_the_tree_is_laid_out(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    damage(storage.local_path(tree.find("model/weights").sha256))
    with pytest.raises(ArtifactDamaged, match="now has the content"):
        storage.materialize(tree, tmp_path / "channel")


def test_storing_the_content_again_heals_a_damaged_file(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    sha256 = tree.find("model/weights").sha256
    damage(storage.local_path(sha256))
    storage.put_file(tmp_path / "weights")
    storage.verify(sha256)


def test_a_truncated_file_makes_the_tree_not_intact(storage: LocalStorage, tree: Tree) -> None:
    path = storage.local_path(tree.find("model/weights").sha256)
    path.chmod(0o644)
    path.write_bytes(b"w")
    assert not storage.intact(tree)


def test_what_is_not_there_is_not_found(storage: LocalStorage, tree: Tree) -> None:
    with pytest.raises(NotFound, match="has no file"):
        tree.find("model/other")
    with pytest.raises(NotFound, match="not in the storage"):
        storage.open("0" * 64)


def test_nothing_is_left_in_scratch(storage: LocalStorage, tree: Tree, tmp_path: Path) -> None:
    assert list((tmp_path / "storage" / "scratch").iterdir()) == []


def test_what_is_stored_is_listed_with_size_and_time(storage: LocalStorage, tree: Tree) -> None:
    found = {blob.sha256: blob.size for blob in storage.blobs()}
    sizes = {file.sha256: file.size for file in tree.files}
    assert {sha256: found[sha256] for sha256 in sizes} == sizes
    assert found.keys() - sizes.keys() == {tree.sha256}


def test_what_is_removed_is_gone_and_can_be_stored_again(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    sha256 = tree.find("model/weights").sha256
    assert storage.remove(sha256)
    assert not storage.remove(sha256)
    assert not storage.has(sha256)
    storage.put_file(tmp_path / "weights")
    assert storage.has(sha256)


def test_what_was_put_again_since_it_was_looked_at_is_not_removed(
    storage: LocalStorage, tree: Tree, tmp_path: Path
) -> None:
    sha256 = tree.find("model/weights").sha256
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    os.utime(storage.local_path(sha256), (long_ago.timestamp(), long_ago.timestamp()))
    (seen,) = (blob for blob in storage.blobs() if blob.sha256 == sha256)
    assert seen.changed_at == long_ago
    storage.put_file(tmp_path / "weights")
    assert not storage.remove(sha256, unless_changed_since=seen.changed_at)
    assert storage.has(sha256)
