"""What the endpoints' pages show: rows, an answer drawn as bars, and the same call for programs."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from app.charts.figure import Words
from app.charts.notation import score
from app.charts.probabilities import probabilities
from app.core.work import Work
from app.endpoints import queries
from app.endpoints.loaded import Serves
from app.endpoints.queries import Placed
from app.endpoints.serving import Serving, Slot
from app.endpoints.tables import Endpoint
from app.registry.queries import NamedVersion, deployable
from ml.data.labels import display_name
from ml.serving.predictor import Prediction

SHOWN_LABELS = 12


@dataclass(frozen=True)
class Text:
    text: str
    title: str


TEXTS = (
    Text(
        "The colour is gorgeous and it fits like it was made for me. I wear it every week.",
        "My new favourite",
    ),
    Text("It pills after two washes and the buttons hang loose. Sending it back.", "Not worth it"),
    Text("Soft enough, a bit see-through. Fine for the price, nothing I would buy twice.", "It’s fine"),
    Text(
        "Not bad at all! I expected it to run small after the other reviews, and it fits.",
        "Better than feared",
    ),
)
EXAMPLES = len(TEXTS)


@dataclass(frozen=True)
class Row:
    endpoint: Endpoint
    live: Placed | None
    slot: Slot | None


@dataclass(frozen=True)
class Result:
    """``read`` is how many of ``tokens`` the model reads."""

    label: str
    score: float
    tokens: int
    truncated: bool
    read: int
    milliseconds: float
    figure: Markup


@dataclass(frozen=True)
class Snippets:
    curl: str
    python: str
    command: str


def endpoint_rows(work: Work, serving: Serving) -> list[Row]:
    live = {placed.endpoint.id: placed for placed in queries.live(work.session)}
    found = queries.list_endpoints(work.session)
    return [Row(endpoint, live.get(endpoint.id), serving.slot(endpoint.name)) for endpoint in found]


def other_versions(work: Work, live: Placed | None) -> Sequence[NamedVersion]:
    """What could be deployed instead: versions of the same model first."""
    versions = [each for each in deployable(work.session) if not live or each.version.id != live.version.id]
    if live is None:
        return versions
    return sorted(versions, key=lambda each: each.model.id != live.model.id)


def result(serves: Serves, prediction: Prediction, started: float) -> Result:
    milliseconds = (time.perf_counter() - started) * 1000
    ranked = sorted(prediction.scores.items(), key=lambda pair: -pair[1])
    top = [(display_name(label, serves.labels), value) for label, value in ranked[:SHOWN_LABELS]]
    label, best = top[0]
    return Result(
        label,
        best,
        prediction.tokens,
        prediction.truncated,
        min(prediction.tokens, prediction.limit),
        milliseconds,
        _figure(top, len(ranked)),
    )


def _figure(top: Sequence[tuple[str, float]], count: int) -> Markup:
    lead = f", {score(top[0][1] - top[1][1], 2)} ahead of {top[1][0]}" if len(top) > 1 else ""
    shown = f"the {len(top)} likeliest of {count} labels" if len(top) < count else f"all {count} labels"
    words = Words(
        finding=f"{top[0][0].capitalize()}{lead}",
        how=f"probabilities after softmax, {shown}",
        title="Probability of each label",
        description="; ".join(f"{label} {score(value)}" for label, value in top),
    )
    return probabilities("probabilities", words, top)


def snippets(serves: Serves, text: Text, base: str) -> Snippets:
    """The call that the form just made, for a terminal, for Python and for the command line."""
    written = text.text.strip() or TEXTS[0].text
    short = written if len(written) <= 80 else written[:79] + "…"
    review: object = (
        {"text": short, "title": text.title} if text.title and "title" in serves.fields else short
    )
    body = json.dumps({"inputs": [review], "parameters": {"threshold": 0.7}}, ensure_ascii=False)
    url = f"{base.rstrip('/')}/api/v1/endpoints/{serves.endpoint}/predict"
    quoted = body.replace("'", "'\\''")
    title = f" --title {_shell(text.title)}" if isinstance(review, dict) else ""
    return Snippets(
        f'curl -s {url} \\\n  -H "Authorization: Bearer $FITTINGROOM_TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' \\\n  -d '{quoted}'",
        f"import os\nimport httpx\n\nanswer = httpx.post(\n    {url!r},\n"
        f'    headers={{"Authorization": f"Bearer {{os.environ[\'FITTINGROOM_TOKEN\']}}"}},\n'
        f"    json={{'inputs': [{review!r}], 'parameters': {{'threshold': 0.7}}}},\n)\n"
        "print(answer.json()['predictions'][0]['label'])",
        f"fittingroom predict {serves.endpoint} {_shell(short)}{title}",
    )


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
