"""The host in the container, on programs that do as they are told."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ml.pipeline.definition import Job
from ml.pipeline.sagemaker.outputs import read_outputs
from tests.programs.container import Container
from tests.programs.pipelines import TOY

KINDS: tuple[Job, ...] = ("processing", "training")
PATIENCE_SECONDS = 60.0

Make = Callable[..., Container]


@pytest.fixture
def container(tmp_path: Path) -> Make:
    def make(kind: Job, program: str = TOY, host: int = 1, hosts: int = 1) -> Container:
        return Container(tmp_path / f"host-{host}", kind, program, host, hosts)

    return make


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    directory = tmp_path / "reviews"
    directory.mkdir()
    (directory / "reviews.txt").write_text("abcdefghijklmnopqrstuvwxyz")
    return directory


@pytest.mark.parametrize("kind", KINDS)
def test_a_program_sees_its_inputs_and_parameters_and_leaves_a_described_artifact(
    container: Make, channel: Path, tmp_path: Path, kind: Job
) -> None:
    job = container(kind)
    long = json.dumps({"text": "x" * 600})
    done = job.run(job.lay_out({"dataset": channel}, {"value": long, "ticks": "2"}), SECRET="no")
    assert done.returncode == 0, done.stdout
    assert "[metric] step=1 loss=0.5" in done.stdout
    files = read_outputs(job.uploaded(tmp_path / "s3"), kind)
    assert set(files) == {
        "devices.txt",
        "environment.txt",
        "model/weights.txt",
        "seen.txt",
        "value.json",
    }
    assert files["value.json"].read_text() == long
    assert "dataset/reviews.txt" in files["seen.txt"].read_text()
    seen = files["environment.txt"].read_text().split()
    assert {"SM_CHANNEL_DATASET", "SM_HPS", "SM_HP_VALUE", "SM_HOSTS", "SM_CHECKPOINT_DIR"} <= set(seen)
    assert "SECRET" not in seen
    assert job.reason() == ""
