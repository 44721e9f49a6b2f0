"""What the endpoints' pages show: what answers, since when, by whom, and what else could."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request

from app.accounts.queries import actor_names
from app.core.errors import Invalid
from app.core.lists import Column
from app.core.snippets import Call, Snippet, snippets
from app.core.work import Work
from app.endpoints import queries
from app.endpoints.cloud import queries as cloud_queries
from app.endpoints.cloud.queries import CloudPlace
from app.endpoints.cloud.views import dollars
from app.endpoints.forms import InvalidInput, moment_of
from app.endpoints.queries import Placed
from app.endpoints.serving import Serving, Slot
from app.endpoints.tables import Endpoint
from app.endpoints.traffic import Traffic
from app.endpoints.views import state_of
from app.registry.queries import NamedVersion, deployable, undeployable
from app.registry.tables import ApprovalStatus, ModelVersion, Validity

HISTORY = 25
NOT_OFFERED = 8


@dataclass(frozen=True)
class Row:
    endpoint: Endpoint
    live: Placed | None
    slot: Slot | None
    traffic: Traffic
    by: str
    place: CloudPlace | None

    @property
    def state(self) -> str:
        return state_of(self.endpoint, self.live, self.slot, self.place)


@dataclass(frozen=True)
class Moment:
    """What was live at ``at``, where somebody has asked; ``error`` where that was no time."""

    text: str
    at: datetime | None
    placed: Placed | None
    error: Invalid | None


@dataclass(frozen=True)
class NotOffered:
    named: NamedVersion
    why: str


@dataclass(frozen=True)
class EndpointPage:
    endpoint: Endpoint
    state: str
    live: Placed | None
    history: Sequence[Placed]
    total: int
    offset: int
    names: Mapping[str, str]
    versions: Sequence[NamedVersion]
    not_offered: Sequence[NotOffered]
    slot: Slot | None
    traffic: Traffic
    moment: Moment
    place: CloudPlace | None

    @property
    def moving(self) -> bool:
        """SageMaker is at work on it, for minutes: the page looks again by itself."""
        return self.state in ("creating", "updating", "deleting")

    @property
    def dollars(self) -> float | None:
        """An hour of it at SageMaker."""
        return dollars(self.place) if self.place else None

    def name(self, actor_id: str | None) -> str:
        return self.names.get(actor_id or "", actor_id or "")

    @property
    def next_offset(self) -> int | None:
        following = self.offset + HISTORY
        return following if following < self.total else None

    @property
    def callers(self) -> Sequence[tuple[str, int]]:
        """Who asked it since this process serves it, the busiest first."""
        return self.traffic.callers.most_common(5)


def endpoint_rows(work: Work, serving: Serving, text: str = "", deleted: bool = False) -> list[Row]:
    live = {placed.endpoint.id: placed for placed in queries.live(work.session)}
    found = queries.list_endpoints(work.session, text=text, deleted=deleted)
    names = actor_names(work.session, [placed.deployment.actor_id for placed in live.values()])
    places = cloud_queries.places(work.session, [endpoint.id for endpoint in found])
    return [_row(each, live.get(each.id), serving, names, places.get(each.id)) for each in found]


def _row(
    endpoint: Endpoint,
    live: Placed | None,
    serving: Serving,
    names: Mapping[str, str],
    place: CloudPlace | None,
) -> Row:
    by = names.get(live.deployment.actor_id, live.deployment.actor_id) if live else ""
    return Row(endpoint, live, serving.slot(endpoint.name), serving.traffic(endpoint.name), by, place)


ENDPOINT_COLUMNS: Sequence[Column[Row]] = (
    Column("id", lambda row: row.endpoint.id),
    Column("name", lambda row: row.endpoint.name),
    Column("state", lambda row: row.state),
    Column("compute", lambda row: "sagemaker" if row.place else "local"),
    Column("model", lambda row: row.live.model.name if row.live else None),
    Column("version", lambda row: row.live.version.number if row.live else None),
    Column("live_since", lambda row: row.live.deployment.created_at if row.live else None),
    Column("deployed_by", lambda row: row.by or None),
    Column("requests", lambda row: row.traffic.requests),
    Column("refused", lambda row: row.traffic.refused),
    Column("created_at", lambda row: row.endpoint.created_at),
    Column("deleted_at", lambda row: row.endpoint.deleted_at),
)


def deployment_columns(names: Mapping[str, str]) -> Sequence[Column[Placed]]:
    return (
        Column("id", lambda row: row.deployment.id),
        Column("endpoint", lambda row: row.endpoint.name),
        Column("model", lambda row: row.model.name),
        Column("version", lambda row: row.version.number),
        Column("model_version_id", lambda row: row.version.id),
        Column("live_from", lambda row: row.deployment.created_at),
        Column("live_until", lambda row: row.deployment.retired_at),
        Column("deployed_by", lambda row: names.get(row.deployment.actor_id, row.deployment.actor_id)),
        Column("ended_by", lambda row: names.get(row.deployment.retired_by or "", row.deployment.retired_by)),
    )


def names_in(work: Work, history: Sequence[Placed]) -> dict[str, str]:
    pairs = [(each.deployment.actor_id, each.deployment.retired_by) for each in history]
    return actor_names(work.session, [one for pair in pairs for one in pair if one])


def endpoint_page(work: Work, serving: Serving, endpoint: Endpoint, at: str, offset: int) -> EndpointPage:
    history = queries.history(work.session, endpoint.id, offset, HISTORY)
    live = next(iter(queries.live(work.session, endpoint.name)), None)
    slot = serving.slot(endpoint.name)
    place = cloud_queries.place(work.session, endpoint.id)
    moment = _moment(work, endpoint, at)
    shown = [*history, *([live] if live else []), *([moment.placed] if moment.placed else [])]
    return EndpointPage(
        endpoint=endpoint,
        state=state_of(endpoint, live, slot, place),
        live=live,
        history=history,
        total=queries.count_deployments(work.session, endpoint.id),
        offset=offset,
        names=names_in(work, shown),
        versions=other_versions(work, live),
        not_offered=not_offered(work, live),
        slot=slot,
        traffic=serving.traffic(endpoint.name),
        moment=moment,
        place=place,
    )


def _moment(work: Work, endpoint: Endpoint, text: str) -> Moment:
    try:
        at = moment_of(text)
        if at and at > queries.clock(work.session):
            raise InvalidInput("That moment is still to come.", "Name one that has passed, in UTC.")
    except InvalidInput as error:
        return Moment(text, None, None, error)
    return Moment(text, at, queries.live_at(work.session, endpoint.id, at) if at else None, None)


def other_versions(work: Work, live: Placed | None) -> Sequence[NamedVersion]:
    """What could be deployed instead: versions of the same model first."""
    versions = [each for each in deployable(work.session) if not live or each.version.id != live.version.id]
    if live is None:
        return versions
    return sorted(versions, key=lambda each: each.model.id != live.model.id)


def not_offered(work: Work, live: Placed | None = None) -> list[NotOffered]:
    """The newest versions that may not be deployed, each with the reason."""
    found = undeployable(work.session, live.model.id if live else None, NOT_OFFERED)
    return [NotOffered(each, why_not_offered(each.version)) for each in found]


def why_not_offered(version: ModelVersion) -> str:
    if version.validity == Validity.VOIDED:
        return f"void: {version.void_reason}"
    if version.status == ApprovalStatus.PENDING:
        return "nobody has decided on it yet"
    return "it was rejected"


def endpoint_calls(request: Request, page: EndpointPage) -> list[Snippet]:
    path = f"/api/v1/endpoints/{page.endpoint.name}"
    offered = page.versions[0] if page.versions else None
    named = offered or (NamedVersion(page.live.model, page.live.version) if page.live else None)
    calls = [
        Call("What is live, and was", "GET", path),
        Call("What was live at a moment", "GET", f"{path}/live?at=2026-11-22T10:00:00Z"),
        Call(
            "Predict",
            "POST",
            f"{path}/predict",
            {"inputs": ["Runs small in the shoulders."]},
            f"predict {page.endpoint.name} 'Runs small in the shoulders.'",
        ),
    ]
    if named:
        body: dict[str, object] = {"model": named.model.name, "version": named.version.number}
        command = f"deploy {named.model.name} {named.version.number} --endpoint {page.endpoint.name}"
        if page.place:
            body["compute"] = "sagemaker"
            command += " --compute sagemaker"
        calls.append(Call("Deploy or roll back", "POST", f"{path}/deployments", body, command))
    calls.append(Call("Stop it", "POST", f"{path}/stop"))
    return snippets(request, *calls)
