"""The page to try an endpoint. Reviews are posted, never part of an address: they may be private."""

import time
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse

from app.core.errors import Conflict, FittingRoomError, Invalid, TooMany, Unavailable
from app.core.pages import render
from app.core.security import Actor, CurrentActor, Role, requires
from app.endpoints.forms import threshold_of, written_reviews
from app.endpoints.loaded import Serves
from app.endpoints.serving import serving_of
from app.endpoints.trying import EXAMPLES, Recent, Result, Text, predict_calls, result
from ml.serving.predictor import ReviewInput

router = APIRouter(include_in_schema=False)


def _written(
    text: Annotated[str, Form()] = "",
    title: Annotated[str, Form()] = "",
    by_line: Annotated[bool, Form()] = False,
    threshold: Annotated[str, Form()] = "",
) -> Text:
    return Text(text, title, by_line, threshold)


@router.get("/predict/{endpoint}")
@requires(Role.VIEWER)
async def try_it(
    request: Request,
    actor: CurrentActor,
    endpoint: str,
    example: Annotated[int | None, Query(ge=1, le=len(EXAMPLES))] = None,
    recent: Annotated[int | None, Query(ge=1)] = None,
) -> HTMLResponse:
    """``recent`` takes up one of those that this session has tried."""
    try:
        loaded = await serving_of(request).ready(endpoint)
    except (Unavailable, Conflict) as error:
        return _not_ready(request, endpoint, error)
    text = EXAMPLES[example - 1][1] if example else _again(request, actor, recent)
    return _render(request, actor, loaded.serves, text)


@router.post("/predict/{endpoint}")
@requires(Role.VIEWER)
async def predict(
    request: Request, actor: CurrentActor, endpoint: str, written: Annotated[Text, Depends(_written)]
) -> HTMLResponse:
    started = time.perf_counter()
    serving = serving_of(request)
    try:
        loaded = await serving.ready(endpoint)
    except (Unavailable, Conflict) as error:
        return _not_ready(request, endpoint, error)
    try:
        reviews = written_reviews(written.text, written.title, written.by_line)
        threshold = threshold_of(written.threshold)
        with serving.asked(loaded, actor.name, len(reviews)):
            predictions = await loaded.predict([ReviewInput(each.text, each.title) for each in reviews])
    except (Invalid, TooMany, Unavailable, Conflict) as error:  # an endpoint on SageMaker may be away, too
        return _render(request, actor, loaded.serves, written, error=error)
    shown = result(loaded.serves, reviews, predictions, threshold, started)
    _recent(request).add(_session(actor), loaded.serves, shown)
    return _render(request, actor, loaded.serves, written, shown)


def _render(
    request: Request,
    actor: Actor,
    serves: Serves,
    text: Text,
    shown: Result | None = None,
    error: FittingRoomError | None = None,
) -> HTMLResponse:
    reviews = [answer.review for answer in shown.answers] if shown else []
    return render(
        request,
        "predict/predict.html",
        status=error.status if error else 200,
        serves=serves,
        text=text,
        result=shown,
        error=error,
        examples=[name for name, _ in EXAMPLES],
        recent=_recent(request).of(_session(actor)),
        snippets=predict_calls(request, serves, text, reviews),
    )


def _not_ready(request: Request, endpoint: str, error: FittingRoomError) -> HTMLResponse:
    """The page asks again by itself where waiting helps."""
    return render(request, "predict/not_ready.html", status=error.status, endpoint=endpoint, error=error)


def _again(request: Request, actor: Actor, number: int | None) -> Text:
    tried = _recent(request).of(_session(actor))
    if number is None or number > len(tried):
        return Text()
    review = tried[number - 1].answer.review
    return Text(review.text, review.title or "")


def _recent(request: Request) -> Recent:
    recent: Recent = request.state.recent
    return recent


def _session(actor: Actor) -> str:
    return actor.session_id or actor.id
