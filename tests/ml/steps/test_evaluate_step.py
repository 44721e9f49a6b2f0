import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from ml.contract.outcome import StepRefused
from tests.ml.conftest import Ended, import_csv
from tests.trained_network import score_reviews

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def evaluated(run_step: Run, trained: Ended, features: Path) -> Path:
    ended = run_step("evaluate", {"model": trained.model, "features": features})
    return Path(ended.output)


@pytest.fixture(scope="module")
def evaluation(evaluated: Path) -> Any:
    return json.loads((evaluated / "evaluation.json").read_text())


def test_the_figures_follow_from_the_predictions(evaluated: Path, evaluation: Any) -> None:
    rows = pq.read_table(evaluated / "predictions.parquet")
    columns = ["review_id", "row", "label", "category", "title", "text", "predicted", "baseline"]
    assert rows.column_names == [*columns, "p_-1", "p_0", "p_1"]
    truth, predicted = rows["label"].to_pylist(), rows["predicted"].to_pylist()
    labels = ["-1", "0", "1"]
    metrics = evaluation["metrics"]
    assert metrics["accuracy"]["value"] == pytest.approx(accuracy_score(truth, predicted))
    macro = f1_score(truth, predicted, labels=labels, average="macro", zero_division=0)
    assert metrics["macro_f1"]["value"] == pytest.approx(macro)
    expected = confusion_matrix(truth, predicted, labels=labels).tolist()
    assert evaluation["confusion"] == {"labels": labels, "rows_are": "truth", "matrix": expected}
    probabilities = np.stack([rows[f"p_{label}"].to_numpy() for label in labels], 1)
    assert probabilities.sum(1) == pytest.approx(np.ones(len(truth)))
    assert [labels[index] for index in probabilities.argmax(1)] == predicted


def test_every_figure_has_an_interval_and_n_and_stands_beside_the_baseline(evaluation: Any) -> None:
    for side in ("metrics", "baseline"):
        for name in ("accuracy", "macro_f1", "ece"):
            figure = evaluation[side][name]
            assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1 or name == "ece"
            assert figure["n"] == evaluation["n"]
        assert set(evaluation[side]["per_class"]) == {"-1", "0", "1"}
    assert evaluation["difference"]["macro_f1"]["paired"] is True
    assert "TF-IDF baseline" in evaluation["verdict"]
    assert evaluation["truncated"]["limit"] == 48
    assert 0 < evaluation["truncated"]["rows"] < evaluation["n"]
    assert sum(part["n"] for part in evaluation["reliability"]) == evaluation["n"]


def test_the_baseline_learns_from_all_training_rows(evaluation: Any, features: Path) -> None:
    parts = json.loads((features / "snapshot.json").read_text())["parts"]
    assert parts["rest"]["rows"] > 0
    assert evaluation["baseline_description"]["rows"] == parts["train"]["rows"] + parts["rest"]["rows"]


def test_what_is_served_scores_as_the_trained_network(
    trained: Ended, evaluated: Path, features: Path
) -> None:
    test = pq.read_table(features / "features/test-00000.parquet").slice(0, 12).to_pylist()
    served = pq.read_table(evaluated / "predictions.parquet").slice(0, 12).to_pylist()
    scores = score_reviews(trained.model, [(row["title"], row["text"]) for row in test])
    for one, other in zip(scores, served, strict=True):
        assert [one["-1"], one["0"], one["1"]] == pytest.approx(
            [other["p_-1"], other["p_0"], other["p_1"]], abs=1e-3
        )


def test_a_model_of_other_features_is_refused(run_step: Run, trained: Ended, small_dataset: Path) -> None:
    others = run_step("prepare", {"dataset": small_dataset}, seed=7).output
    with pytest.raises(StepRefused, match="other features"):
        run_step("evaluate", {"model": trained.model, "features": others})


def test_shuffled_ratings_teach_nothing_and_the_gates_margin_says_so(
    run_step: Run, small_dataset: Path, tmp_path: Path
) -> None:
    table = pq.read_table(small_dataset / "reviews-00000.parquet")
    order = np.random.default_rng(5).permutation(table.num_rows)
    for name in ("label", "rating"):
        table = table.set_column(
            table.column_names.index(name), table.schema.field(name), table[name].take(order)
        )
    shuffled = tmp_path / "shuffled"
    shuffled.mkdir()
    pq.write_table(table, shuffled / "reviews-00000.parquet")
    (shuffled / "version.json").write_bytes((small_dataset / "version.json").read_bytes())
    parameters = {"balance_dataset": True, "train_rows": "all", "prior_correction": 0.0}
    parameters |= {"train_split_percentage": 0.6, "test_split_percentage": 0.3}
    features = run_step("prepare", {"dataset": shuffled}, **parameters).output
    trained = run_step("train", {"features": features}, **parameters)
    ended = run_step("evaluate", {"model": trained.model, "features": features}, **parameters)
    evaluation = json.loads((ended.output / "evaluation.json").read_text())
    assert evaluation["metrics"]["macro_f1"]["value"] < 0.4
    assert evaluation["chance"]["macro_f1_margin"] < 0


def test_labels_of_their_own_need_no_ratings(run_step: Run, small_csv: Path, tmp_path: Path) -> None:
    """Four classes from a column of labels: the stars head gives way to the labels themselves."""
    with small_csv.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Review Text"] and row["Department Name"]]
    kept = [row for row in rows if row["Department Name"] in ("Tops", "Dresses", "Bottoms", "Intimate")]
    path = tmp_path / "departments.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([row["Review Text"], row["Department Name"]] for row in kept)
    dataset = import_csv(path, tmp_path / "departments")
    features = run_step("prepare", {"dataset": dataset}).output
    trained = run_step("train", {"features": features})
    spec = json.loads((trained.model / "spec.json").read_text())
    assert spec["head"]["kind"] == "label"
    ended = run_step("evaluate", {"model": trained.model, "features": features})
    evaluation = json.loads((ended.output / "evaluation.json").read_text())
    assert evaluation["labels"] == ["Bottoms", "Dresses", "Intimate", "Tops"]
    assert np.array(evaluation["confusion"]["matrix"]).shape == (4, 4)
