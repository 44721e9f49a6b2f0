"""What travels between a caller and a model that is served by itself: our JSON and the labs' JSON Lines.

The limits are those of the product's own endpoints, and so are the refusals: a place and what is wrong there.
Only the standard library and the predictor: a container starts with nothing else of ours.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.features.composition import ReviewInput
from ml.serving.predictor import Prediction

JSON = "application/json"
JSON_LINES = "application/jsonlines"
TEXT_LIMIT = 20_000
TITLE_LIMIT = 1_000
INPUT_LIMIT = 64
BODY_LIMIT = 6 * 1024 * 1024  # what SageMaker takes for one invocation


class NotReadable(ValueError):
    """The text says where and what, for whoever wrote the body."""


@dataclass(frozen=True)
class Asked:
    """``lines`` is whether it came as JSON Lines, and is answered so."""

    inputs: Sequence[ReviewInput]
    lines: bool
    top_k: int | None = None
    threshold: float | None = None


def read_json(body: bytes) -> Asked:
    """``{"inputs": ["text", {"text": …, "title": …}], "parameters": {"top_k": 3, "threshold": 0.7}}``"""
    content = _json(body, "the body")
    if not isinstance(content, dict) or not isinstance(content.get("inputs"), list):
        raise NotReadable("the body is an object with a list of inputs")
    if unknown := content.keys() - {"inputs", "parameters", "metadata"}:
        raise NotReadable(f"{min(unknown)}: there is no such member; there are inputs and parameters")
    inputs = [_review(one, f"inputs.{place}") for place, one in enumerate(content["inputs"])]
    return Asked(_counted(inputs), False, *_parameters(content.get("parameters") or {}))


def read_lines(body: bytes) -> Asked:
    """As the labs ask: ``{"features": ["text"]}`` on each line, or text and title."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotReadable(f"the body is not UTF-8: byte {error.start}") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return Asked(_counted([_features(line, number) for number, line in lines]), True)


def _features(line: str, number: int) -> ReviewInput:
    place = f"line {number}"
    content = _json(line.encode(), place)
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or len(features) not in (1, 2):
        raise NotReadable(f'{place}: it is {{"features": ["text"]}}, or ["text", "title"]')
    return _input(*features, place=place)


def _review(given: object, place: str) -> ReviewInput:
    if isinstance(given, str):
        return _input(given, place=f"{place}.text")
    if not isinstance(given, dict) or "text" not in given or given.keys() - {"text", "title"}:
        raise NotReadable(f"{place}: it is a text, or an object with text and title")
    return _input(given["text"], given.get("title"), place=f"{place}.text")


def _input(text: object, title: object = None, *, place: str) -> ReviewInput:
    if not isinstance(text, str) or not isinstance(title, str | None):
        raise NotReadable(f"{place}: text and title are texts")
    if not text.strip():
        raise NotReadable(f"{place}: the text is empty")
    if len(text) > TEXT_LIMIT or len(title or "") > TITLE_LIMIT:
        raise NotReadable(f"{place}: {TEXT_LIMIT:,} characters of text and {TITLE_LIMIT:,} of title at most")
    return ReviewInput(text, title)


def _counted(inputs: Sequence[ReviewInput]) -> Sequence[ReviewInput]:
    if not 1 <= len(inputs) <= INPUT_LIMIT:
        raise NotReadable(f"there are {len(inputs):,} reviews, and 1 to {INPUT_LIMIT} at a time are read")
    return inputs


def _parameters(given: object) -> tuple[int | None, float | None]:
    if not isinstance(given, dict) or given.keys() - {"top_k", "threshold"}:
        raise NotReadable("parameters: there are top_k and threshold")
    top_k, threshold = given.get("top_k"), given.get("threshold")
    if top_k is not None and (type(top_k) is not int or not 1 <= top_k <= 100):
        raise NotReadable("parameters.top_k: a whole number from 1 to 100")
    if threshold is not None and (type(threshold) not in (int, float) or not 0 <= threshold <= 1):
        raise NotReadable("parameters.threshold: a number from 0 to 1")
    return top_k, threshold


def _json(body: bytes, place: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotReadable(f"{place}: it is no JSON") from None


def written(asked: Asked, predictions: Sequence[Prediction], model: Mapping[str, Any]) -> tuple[bytes, str]:
    """The answer and its content type. Numbers keep every bit: they are written as Python reads them."""
    if asked.lines:
        return b"".join(json.dumps(_line(each)).encode() + b"\n" for each in predictions), JSON_LINES
    answer = {"model": dict(model), "predictions": [_answer(each, asked) for each in predictions]}
    return json.dumps(answer).encode(), JSON


def _line(prediction: Prediction) -> dict[str, Any]:
    """As the labs answer; labels made from ratings are numbers there."""
    label = prediction.label
    number = label.removeprefix("-").isdecimal() and label.isascii()
    return {
        "probability": prediction.scores[label],
        "predicted_label": int(label) if number else label,
    }


def _answer(prediction: Prediction, asked: Asked) -> dict[str, Any]:
    """As the product's own endpoints answer; ``limit`` says how many of the tokens the model reads."""
    scores = sorted(prediction.scores.items(), key=lambda pair: -pair[1])
    return {
        "label": scores[0][0],
        "score": scores[0][1],
        "scores": [{"label": name, "score": value} for name, value in scores[: asked.top_k]],
        "tokens": prediction.tokens,
        "truncated": prediction.truncated,
        "limit": prediction.limit,
        "needs_review": asked.threshold is not None and scores[0][1] < asked.threshold,
    }


def read_answer(body: bytes) -> list[Prediction]:
    """What :func:`written` wrote as JSON, where all labels were asked for."""
    try:
        return [
            Prediction(
                str(each["label"]),
                {str(pair["label"]): float(pair["score"]) for pair in each["scores"]},
                int(each["tokens"]),
                bool(each["truncated"]),
                int(each["limit"]),
            )
            for each in json.loads(body)["predictions"]
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise NotReadable(f"the answer is not one of a model of ours: {error!r}") from None
