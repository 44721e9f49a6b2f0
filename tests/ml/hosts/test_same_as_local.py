"""The steps as a worker's attempt runs them and as a job's container does: the same files to the byte.

Both ways run the programs as processes on real reviews. The local way takes its directories and environment
from the workers' own code; the other is an ``/opt/ml`` made by hand, the code from its bundle, and the
output read back as a worker does.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from app.core.settings import Settings
from app.core.storage import StoredFile, Tree
from app.core.storage.trees import tree_of
from app.runs.spec import StepSpec
from ml.features.composition import ReviewInput
from ml.hosts.archives import unpack
from ml.hosts.manifest import NAME, sha256_of
from ml.pipeline.definition import Job, ProgramStep
from ml.pipeline.program import ROOT
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER
from ml.pipeline.sagemaker.outputs import read_outputs
from ml.serving.predictor import Predictor
from tests.programs.container import Container
from workers.environment import Layout, program_environment

Files = dict[str, Path]
Arguments = Callable[..., dict[str, str]]


class BothWays:
    """``run("train", {"features": ("prepare", "")})`` does a step here and there, each on its own way's
    inputs; what it left is in ``local`` and ``cloud``."""

    def __init__(self, root: Path, dataset: Path, arguments_of: Arguments) -> None:
        self.root = root
        self.inputs: dict[str, tuple[Path, Path]] = {"dataset": (dataset, dataset)}
        self.local: dict[str, Files] = {}
        self.cloud: dict[str, Files] = {}
        self._arguments_of = arguments_of

    def run(self, step: str, channels: Mapping[str, str], hosts: int = 1) -> None:
        program = REVIEW_CLASSIFIER.step(step)
        assert isinstance(program, ProgramStep)
        arguments = self._arguments_of(step)
        here = {name: self.inputs[source][0] for name, source in channels.items()}
        there = {name: self.inputs[source][1] for name, source in channels.items()}
        self.local[step] = run_locally(self.root / "local" / step, program.program, here, arguments)
        uploaded = run_in_containers(
            self.root / "cloud" / step, program.job, program.program, there, arguments, hosts
        )
        # The next job gets what this one uploaded; the worker gets the files of the artifact.
        self.cloud[step] = read_outputs(copied(uploaded, self.root / "back" / step), program.job)
        self.inputs[step] = laid_out(self.local[step], self.root / "in" / step), uploaded

    def hand_on_the_model(self) -> None:
        """Evaluation gets the directory ``model`` of an artifact here and the archive there."""
        local, uploaded = self.inputs["train"]
        archive = self.root / "archive"
        archive.mkdir()
        (archive / "model.tar.gz").hardlink_to(uploaded / "model.tar.gz")
        self.inputs["model"] = local / "model", archive


def run_locally(
    root: Path, program: str, channels: Mapping[str, Path], arguments: Mapping[str, str]
) -> Files:
    layout = Layout(root, root / "1")
    layout.make()
    for name, path in channels.items():
        layout.channel(name).parent.mkdir(exist_ok=True)
        layout.channel(name).symlink_to(path)
    spec = StepSpec(program=program, arguments=arguments)
    inputs = {name: Tree("", ()) for name in channels}
    environment = program_environment(Settings(home=root / "home"), layout, spec, inputs, cores=1)
    done = subprocess.run(
        [sys.executable, "-P", "-m", program],
        env={**environment, "PYTHONPATH": str(ROOT)},
        cwd=layout.root,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return layout.produced()


def run_in_containers(
    root: Path,
    kind: Job,
    program: str,
    channels: Mapping[str, Path],
    arguments: Mapping[str, str],
    hosts: int,
) -> Path:
    for host in range(1, hosts + 1):
        job = Container(root / f"host-{host}", kind, program, host, hosts)
        done = job.run(job.lay_out(channels, arguments))
        assert done.returncode == 0, done.stdout
        job.uploaded(root / "s3")
    return root / "s3"


def laid_out(files: Files, into: Path) -> Path:
    for name, path in files.items():
        (into / name).parent.mkdir(parents=True, exist_ok=True)
        (into / name).hardlink_to(path)
    return into


def copied(source: Path, into: Path) -> Path:
    return laid_out(
        {str(path.relative_to(source)): path for path in source.rglob("*") if path.is_file()}, into
    )


def address_of(files: Files) -> str:
    stored = [StoredFile(name, sha256_of(path), path.stat().st_size) for name, path in files.items()]
    return tree_of(stored).sha256


@pytest.fixture(scope="module")
def both(small_dataset: Path, arguments_of: Arguments, tmp_path_factory: pytest.TempPathFactory) -> BothWays:
    both = BothWays(tmp_path_factory.mktemp("both"), small_dataset, arguments_of)
    both.run("prepare", {"dataset": "dataset"}, hosts=2)
    both.run("train", {"features": "prepare"})
    both.hand_on_the_model()
    both.run("evaluate", {"model": "model", "features": "prepare"})
    return both


@pytest.mark.parametrize("step", ["prepare", "train", "evaluate"])
def test_what_a_job_leaves_is_what_an_attempt_leaves(both: BothWays, step: str) -> None:
    local, cloud = both.local[step], both.cloud[step]
    assert set(local) == set(cloud)
    assert [name for name in local if sha256_of(local[name]) != sha256_of(cloud[name])] == []
    assert address_of(local) == address_of(cloud)


def test_the_figures_are_the_same(both: BothWays) -> None:
    here, there = both.local["evaluate"]["evaluation.json"], both.cloud["evaluate"]["evaluation.json"]
    assert here.read_bytes() == there.read_bytes()


def test_two_instances_made_a_part_each(both: BothWays) -> None:
    uploaded = both.inputs["prepare"][1]
    assert sorted(path.name for path in uploaded.iterdir()) == ["part-1", "part-2"]
    assert (uploaded / "part-2" / NAME).is_file()


SERVE = """
import sys
sys.path.insert(0, "code")
import inference
model = inference.model_fn(".")
asked = inference.input_fn('{"features": ["It is torn and itchy"]}', "application/jsonlines")
print(inference.output_fn(inference.predict_fn(asked, model), "")[0])
"""


def test_the_models_archive_can_be_served_as_it_is(both: BothWays, tmp_path: Path) -> None:
    """A pipeline there registers it without our having seen it."""
    unpack(both.inputs["train"][1] / "model.tar.gz", tmp_path)
    done = subprocess.run([sys.executable, "-c", SERVE], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (own,) = Predictor.load(both.inputs["train"][0] / "model").predict([ReviewInput("It is torn and itchy")])
    assert answer == {"probability": own.scores[own.label], "predicted_label": int(own.label)}
    assert {"serve.py", "requirements.txt", "version.json"} <= {
        path.name for path in (tmp_path / "code").iterdir()
    }
