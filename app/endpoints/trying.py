"""What the page to try an endpoint shows: examples, an answer drawn as bars or many as a table, recent ones.

Reviews may be private: what somebody tried is kept in this process's memory for their session alone.
"""

import shlex
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import Request

from app.charts.figure import Figure, Words
from app.charts.notation import score
from app.charts.probabilities import probabilities
from app.core.snippets import Call, Snippet, snippets
from app.endpoints.forms import Review
from app.endpoints.loaded import Serves
from ml.data.labels import display_name
from ml.serving.predictor import Prediction

SHOWN_LABELS = 12
RECENT_EACH = 8
RECENT_SESSIONS = 100
THRESHOLD = "0.7"


@dataclass(frozen=True)
class Text:
    """What stands in the form."""

    text: str = ""
    title: str = ""
    by_line: bool = False
    threshold: str = THRESHOLD


EXAMPLES = (
    (
        "happy",
        Text(
            "The colour is gorgeous and it fits like it was made for me. I wear it every week.",
            "My new favourite",
        ),
    ),
    (
        "unhappy",
        Text("It pills after two washes and the buttons hang loose. Sending it back.", "Not worth it"),
    ),
    (
        "in between",
        Text("Soft enough, a bit see-through. Fine for the price, nothing I would buy twice.", "It’s fine"),
    ),
    (
        "tricky",
        Text(
            "Not bad at all! I expected it to run small after the other reviews, and it fits.",
            "Better than feared",
        ),
    ),
    (
        "three at once",
        Text(
            "Runs huge, had to send it back.\nPerfect for work and flattering.\nIt is fine for the price.",
            by_line=True,
        ),
    ),
)


@dataclass(frozen=True)
class Answer:
    """``read`` is how many of ``tokens`` the model reads. ``unsure`` is a score below the threshold."""

    review: Review
    label: str
    score: float
    tokens: int
    truncated: bool
    read: int
    unsure: bool


@dataclass(frozen=True)
class Result:
    """``figure`` is drawn where there is one answer only."""

    answers: Sequence[Answer]
    milliseconds: float
    figure: Figure | None

    @property
    def unsure(self) -> int:
        return sum(answer.unsure for answer in self.answers)

    @property
    def truncated(self) -> int:
        return sum(answer.truncated for answer in self.answers)


@dataclass(frozen=True)
class Tried:
    """One review that somebody has tried, with the answer that it got then."""

    endpoint: str
    version: str
    answer: Answer


class Recent:
    """The newest of each session, for as many sessions as were active last. Lost with the process."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, deque[Tried]] = OrderedDict()

    def add(self, session: str, serves: Serves, result: Result) -> None:
        kept = self._sessions.setdefault(session, deque(maxlen=RECENT_EACH))
        self._sessions.move_to_end(session)
        version = f"{serves.model} v{serves.number}"
        kept.extendleft(Tried(serves.endpoint, version, answer) for answer in reversed(result.answers))
        while len(self._sessions) > RECENT_SESSIONS:
            self._sessions.popitem(last=False)

    def of(self, session: str) -> Sequence[Tried]:
        """Newest first, over all endpoints."""
        return tuple(self._sessions.get(session, ()))


def result(
    serves: Serves,
    reviews: Sequence[Review],
    predictions: Sequence[Prediction],
    threshold: float | None,
    started: float,
) -> Result:
    milliseconds = (time.perf_counter() - started) * 1000
    answers = [
        _answer(serves, review, prediction, threshold)
        for review, prediction in zip(reviews, predictions, strict=True)
    ]
    figure = _figure(serves, predictions[0], threshold) if len(answers) == 1 else None
    return Result(answers, milliseconds, figure)


def _answer(serves: Serves, review: Review, prediction: Prediction, threshold: float | None) -> Answer:
    best = prediction.scores[prediction.label]
    return Answer(
        review,
        display_name(prediction.label, serves.labels),
        best,
        prediction.tokens,
        prediction.truncated,
        min(prediction.tokens, prediction.limit),
        threshold is not None and best < threshold,
    )


def _figure(serves: Serves, prediction: Prediction, threshold: float | None) -> Figure:
    ranked = sorted(prediction.scores.items(), key=lambda pair: -pair[1])
    top = [(display_name(label, serves.labels), value) for label, value in ranked[:SHOWN_LABELS]]
    shown = f"the {len(top)} likeliest of {len(ranked)} labels" if len(top) < len(ranked) else "all labels"
    words = Words(
        finding=f"{top[0][0].capitalize()}{_lead(top)}",
        how=f"probabilities after softmax, {shown}",
        title="Probability of each label",
        description="; ".join(f"{label} {score(value)}" for label, value in top),
    )
    return probabilities("probabilities", words, top, threshold)


def _lead(top: Sequence[tuple[str, float]]) -> str:
    if len(top) < 2:
        return ""
    ahead = score(top[0][1] - top[1][1], 2)
    return f", hardly ahead of {top[1][0]}" if ahead == ".00" else f", {ahead} ahead of {top[1][0]}"


def predict_calls(request: Request, serves: Serves, text: Text, reviews: Sequence[Review]) -> list[Snippet]:
    """The call that the form just made; before it, the one with an example."""
    given = [_short(review) for review in reviews[:3]] or [_short(Review(text=EXAMPLES[1][1].text))]
    inputs = [{"text": one.text, "title": one.title} if one.title else one.text for one in given]
    body: dict[str, object] = {"inputs": inputs}
    if text.threshold.strip() and reviews:
        body["parameters"] = {"threshold": float(text.threshold)}
    title = f" --title {shlex.quote(given[0].title)}" if given[0].title else ""
    words = " ".join(shlex.quote(one.text) for one in given)
    path = f"/api/v1/endpoints/{serves.endpoint}"
    command = f"predict {serves.endpoint} {words}{title}"
    return snippets(
        request,
        Call("Predict", "POST", f"{path}/predict", body, command),
        Call("What answers there", "GET", path),
    )


def _short(review: Review) -> Review:
    text = review.text if len(review.text) <= 80 else review.text[:79] + "…"
    return Review(text=text, title=review.title)
