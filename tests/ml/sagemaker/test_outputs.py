"""What a job left is believed only where it is what the job says that it made."""

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from ml.hosts.archives import BadArchive, Limits, pack
from ml.hosts.manifest import NAME, BadManifest, Manifest, described, files_below
from ml.pipeline.sagemaker.outputs import read_outputs

FILES = {"history.json": b"[]", "model/weights": b"w" * 100, "model/deep/spec.json": b"{}"}
OF_HISTORY = hashlib.sha256(FILES["history.json"]).hexdigest()


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """A training job's, as it lies in S3."""
    made = tmp_path / "made"
    for name, content in FILES.items():
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_bytes(content)
    Manifest("ml.steps.train", described(files_below(made))).write(made)
    below = tmp_path / "output"
    below.mkdir()
    model = {name.removeprefix("model/"): content for name, content in FILES.items() if "model/" in name}
    data = {"history.json": FILES["history.json"], NAME: (made / NAME).read_bytes()}
    # What somebody put beside our files is not the step's.
    (below / "model.tar.gz").write_bytes(pack({**model, "code/inference.py": b"# served"}))
    (below / "output.tar.gz").write_bytes(pack({**data, "profiler/trace": b"t"}))
    return below


def edited(output: Path, **changes: object) -> None:
    with tarfile.open(output / "output.tar.gz") as archive:
        file = archive.extractfile(NAME)
        assert file is not None
        manifest = json.load(file)
    content = json.dumps({**manifest, **changes}).encode()
    (output / "output.tar.gz").write_bytes(pack({"history.json": b"[]", NAME: content}))


def test_the_files_are_those_that_the_manifest_names(output: Path) -> None:
    files = read_outputs(output, "training")
    assert {name: path.read_bytes() for name, path in files.items()} == FILES


@pytest.mark.parametrize(
    "entry", [{"sha256": "0" * 64, "size": 2}, {"sha256": OF_HISTORY, "size": 3}], ids=["content", "size"]
)
def test_another_content_or_size_is_refused(output: Path, entry: dict[str, object]) -> None:
    edited(output, files={"history.json": entry})
    with pytest.raises(BadManifest, match=r"history.json is not the file that the job made"):
        read_outputs(output, "training")


def test_a_missing_file_is_told(output: Path) -> None:
    (output / "model.tar.gz").unlink()
    with pytest.raises(BadManifest, match="did not arrive"):
        read_outputs(output, "training")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "model/../../outside", ""])
def test_a_manifest_leads_to_no_other_file(output: Path, name: str) -> None:
    (output / "outside").write_bytes(b"[]")
    edited(output, files={name: {"sha256": OF_HISTORY, "size": 2}})
    with pytest.raises(ValueError, match=r"can't be read|is no path"):
        read_outputs(output, "training")


@pytest.mark.parametrize(
    "change", [{"format": 2}, {"files": []}, {"part": "x"}, {"program": None, "files": None}]
)
def test_a_manifest_that_is_none_of_ours_is_told(output: Path, change: dict[str, object]) -> None:
    edited(output, **change)
    with pytest.raises(BadManifest):
        read_outputs(output, "training")


def test_an_archive_beyond_the_limits_is_refused(output: Path) -> None:
    with pytest.raises(BadArchive):
        read_outputs(output, "training", Limits(total_bytes=50))


def test_nothing_at_all_is_a_job_that_did_not_end_well(tmp_path: Path) -> None:
    with pytest.raises(BadManifest, match="did not end well"):
        read_outputs(tmp_path, "processing")


def test_a_link_in_what_was_downloaded_is_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"[]")
    directory = tmp_path / "output"
    directory.mkdir()
    Manifest("p", {"a.json": (OF_HISTORY, 2)}).write(directory)
    (directory / "a.json").symlink_to(secret)
    with pytest.raises(BadManifest, match="did not arrive"):
        read_outputs(directory, "processing")
