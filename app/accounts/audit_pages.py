"""The audit as a page and as a file: who did what, to what, when, with each subject named and linked."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.accounts import audit, audit_queries, queries
from app.accounts.audit_queries import AuditFilter
from app.accounts.tables import AuditEntry
from app.core import lists
from app.core.addresses import address
from app.core.lists import Column, list_file
from app.core.pages import render
from app.core.security import Role, requires
from app.core.services import AppServices, Reading, Services
from app.core.snippets import Call, snippets
from app.core.work import Work

router = APIRouter(include_in_schema=False)

Word = Annotated[str, Query(max_length=200)]
HASH = re.compile(r"[0-9a-f]{40,64}")
SYSTEM = "system"


@dataclass(frozen=True)
class Filters:
    """What stands in the address. ``since`` and ``until`` are days, both of them included, in UTC."""

    q: str = ""
    actor: str = ""
    action: str = ""
    subject: str = ""
    since: str = ""
    until: str = ""

    def url(self, path: str = "/audit", **changes: str) -> str:
        return address(path, {**asdict(self), **changes})

    @property
    def narrowed(self) -> AuditFilter:
        last = _day(self.until)
        return AuditFilter(
            self.actor or None,
            self.action or None,
            self.subject or None,
            self.q,
            _day(self.since),
            last + timedelta(days=1) if last else None,
        )


def filters(
    q: Word = "", actor: Word = "", action: Word = "", subject: Word = "", since: Word = "", until: Word = ""
) -> Filters:
    """A day that is none is left out, as if the field were empty."""
    since, until = (text if _day(text) else "" for text in (since, until))
    return Filters(q.strip(), actor, action, subject.strip(), since, until)


Narrowed = Annotated[Filters, Depends(filters)]


@router.get("/audit")
@requires(Role.ADMIN)
def audit_page(
    request: Request, work: Reading, services: AppServices, narrowed: Narrowed, cursor: str | None = None
) -> Response:
    page = audit_queries.list_audit(work.session, narrowed.narrowed, cursor)
    return render(
        request,
        "audit/list.html",
        page=page,
        names=queries.actor_names(work.session, [entry.actor_id for entry in page.items]),
        subjects=subjects(work, services, {entry.subject_id for entry in page.items}),
        details={entry.seq: readable(entry.details) for entry in page.items},
        actions=audit_queries.audit_actions(work.session),
        users=[(user.id, user.name) for user in queries.list_users(work.session)] + [(SYSTEM, SYSTEM)],
        filters=narrowed,
        next_url=narrowed.url(cursor=page.next) if page.next else None,
        first_url=narrowed.url() if cursor else None,
        snippets=snippets(request, _call(narrowed)),
    )


def _call(narrowed: Filters) -> Call:
    named = {"actor": "actor_id", "subject": "subject_id"}
    chosen = {named.get(name, name): value for name, value in asdict(narrowed).items()}
    return Call("These entries", "GET", address("/api/v1/audit", chosen))


@router.get("/audit/verification")
@requires(Role.ADMIN)
def verification_page(request: Request, work: Reading, services: AppServices) -> Response:
    """Reads the whole chain, so it is asked for and not part of the list."""
    anchors = audit.anchor_file(services.settings.home)
    problem = audit.verify(work.session, anchors)
    head = audit_queries.list_audit(work.session, AuditFilter(), limit=1)
    return render(
        request,
        "audit/verification.html",
        problem=problem,
        total=head.total,
        head=head.items[0] if head.items else None,
        anchored=anchors.exists(),
    )


@router.get("/audit.{form}")
@requires(Role.ADMIN)
def audit_file(work: Reading, narrowed: Narrowed, form: lists.Form) -> Response:
    names = dict(queries.user_names(work.session))
    columns = (
        Column[AuditEntry]("seq", lambda entry: entry.seq),
        Column[AuditEntry]("at", lambda entry: entry.at),
        Column[AuditEntry]("actor", lambda entry: names.get(entry.actor_id, entry.actor_id)),
        Column[AuditEntry]("action", lambda entry: entry.action),
        Column[AuditEntry]("subject", lambda entry: entry.subject_id),
        Column[AuditEntry]("details", lambda entry: json.dumps(entry.details, ensure_ascii=False)),
        Column[AuditEntry]("hash", lambda entry: entry.hash),
        Column[AuditEntry]("actor_id", lambda entry: entry.actor_id),
    )
    return list_file(form, "audit", columns, audit_queries.all_audit(work.session, narrowed.narrowed))


def subjects(work: Work, services: Services, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Title and address by id, of those that are still there and have a page."""
    by_prefix: dict[str, list[str]] = {}
    for each in ids:
        by_prefix.setdefault(each.partition("_")[0], []).append(each)
    people = queries.actor_names(work.session, by_prefix.get("usr", []))
    found = {each: (name, f"/settings/users?q={quote(name)}") for each, name in people.items()}
    for prefix, wanted in by_prefix.items():
        if keeper := services.handlers.keepers.get(prefix):
            described = keeper.describe(work, wanted)
            found |= {each: (one.title, one.url) for each, one in described.items() if not one.deleted}
    return found


def readable(details: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Names without underscores, hashes by their beginning, nothing as a dash."""
    return [(name.replace("_", " "), _shown(value)) for name, value in details.items()]


def _shown(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    return f"{text[:12]}…" if HASH.fullmatch(text) else text


def _day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None
