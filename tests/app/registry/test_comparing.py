from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.core.services import Services
from app.registry.comparison import compare
from app.registry.tables import ModelVersion
from app.registry.wording import brief
from app.runs.compare import predictions
from ml.evaluation.proportion import mcnemar, paired_interval

LABELS = ["-1", "0", "1"]


def version(
    services: Services, directory: Path, number: int, answers: list[tuple[str, str, str]]
) -> ModelVersion:
    """A version of which only the predictions and the test reviews exist."""
    directory.mkdir()
    rows = [
        {
            "review_id": key,
            "label": truth,
            "predicted": said,
            **{f"p_{label}": 0.9 if label == said else 0.05 for label in LABELS},
        }
        for key, truth, said in answers
    ]
    pq.write_table(pa.Table.from_pylist(rows), directory / "predictions.parquet")
    texts = [{"review_id": key, "text": f"the review {key}", "title": None} for key, _, _ in answers]
    pq.write_table(pa.Table.from_pylist(texts), directory / "test-0.parquet")
    file = services.storage.put_file(directory / "predictions.parquet")
    tree = services.storage.put_tree({"features/test-0.parquet": directory / "test-0.parquet"})
    entry = {"path": "predictions.parquet", "sha256": file.sha256, "size": file.size}
    right = sum(truth == said for _, truth, said in answers) / max(1, len(answers))
    metric: dict[str, Any] = {"value": right, "low": right - 0.1, "high": right + 0.1, "n": len(answers)}
    per_class = {label: {"recall": metric, "f1": metric, "support": 50} for label in LABELS}
    return ModelVersion(
        number=number,
        labels=LABELS,
        evidence={"evaluation": {"predictions": entry}, "features": {"tree_sha256": tree.sha256}},
        evaluation={
            "metrics": {"accuracy": metric, "macro_f1": metric, "ece": metric, "per_class": per_class}
        },
    )


def keyed(count: int, said: list[str]) -> list[tuple[str, str, str]]:
    """The truth is always "1"; ``said`` are the answers in turn."""
    return [(f"r{number}", "1", said[number % len(said)]) for number in range(count)]


def test_changes_are_counted_on_the_same_reviews(services: Services, tmp_path: Path) -> None:
    today = version(services, tmp_path / "a", 1, keyed(400, ["0", "1", "0", "1"]))
    candidate = version(services, tmp_path / "b", 2, keyed(400, ["1", "1", "-1", "0"]))
    found = compare(services.storage, candidate, today)
    changes = found.changes
    assert changes is not None
    assert (changes.n, changes.gained, changes.lost, changes.other) == (400, 100, 100, 100)
    assert changes.value == 0
    assert changes.low < 0 < changes.high
    assert [group.total for group in found.groups] == [100, 100, 100]
    shown = [example for group in found.groups for example in group.examples]
    assert 8 <= len(shown) <= 12
    assert all(example.text == f"the review {example.review_id}" for example in shown)
    assert {(example.today, example.predicted) for example in found.groups[0].examples} == {("0", "1")}
    assert shown[0].sure == pytest.approx(0.9)


def test_a_clear_gain_is_called_better_and_a_clear_loss_worse(services: Services, tmp_path: Path) -> None:
    weak = version(services, tmp_path / "a", 1, keyed(400, ["0", "1"]))
    strong = version(services, tmp_path / "b", 2, keyed(400, ["1", "1", "1", "0"]))
    better = brief(strong, weak, compare(services.storage, strong, weak)).verdict
    assert better.sentence.startswith("Yes, it is better than today’s model. Of 400 reviews")
    worse = brief(weak, strong, compare(services.storage, weak, strong)).verdict
    assert worse.sentence.startswith("No, it is worse than today’s model.")


def test_versions_tested_on_other_reviews_are_not_compared(services: Services, tmp_path: Path) -> None:
    today = version(services, tmp_path / "a", 1, keyed(100, ["1"]))
    other = [(f"other-{key}", truth, said) for key, truth, said in keyed(100, ["1", "0"])]
    candidate = version(services, tmp_path / "b", 2, other)
    found = compare(services.storage, candidate, today)
    assert found.changes is None
    assert {group.kind: group.total for group in found.groups} == {"wrong": 50, "right": 50}
    assert "different reviews" in brief(candidate, today, found).verdict.more


def test_equal_ids_do_not_multiply(services: Services, tmp_path: Path) -> None:
    same = [("007", "1", "0")] * 20_000 + keyed(90, ["1"])
    today = version(services, tmp_path / "a", 1, same)
    candidate = version(services, tmp_path / "b", 2, same)
    found = compare(services.storage, candidate, today)
    assert found.changes is None  # hardly any review can be told from the others
    assert {group.kind: (group.total, len(group.examples)) for group in found.groups} == {
        "wrong": (20_000, 0),
        "right": (90, 2),
    }


def test_no_more_rows_are_read_than_the_limit(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictions, "ROW_LIMIT", 50)
    candidate = version(services, tmp_path / "a", 1, keyed(400, ["1", "0"]))
    found = compare(services.storage, candidate, None)
    assert sum(group.total for group in found.groups) == 50


def test_chance_is_mcnemars_exact_one() -> None:
    assert mcnemar(0, 0) == 1
    assert mcnemar(5, 0) == pytest.approx(2 / 32)
    assert mcnemar(38, 21) == pytest.approx(0.0361, abs=0.001)
    assert mcnemar(700, 600) == pytest.approx(0.0060, abs=0.001)  # the normal form, beyond a thousand


def test_the_interval_of_a_paired_change_holds_its_value() -> None:
    value, low, high = paired_interval(1133, 38, 21)
    assert value == pytest.approx(17 / 1133)
    assert low < value < high
    assert 0 < low < 0.003
    assert paired_interval(100, 0, 0)[1] < 0 < paired_interval(100, 0, 0)[2]
