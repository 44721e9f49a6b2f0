import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ml.serving.predictor import BrokenModel, Predictor, ReviewInput
from tests.ml.conftest import Ended
from tests.trained_network import score_reviews

REVIEWS = [
    ReviewInput("Absolutely wonderful, fits like a glove.", "Love it"),
    ReviewInput("Returned it."),
    ReviewInput("The seams came apart after one wash and the colour ran. " * 12, "Terrible"),
    ReviewInput("ok"),
]


@pytest.fixture(scope="module")
def predictor(trained: Ended) -> Predictor:
    return Predictor.load(trained.model)


def test_scores_are_those_of_the_trained_network(predictor: Predictor, trained: Ended) -> None:
    expected = score_reviews(trained.model, [(review.title, review.text) for review in REVIEWS])
    for prediction, scores in zip(predictor.predict(REVIEWS), expected, strict=True):
        assert prediction.scores == pytest.approx(scores, abs=1e-3)
        assert sum(prediction.scores.values()) == pytest.approx(1)
        assert prediction.label == max(scores, key=lambda label: scores[label])


def test_one_by_one_or_together_is_the_same_and_the_order_is_kept(predictor: Predictor) -> None:
    together = predictor.predict(REVIEWS * 20)
    alone = [predictor.predict([review])[0] for review in REVIEWS]
    for index, prediction in enumerate(together):
        assert prediction.scores == pytest.approx(alone[index % 4].scores, abs=1e-5)


def test_a_cut_review_says_so_with_its_whole_length(predictor: Predictor) -> None:
    short, _, long, _ = predictor.predict(REVIEWS)
    assert (short.truncated, long.truncated, long.limit) == (False, True, 48)
    assert long.tokens > 100 > short.tokens


def test_nothing_to_predict_gives_nothing(predictor: Predictor) -> None:
    assert predictor.predict([]) == []


def test_another_tokenizer_is_refused(trained: Ended, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(trained.model, tmp_path / "model"))
    tokenizer = json.loads((copy / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(BrokenModel, match="tokenizer"):
        Predictor.load(copy)


@pytest.mark.parametrize("damage", ["missing", "cut", "empty"])
def test_a_damaged_export_is_refused(trained: Ended, tmp_path: Path, damage: str) -> None:
    copy = Path(shutil.copytree(trained.model, tmp_path / "model"))
    onnx = copy / "model.onnx"
    content = onnx.read_bytes()
    onnx.unlink()
    if damage != "missing":
        onnx.write_bytes(content[:5000] if damage == "cut" else b"")
    with pytest.raises(BrokenModel, match=r"(?i)onnx"):
        Predictor.load(copy)


def test_the_web_process_predicts_without_the_machine_learning_stack() -> None:
    heavy = ["torch", "transformers", "sklearn", "pandas", "scipy"]
    program = (
        "import sys, ml.serving.predictor, ml.pipeline.review_classifier, ml.pipeline.resolve\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
