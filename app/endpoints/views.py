"""Endpoints and predictions as JSON."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.core.ids import new_id
from app.endpoints.cloud.queries import CloudPlace
from app.endpoints.cloud.views import cloud_json
from app.endpoints.forms import Parameters
from app.endpoints.loaded import Serves
from app.endpoints.queries import Placed
from app.endpoints.serving import Slot, State
from app.endpoints.tables import Endpoint
from ml.serving.predictor import Prediction


def endpoint_json(
    endpoint: Endpoint, live: Placed | None, slot: Slot | None, place: CloudPlace | None = None
) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "name": endpoint.name,
        "created_at": _time(endpoint.created_at),
        "deleted_at": _time(endpoint.deleted_at),
        **state_json(slot),
        **({"reason": place.reason or None} if place else {}),
        "state": state_of(endpoint, live, slot, place),
        "compute": "sagemaker" if place else "local",
        "sagemaker": cloud_json(place) if place else None,
        "live": placed_json(live) if live else None,
    }


def placed_json(placed: Placed, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    deployment = placed.deployment
    return {
        "id": deployment.id,
        "endpoint": placed.endpoint.name,
        "model": placed.model.name,
        "version": placed.version.number,
        "model_version_id": placed.version.id,
        "by": {"id": deployment.actor_id, "name": (names or {}).get(deployment.actor_id)},
        "created_at": _time(deployment.created_at),
        "retired_at": _time(deployment.retired_at),
        "retired_by": deployment.retired_by,
    }


def state_of(
    endpoint: Endpoint, live: Placed | None, slot: Slot | None, place: CloudPlace | None = None
) -> str:
    """The word for its pill: what is recorded, and what this process, or SageMaker, has made of it so far."""
    if place is not None:
        return place.state
    if endpoint.deleted_at:
        return "deleted"
    if live is None:
        return "stopped"
    return slot.state if slot else State.COLD


def state_json(slot: Slot | None) -> dict[str, Any]:
    """What this web process has loaded. ``cold`` until it has looked."""
    if slot is None:
        return {"state": State.COLD, "reason": None}
    return {"state": slot.state, "reason": slot.error.message if slot.error else None}


def prediction_json(prediction: Prediction, asked: Parameters) -> dict[str, Any]:
    """Labels by their raw names, surest first."""
    scores = sorted(prediction.scores.items(), key=lambda pair: -pair[1])
    label, score = scores[0]
    return {
        "id": new_id("pred"),
        "label": label,
        "score": score,
        "scores": [{"label": name, "score": value} for name, value in scores[: asked.top_k]],
        "tokens": prediction.tokens,
        "truncated": prediction.truncated,
        "needs_review": asked.threshold is not None and score < asked.threshold,
    }


def answer_json(
    serves: Serves, predictions: list[Prediction], asked: Parameters, request_id: str, seconds: float
) -> dict[str, Any]:
    return {
        "model": {"name": serves.model, "version": serves.number},
        "request_id": request_id,
        "latency_ms": round(seconds * 1000, 1),
        "predictions": [prediction_json(prediction, asked) for prediction in predictions],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
