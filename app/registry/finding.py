"""Models and their versions, for the search across the product."""

from collections.abc import Sequence
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.findings import Found, number_of, saying
from app.registry.tables import Model, ModelVersion, Validity

STATUS = {"PendingManualApproval": "waits for approval", "Approved": "approved", "Rejected": "rejected"}


def find_models(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    query = select(Model).where(saying(words, Model.name)).order_by(Model.name).limit(limit)
    return [
        Found(
            "model",
            model.id,
            model.name,
            f"{model.last_number} version{'s' if model.last_number != 1 else ''}",
            f"/models/{quote(model.name, safe='')}",
            model.created_at,
        )
        for model in session.scalars(query)
    ]


def find_versions(session: Session, words: Sequence[str], limit: int) -> list[Found]:
    """``clothing v2`` finds one by its number; a name finds its versions, newest first."""
    number = number_of(words[-1], "v") if len(words) > 1 else None
    query = select(Model, ModelVersion).join(ModelVersion, ModelVersion.model_id == Model.id)
    if number is not None:
        query = query.where(saying(words[:-1], Model.name), ModelVersion.number == number)
    else:
        query = query.where(saying(words, Model.name))
    rows = session.execute(query.order_by(ModelVersion.id.desc()).limit(limit))
    return [_version(model, version) for model, version in rows]


def _version(model: Model, version: ModelVersion) -> Found:
    live = f", live on {', '.join(version.live_on)}" if version.live_on else ""
    void = "void, " if version.validity == Validity.VOIDED else ""
    return Found(
        "model version",
        version.id,
        f"{model.name} v{version.number}",
        f"{void}{STATUS.get(version.status, version.status)}{live}",
        f"/models/{quote(model.name, safe='')}/versions/{version.number}",
        version.created_at,
    )
