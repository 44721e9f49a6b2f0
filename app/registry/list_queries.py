"""The lists of the registry: models with their newest version, a model's versions, and what was decided.

None of them reads all versions of a model: one may have thousands.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.keeping.queries import archived_ids, tagged_ids
from app.registry.filters import LIVE, MODEL_SORTS, VERSION_SORTS, Filters
from app.registry.queries import IS_LIVE, NUMBERS, NamedVersion, about
from app.registry.tables import Decision, Model, ModelVersion, Validity

EVERYTHING = Filters()


@dataclass(frozen=True)
class ModelRow:
    """A model in a list, with its newest version and how many there are."""

    model: Model
    versions: int
    newest: ModelVersion | None
    live: Sequence[ModelVersion]


@dataclass(frozen=True)
class ModelPage:
    """``next`` is the offset of the following page, or None on the last one."""

    items: Sequence[ModelRow]
    total: int
    next: int | None


@dataclass(frozen=True)
class VersionPage:
    items: Sequence[ModelVersion]
    total: int
    next: int | None


def list_models(
    session: Session, filters: Filters = EVERYTHING, offset: int = 0, limit: int = 50
) -> ModelPage:
    counts = (
        select(
            ModelVersion.model_id,
            func.count().label("versions"),
            func.max(ModelVersion.number).label("newest"),
        )
        .group_by(ModelVersion.model_id)
        .subquery()
    )
    is_newest = and_(ModelVersion.model_id == Model.id, ModelVersion.number == counts.c.newest)
    joined = (
        select(Model, counts.c.versions, ModelVersion)
        .outerjoin(counts, counts.c.model_id == Model.id)
        .outerjoin(ModelVersion, is_newest)
        .where(*_model_conditions(filters))
    )
    total = session.scalar(select(func.count()).select_from(joined.subquery())) or 0
    updated = func.coalesce(ModelVersion.created_at, Model.created_at).desc()
    order = [Model.name] if filters.order(MODEL_SORTS) == "name" else [updated, Model.name]
    found = session.execute(joined.order_by(*order).offset(offset).limit(limit)).all()
    live = _live(session, [row[0].id for row in found])
    rows = [ModelRow(model, count or 0, newest, live.get(model.id, [])) for model, count, newest in found]
    return ModelPage(rows, total, _next(offset, limit, total))


def _live(session: Session, model_ids: Sequence[str]) -> dict[str, list[ModelVersion]]:
    query = select(ModelVersion).where(ModelVersion.model_id.in_(model_ids), IS_LIVE)
    found: dict[str, list[ModelVersion]] = {}
    for version in session.scalars(query.order_by(ModelVersion.number.desc())):
        found.setdefault(version.model_id, []).append(version)
    return found


def _next(offset: int, limit: int, total: int) -> int | None:
    return offset + limit if offset + limit < total else None


def _model_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [_kept(Model.id, filters)]
    text = filters.q.strip()
    if text:
        named = Model.name.icontains(text, autoescape=True)
        conditions.append(or_(named, Model.id == text, ModelVersion.id == text))
    if filters.tag:
        conditions.append(Model.id.in_(tagged_ids(filters.tag)))
    status = filters.known_status()
    if status == LIVE:
        conditions.append(Model.id.in_(select(ModelVersion.model_id).where(IS_LIVE)))
    elif status:
        conditions += _in_state(status)
    return conditions


def _kept(column: Any, filters: Filters) -> ColumnElement[bool]:
    away: ColumnElement[bool] = column.in_(archived_ids())
    return away if filters.archived else ~away


def _in_state(status: str) -> list[ColumnElement[bool]]:
    """A void version is shown as such, whatever was decided on it."""
    if status == LIVE:
        return [IS_LIVE]
    if status == Validity.VOIDED:
        return [ModelVersion.validity == Validity.VOIDED]
    return [ModelVersion.status == status, ModelVersion.validity == Validity.VALID]


def list_versions(
    session: Session, model_id: str, filters: Filters, offset: int = 0, limit: int = 50
) -> VersionPage:
    conditions = [ModelVersion.model_id == model_id, *_version_conditions(filters)]
    total = session.scalar(select(func.count()).select_from(ModelVersion).where(*conditions)) or 0
    query = select(ModelVersion).where(*conditions).order_by(*_version_order(filters))
    items = list(session.scalars(query.offset(offset).limit(limit)))
    return VersionPage(items, total, _next(offset, limit, total))


def _version_conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [_kept(ModelVersion.id, filters)]
    text = filters.q.strip()
    if text:
        conditions.append(_saying(text))
    if filters.tag:
        conditions.append(ModelVersion.id.in_(tagged_ids(filters.tag)))
    if status := filters.known_status():
        conditions += _in_state(status)
    return conditions


def _saying(text: str) -> ColumnElement[bool]:
    """A number, as ``5`` or ``v5``, or the id of the version, its run or its data set version."""
    digits = text.removeprefix("v")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else 0
    ids = (ModelVersion.id, ModelVersion.run_id, ModelVersion.dataset_version_id)
    named = [column == text for column in ids]
    return or_(*named, ModelVersion.number == number) if number in NUMBERS else or_(*named)


def _version_order(filters: Filters) -> list[ColumnElement[Any]]:
    newest = ModelVersion.number.desc()
    order = filters.order(VERSION_SORTS)
    if order == "-version":
        return [newest]
    value = ModelVersion.evaluation["metrics"][order.removeprefix("-")]["value"].as_float()
    return [value.desc(), newest]


def state_counts(session: Session, model_id: str, filters: Filters) -> dict[str, int]:
    """For the tabs: how many of the otherwise matching versions are in each state, and live."""
    conditions = [ModelVersion.model_id == model_id, *_version_conditions(_but_status(filters))]
    query = select(ModelVersion.status, ModelVersion.validity, func.count()).where(*conditions)
    counts: dict[str, int] = {}
    for status, validity, count in session.execute(
        query.group_by(ModelVersion.status, ModelVersion.validity)
    ):
        state = Validity.VOIDED if validity == Validity.VOIDED else status
        counts[state] = counts.get(state, 0) + count
    live = select(func.count()).select_from(ModelVersion).where(*conditions, IS_LIVE)
    return {**counts, LIVE: session.scalar(live) or 0}


def _but_status(filters: Filters) -> Filters:
    return Filters(q=filters.q, tag=filters.tag, archived=filters.archived)


def history_of(session: Session, model_id: str, limit: int) -> list[ModelVersion]:
    """The newest versions in the order they were made, for a curve over them; archived ones left out."""
    query = select(ModelVersion).where(
        ModelVersion.model_id == model_id, ModelVersion.id.not_in(archived_ids())
    )
    return list(session.scalars(query.order_by(ModelVersion.number.desc()).limit(limit)))[::-1]


def decided(
    session: Session, text: str = "", offset: int = 0, limit: int = 20
) -> list[tuple[Decision, NamedVersion]]:
    """Newest first, with what they were about."""
    query = select(Decision, Model, ModelVersion).where(*about(text))
    query = query.join(ModelVersion, ModelVersion.id == Decision.version_id)
    query = query.join(Model, Model.id == ModelVersion.model_id).order_by(Decision.id.desc())
    rows = session.execute(query.offset(offset).limit(limit))
    return [(decision, NamedVersion(model, version)) for decision, model, version in rows]


def decided_count(session: Session, text: str = "") -> int:
    query = select(func.count()).select_from(Decision).where(*about(text))
    query = query.join(ModelVersion, ModelVersion.id == Decision.version_id)
    return session.scalar(query.join(Model, Model.id == ModelVersion.model_id)) or 0
