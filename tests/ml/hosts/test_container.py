"""The host in the container, on programs that do as they are told."""

import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.core.storage import Tree
from app.runs.spec import StepSpec
from ml.contract.environment import ALLOWED
from ml.contract.outcome import EXIT_FAILED, EXIT_REFUSED, EXIT_STOPPED
from ml.hosts.manifest import BadManifest
from ml.pipeline.definition import Job
from ml.pipeline.sagemaker.bundle import ABOUT, ARCHIVE, Bundle, build_bundle
from ml.pipeline.sagemaker.outputs import read_outputs
from tests.programs.container import Container, repacked
from tests.programs.pipelines import PIPELINES, TOY
from workers.environment import Layout, program_environment

KINDS: tuple[Job, ...] = ("processing", "training")
SHARD = "tests.programs.shard"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
PATIENCE_SECONDS = 60.0

Make = Callable[..., Container]


@pytest.fixture
def container(tmp_path: Path) -> Make:
    def make(kind: Job, program: str = TOY, host: int = 1, hosts: int = 1, name: str = "job") -> Container:
        return Container(tmp_path / f"{name}-{host}", kind, program, host, hosts)

    return make


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    directory = tmp_path / "reviews"
    directory.mkdir()
    (directory / "reviews.txt").write_text(LETTERS)
    return directory


@pytest.fixture(scope="module")
def shard_bundle() -> Bundle:
    return build_bundle(SHARD, PIPELINES)


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


def test_its_world_is_that_of_a_workers_attempt(container: Make, channel: Path, tmp_path: Path) -> None:
    job = container("training")
    assert job.run(job.lay_out({"dataset": channel}, {"value": "{}"})).returncode == 0
    seen = read_outputs(job.uploaded(tmp_path / "s3"), "training")["environment.txt"].read_text().split()
    layout, spec = Layout.of(tmp_path, "stp", 1), StepSpec(program=TOY, arguments={"value": "{}"})
    inputs = {"dataset": Tree("", ())}
    attempts = program_environment(Settings(home=tmp_path), layout, spec, inputs, cores=1)
    of_the_machine = {*ALLOWED, "LC_CTYPE"}  # Python itself sets that where it finds no locale
    # The worker's attempt adds the path of our code and the name of the job, too.
    service = {"PYTHONPATH", "SM_HP_VALUE", "SM_HOSTS", "SM_CURRENT_HOST"}
    assert set(seen) - of_the_machine == (set(attempts) | service) - of_the_machine


def test_hyperparameters_come_raw_or_encoded(container: Make, channel: Path, tmp_path: Path) -> None:
    job = container("training")
    given = {"ticks": '"2"', "value": '"said"', "sagemaker_program": '"train.py"'}
    assert job.run(job.lay_out({"dataset": channel}, given)).returncode == 0
    files = read_outputs(job.uploaded(tmp_path / "s3"), "training")
    assert files["value.json"].read_text() == "said"
    assert "SM_HP_SAGEMAKER_PROGRAM" not in files["environment.txt"].read_text()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("behaviour", "code", "reason"),
    [
        ("refuse", EXIT_REFUSED, "The data are not good.\nSend better data."),
        ("crash", EXIT_FAILED, "ValueError: a defect\nThe log has the whole trace."),
        ("die", 128 + signal.SIGKILL, "The program ended with the exit code 137.\nIts log has more."),
        ("exit 3", 3, "The program ended with the exit code 3.\nIts log has more."),
    ],
)
def test_why_a_program_failed_stands_where_the_service_looks(
    container: Make, tmp_path: Path, kind: Job, behaviour: str, code: int, reason: str
) -> None:
    job = container(kind)
    done = job.run(job.lay_out({}, {"behaviour": behaviour}))
    assert (done.returncode, job.reason()) == (code, reason)
    with pytest.raises(ValueError, match=r"did not end well|did not arrive"):
        read_outputs(job.uploaded(tmp_path / "s3"), kind)


def test_a_stop_reaches_the_program_and_the_next_try_goes_on_from_its_checkpoint(
    container: Make, tmp_path: Path
) -> None:
    first, second = container("training"), container("training", name="again")
    arguments = {"ticks": "1000", "seconds": "0.05"}
    process = subprocess.Popen(first.lay_out({}, arguments), env=first.environment(), cwd=first.root)
    checkpoint = first.ml / "checkpoints/tick"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_SECONDS) == EXIT_STOPPED
    assert first.reason() == ""
    reached = int(checkpoint.read_text())
    command = second.lay_out({}, {"ticks": str(reached + 1), "seconds": "0"})
    (second.ml / "checkpoints/tick").write_text(str(reached))
    done = second.run(command)
    assert done.returncode == 0
    assert f"resumed at tick {reached}" in done.stdout


def test_instances_do_a_share_each_and_the_next_job_gets_the_whole(
    container: Make, channel: Path, tmp_path: Path, shard_bundle: Bundle
) -> None:
    shares = [container("processing", SHARD, host, 3) for host in (1, 2, 3)]
    for job in shares:
        done = job.run(job.lay_out({"dataset": channel}, {"ticks": "0", "told": ""}, shard_bundle))
        assert done.returncode == 0, done.stdout
        job.uploaded(tmp_path / "s3")
    after = container("processing", name="after")
    command = after.lay_out({"merged": tmp_path / "s3"}, {}, build_bundle(TOY, PIPELINES))
    done = after.run(command)
    assert done.returncode == 0, done.stdout
    seen = read_outputs(after.uploaded(tmp_path / "seen"), "processing")["seen.txt"].read_text()
    assert seen == repr([("merged/merged.txt", LETTERS)])
    assert read_outputs(tmp_path / "s3", "processing")["merged.txt"].read_text() == LETTERS
    (tmp_path / "s3/part-2/fittingroom.json").unlink()
    with pytest.raises(BadManifest, match="did not end well"):
        read_outputs(tmp_path / "s3", "processing")
    shutil.rmtree(tmp_path / "s3/part-2")
    with pytest.raises(BadManifest, match="2 parts of an output that has 3"):
        read_outputs(tmp_path / "s3", "processing")


def test_what_cannot_be_divided_is_not_done_twice(container: Make) -> None:
    job = container("processing", TOY, 2, 2)
    done = job.run(job.lay_out({}, {}))
    assert done.returncode == EXIT_REFUSED
    assert "can't be divided among 2 instances" in job.reason()


def test_an_input_that_is_not_what_its_job_made_is_refused(
    container: Make, channel: Path, tmp_path: Path
) -> None:
    before, after = container("processing"), container("training", name="after")
    assert before.run(before.lay_out({"dataset": channel}, {})).returncode == 0
    output = before.uploaded(tmp_path / "s3")
    (output / "value.json").write_text("another")
    done = after.run(after.lay_out({"features": output}, {}))
    assert done.returncode == EXIT_REFUSED
    assert after.reason() == "value.json is not the file that the job made."


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_lacks_a_module_says_so(container: Make, kind: Job) -> None:
    bundle = build_bundle(TOY)
    about = {"program": TOY, "merge": "", "requirements": {"no_such_module": "fittingroom-has-no-such==1"}}
    lacking = Bundle("", {**bundle.files, ARCHIVE: repacked(bundle, {ABOUT: json.dumps(about).encode()})})
    job = container(kind)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        index = f"http://127.0.0.1:{closed.getsockname()[1]}/simple"
        quiet = {"PIP_INDEX_URL": index, "PIP_RETRIES": "0", "PIP_CONFIG_FILE": "/dev/null"}
        done = job.run(job.lay_out({}, {}, lacking), **quiet)
    assert done.returncode == EXIT_REFUSED
    assert job.reason().startswith(
        "The image lacks fittingroom-has-no-such==1, and they could not be installed.\n"
        "In a network without internet, use an image that has them"
    )


def test_a_bundle_of_another_program_is_refused(container: Make) -> None:
    job = container("processing")
    command = job.lay_out({}, {})
    done = job.run([*command[:2], "tests.programs.stamp"])
    assert done.returncode == EXIT_REFUSED
    assert "The bundle is that of tests.programs.toy" in job.reason()


def test_a_damaged_bundle_says_so(container: Make) -> None:
    job = container("training")
    command = job.lay_out({}, {})
    archive = job.code / ARCHIVE
    archive.write_bytes(archive.read_bytes()[:500])
    assert job.run(command).returncode != 0
    assert job.reason().startswith("The code could not be unpacked")
