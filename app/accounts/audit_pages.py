"""The audit as a page and as CSV."""

import csv
import io
import json
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.accounts import audit, queries
from app.accounts.queries import AuditFilter
from app.accounts.views import entry_json
from app.core.pages import iso, render
from app.core.security import Role, requires
from app.core.services import AppServices, Reading

router = APIRouter(include_in_schema=False)

CSV_ROWS = 10_000


def narrowed(actor: str = "", action: str = "", subject: str = "") -> AuditFilter:
    return AuditFilter(actor or None, action or None, subject or None)


Narrowed = Annotated[AuditFilter, Depends(narrowed)]


@router.get("/audit")
@requires(Role.ADMIN)
def audit_page(request: Request, work: Reading, wanted: Narrowed, cursor: str | None = None) -> Response:
    page = queries.list_audit(work.session, wanted, cursor)
    filters = {"actor": wanted.actor_id, "action": wanted.action, "subject": wanted.subject_id}
    chosen = {name: value for name, value in filters.items() if value}
    return render(
        request,
        "audit/list.html",
        page=page,
        names=queries.actor_names(work.session, [entry.actor_id for entry in page.items]),
        actions=queries.audit_actions(work.session),
        filters=chosen,
        query=urlencode(chosen),
        next_url=f"/audit?{urlencode({**chosen, 'cursor': page.next})}" if page.next else None,
        first_url=f"/audit?{urlencode(chosen)}" if cursor else None,
    )


@router.get("/audit/verification")
@requires(Role.ADMIN)
def verification_page(request: Request, work: Reading, services: AppServices) -> Response:
    """Reads the whole chain, so it is asked for and not part of the list."""
    anchors = audit.anchor_file(services.settings.home)
    problem = audit.verify(work.session, anchors)
    total = queries.list_audit(work.session, AuditFilter(), limit=1).total
    anchored = anchors.exists()
    return render(request, "audit/verification.html", problem=problem, total=total, anchored=anchored)


@router.get("/audit.csv")
@requires(Role.ADMIN)
def audit_csv(work: Reading, wanted: Narrowed) -> Response:
    page = queries.list_audit(work.session, wanted, limit=CSV_ROWS)
    names = queries.actor_names(work.session, [entry.actor_id for entry in page.items])
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["seq", "at", "actor", "action", "subject", "details", "hash"])
    for entry in page.items:
        actor = names.get(entry.actor_id, entry.actor_id)
        details = json.dumps(entry.details, ensure_ascii=False)
        writer.writerow(
            [entry.seq, iso(entry.at), actor, entry.action, entry.subject_id, details, entry.hash]
        )
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return Response(out.getvalue(), media_type="text/csv", headers=headers)


@router.get("/audit.json")
@requires(Role.ADMIN)
def audit_json(work: Reading, wanted: Narrowed, cursor: str | None = None) -> dict[str, object]:
    page = queries.list_audit(work.session, wanted, cursor)
    names = queries.actor_names(work.session, [entry.actor_id for entry in page.items])
    items = [entry_json(entry, names) for entry in page.items]
    return {"items": items, "total": page.total, "next": page.next}
