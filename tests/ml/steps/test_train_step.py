"""Training on real reviews with the real encoder cut to two layers."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from ml.contract.metrics import MetricLine, parse_line
from ml.contract.outcome import EXIT_STOPPED, StepRefused
from ml.training.checkpoint import NAME as CHECKPOINT
from tests.ml.conftest import Ended, contract

Run = Callable[..., Any]
Arguments = Callable[..., dict[str, str]]


def weights(ended: Ended) -> dict[str, np.ndarray]:
    return load_file(ended.model / "model.safetensors")


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_the_model_directory_explains_itself(trained: Ended, features: Path) -> None:
    spec = json.loads((trained.model / "spec.json").read_text())
    snapshot = json.loads((features / "snapshot.json").read_text())
    assert spec["labels"] == ["-1", "0", "1"]
    assert spec["fields"] == ["text", "title"]
    assert spec["head"] == {
        "kind": "stars",
        "outputs": ["1", "2", "3", "4", "5"],
        "label_of": [0, 0, 1, 2, 2],
    }
    assert spec["tokenizer_sha256"] == snapshot["tokenizer_sha256"]
    assert spec["parameters"]["train_batch_size"] == 32
    config = json.loads((trained.model / "config.json").read_text())
    assert config["id2label"] == {"0": "-1", "1": "0", "2": "1"}
    history = json.loads((trained.output / "history.json").read_text())
    assert history["export_difference"] < 1e-3
    assert (history["rows"], history["steps"], history["best_epoch"]) == (96, 3, 1)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(
    run_step: Run, trained: Ended, features: Path
) -> None:
    assert same(weights(trained), weights(run_step("train", {"features": features})))
    assert not same(weights(trained), weights(run_step("train", {"features": features}, seed=43)))


def test_frozen_layers_stay_as_they_came(trained: Ended, small_encoder: Path) -> None:
    before, after = load_file(small_encoder / "model.safetensors"), weights(trained)
    frozen = "encoder.layer.0.output.dense.weight"
    learning = "encoder.layer.1.output.dense.weight"
    assert np.array_equal(before[frozen], after[f"encoder.{frozen}"])
    assert not np.array_equal(before[learning], after[f"encoder.{learning}"])
    assert np.array_equal(
        before["embeddings.word_embeddings.weight"], after["encoder.embeddings.word_embeddings.weight"]
    )


def test_it_learns_and_reports_what_the_page_shows(
    run_step: Run, features: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_step("train", {"features": features}, epochs=3, learning_rate=3e-4)
    lines = [parse_line(line) for line in capfd.readouterr().out.splitlines()]
    metrics = [line for line in lines if isinstance(line, MetricLine)]
    losses = [line.values["train_loss"] for line in metrics if "train_loss" in line.values]
    assert np.mean(losses[-3:]) < np.mean(losses[:3])
    validated = [line for line in metrics if "val_macro_f1" in line.values]
    assert [line.step for line in validated] == [3, 6, 9]
    assert set(validated[0].values) == {"val_loss", "val_accuracy", "val_macro_f1"}


def test_the_best_epoch_is_kept_not_the_last(run_step: Run, features: Path) -> None:
    """A rate that ruins the model later on: what is kept is what the best validated epoch had."""
    parameters = {"epochs": 4, "learning_rate": 8e-3, "schedule": "constant", "warmup_share": 0.0}
    ended = run_step("train", {"features": features}, **parameters)
    history = json.loads((ended.output / "history.json").read_text())
    scores = [epoch["macro_f1"] for epoch in history["epochs"]]
    best = int(np.argmax(scores))
    assert best < 3, "the rate did not ruin the last epoch, so nothing is shown"
    assert history["best_epoch"] == best + 1
    short = run_step("train", {"features": features}, **{**parameters, "epochs": best + 1})
    assert same(weights(ended), weights(short))


def test_without_validation_the_last_epoch_is_kept(run_step: Run, features: Path) -> None:
    ended = run_step("train", {"features": features}, run_validation=False, epochs=2)
    history = json.loads((ended.output / "history.json").read_text())
    assert (history["epochs"], history["best_epoch"], history["steps"]) == ([], 2, 6)


def test_changed_features_or_another_encoder_are_refused(
    run_step: Run, features: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(features, tmp_path / "features"))
    (copy / "features/test-00000.parquet").unlink()
    with pytest.raises(StepRefused, match="features changed"):
        run_step("train", {"features": copy})
    with pytest.raises(StepRefused, match="made for the encoder"):
        run_step("train", {"features": features}, encoder="bundled")


def start(root: Path, features: Path, arguments: dict[str, str]) -> subprocess.Popen[str]:
    environment = os.environ | contract(root, {"features": features}, arguments, root / "checkpoints")
    command = [sys.executable, "-m", "ml.steps.train"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_stopped_in_mid_training_it_resumes_to_the_very_same_model(
    arguments_of: Arguments, features: Path, tmp_path: Path, run_step: Run
) -> None:
    parameters = {"epochs": 3, "learning_rate": 3e-4, "dropout": 0.1}
    arguments = arguments_of("train", **parameters)
    process = start(tmp_path, features, arguments)
    assert process.stdout is not None
    for line in process.stdout:
        if isinstance(found := parse_line(line), MetricLine) and found.step >= 4:
            break
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == EXIT_STOPPED
    assert not (tmp_path / "model/model.safetensors").exists()
    assert (tmp_path / "checkpoints" / CHECKPOINT).exists()

    resumed = start(tmp_path, features, arguments)
    output, _ = resumed.communicate()
    assert resumed.returncode == 0
    assert "resumed from a checkpoint" in output
    steps = [line.step for line in map(parse_line, output.splitlines()) if isinstance(line, MetricLine)]
    assert min(steps) > 4
    whole = run_step("train", {"features": features}, **parameters)
    assert same(weights(whole), load_file(tmp_path / "model/model.safetensors"))


def test_a_checkpoint_of_other_settings_or_a_damaged_one_is_not_taken_up(
    run_step: Run, features: Path, trained: Ended, capfd: pytest.CaptureFixture[str]
) -> None:
    other = run_step("train", {"features": features}, seed=43, checkpoints=trained.checkpoints)
    file = other.checkpoints / CHECKPOINT
    file.write_bytes(file.read_bytes()[:1000])
    run_step("train", {"features": features}, seed=43, checkpoints=other.checkpoints)
    assert "resumed" not in capfd.readouterr().out
