"""The page of notices, what the bell asks for, and which kinds a person wants."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Form as FormField
from fastapi.responses import Response

from app.accounts import preferences
from app.core.addresses import address
from app.core.lists import Form, list_file
from app.core.pages import redirect, render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import Reading, Writing
from app.core.snippets import Call, snippets
from app.notices import queries, service
from app.notices.kinds import ABOUT, GROUPS
from app.notices.queries import NoticeFilter
from app.notices.tables import Kind
from app.notices.views import COLUMNS, notice_json

router = APIRouter(include_in_schema=False)

UNREAD = Call("Unread notices", "GET", "/api/v1/notices?unread=true", command="notices")


@dataclass(frozen=True)
class Filters:
    """What the address narrows the list to; empty narrows nothing."""

    show: str = ""  # "unread"
    kind: str = ""
    q: str = ""

    def of(self, actor: Actor) -> NoticeFilter:
        return NoticeFilter(actor.id, self.show == "unread", self.kind, self.q)

    def url(self, path: str = "/notices", **changes: str) -> str:
        return address(path, {**asdict(self), **changes})


def filters(
    show: Annotated[str, Query(max_length=10)] = "",
    kind: Annotated[str, Query(max_length=40)] = "",
    q: Annotated[str, Query(max_length=200)] = "",
) -> Filters:
    return Filters(show, kind, q.strip())


Narrowed = Annotated[Filters, Depends(filters)]


@router.get("/notices")
@requires(Role.VIEWER)
def notices_page(
    request: Request, work: Reading, actor: CurrentActor, narrowed: Narrowed, cursor: str | None = None
) -> Response:
    page = queries.list_notices(work.session, narrowed.of(actor), cursor)
    return render(
        request,
        "notices/list.html",
        page=page,
        filters=narrowed,
        unread=queries.unread(work.session, actor.id).count,
        kinds=[(str(kind), about.word) for kind, about in ABOUT.items()],
        about=ABOUT,
        next_url=narrowed.url(cursor=page.next) if page.next else None,
        first_url=narrowed.url() if cursor else None,
        snippets=snippets(
            request, Call("Unread notices", "GET", "/api/v1/notices?unread=true", None, "notices")
        ),
    )


@router.get("/notices.{form}")
@requires(Role.VIEWER)
def notices_file(work: Reading, actor: CurrentActor, narrowed: Narrowed, form: Form) -> Response:
    return list_file(form, "notices", COLUMNS, queries.all_notices(work.session, narrowed.of(actor)))


@router.get("/notices/unread")
@requires(Role.VIEWER)
def unread(work: Reading, actor: CurrentActor) -> dict[str, Any]:
    """What an open page asks every half minute: the bell's count, and the newest for the browser to show."""
    newest = queries.newest_unread(work.session, actor.id)
    count = queries.unread(work.session, actor.id).count
    return {"unread": count, "newest": notice_json(newest) if newest else None}


@router.post("/notices/reading")
@requires(Role.VIEWER)
def read_all(work: Writing, actor: CurrentActor) -> Response:
    count = service.read_all(work, actor.id)
    said = f"{count} notice{'s were' if count != 1 else ' was'} marked as read."
    return redirect("/notices", said if count else "")


@router.post("/notices/{notice_id}/reading")
@requires(Role.VIEWER)
def read_one(work: Writing, actor: CurrentActor, notice_id: str, narrowed: Narrowed) -> Response:
    service.read_one(work, actor.id, notice_id)
    return redirect(narrowed.url())


@router.get("/settings/notices")
@requires(Role.VIEWER)
def choices_page(request: Request, work: Reading, actor: CurrentActor) -> Response:
    chosen = preferences.of(work.session, actor.id)
    off = {kind for kind in Kind if chosen.get(service.PREFERENCE + kind) == service.OFF}
    return render(request, "notices/choices.html", groups=GROUPS, about=ABOUT, off=off)


@router.post("/settings/notices")
@requires(Role.VIEWER)
def choose(
    work: Writing, actor: CurrentActor, wanted: Annotated[list[Kind] | None, FormField()] = None
) -> Response:
    for kind in Kind:
        value = "" if kind in (wanted or ()) else service.OFF
        preferences.choose(work, actor.id, service.PREFERENCE + kind, value)
    return redirect("/settings/notices", "Your choice of notices was saved.")
