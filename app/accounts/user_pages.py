"""The users, for administrators: who there is, invitations by a one-time link, roles, disabling."""

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import Response

from app.accounts import queries, service
from app.accounts.queries import UserFilter
from app.accounts.service import role_named
from app.accounts.tables import User
from app.core import lists
from app.core.addresses import address
from app.core.errors import FittingRoomError
from app.core.lists import Column, list_file
from app.core.origin import origin_of
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading, Services, Writing
from app.core.snippets import Call, snippets

router = APIRouter(include_in_schema=False)

Text = Annotated[str, Form(max_length=200)]
Word = Annotated[str, Query(max_length=200)]
STATES = ("active", "invited", "disabled")
ROLES = (
    ("viewer", "viewer: sees"),
    ("editor", "editor: uploads and launches"),
    ("approver", "approver: also decides"),
    ("admin", "admin: also users and audit"),
)
COLUMNS = (
    Column[User]("id", lambda user: user.id),
    Column[User]("name", lambda user: user.name),
    Column[User]("kind", lambda user: "program" if user.is_service else "person"),
    Column[User]("state", lambda user: user.state),
    Column[User]("role", lambda user: user.role),
    Column[User]("created_at", lambda user: user.created_at),
    Column[User]("seen_at", lambda user: user.seen_at),
)


@dataclass(frozen=True)
class Filters:
    q: str = ""
    role: str = ""
    state: str = ""

    @property
    def query(self) -> str:
        return address("", asdict(self))

    @property
    def narrowed(self) -> UserFilter:
        return UserFilter(self.q, self.role, self.state)


def filters(q: Word = "", role: Word = "", state: Word = "") -> Filters:
    return Filters(q.strip(), role, state)


Narrowed = Annotated[Filters, Depends(filters)]


@dataclass(frozen=True)
class Invited:
    """What came of the form: who was invited by which link, or what was wrong with what was typed."""

    name: str = ""
    role: str = Role.EDITOR
    user: User | None = None
    link: str = ""
    error: FittingRoomError | None = None


@router.get("/settings/users")
@requires(Role.ADMIN)
def users_page(request: Request, services: AppServices, narrowed: Narrowed) -> Response:
    return _page(request, services, Invited(), narrowed)


@router.get("/settings/users.{form}")
@requires(Role.ADMIN)
def users_file(work: Reading, narrowed: Narrowed, form: lists.Form) -> Response:
    return list_file(form, "users", COLUMNS, queries.find_users(work.session, narrowed.narrowed, lists.LIMIT))


@router.post("/settings/users")
@requires(Role.ADMIN)
def create_user(
    request: Request, services: AppServices, actor: CurrentActor, name: Text = "", role: Text = ""
) -> Response:
    try:
        with services.works.writing() as work:
            user, secret = service.create_user(work, actor, name, role_named(role))
    except FittingRoomError as error:
        return _page(request, services, Invited(name, role, error=error))
    return _page(request, services, Invited(user=user, link=_link(request, secret)))


@router.post("/settings/users/{user_id}/link")
@requires(Role.ADMIN)
def renew_link(request: Request, user_id: str, services: AppServices, actor: CurrentActor) -> Response:
    with services.works.writing() as work:
        user, secret = service.renew_link(work, actor, user_id)
    return _page(request, services, Invited(user=user, link=_link(request, secret)))


@router.post("/settings/users/{user_id}/role")
@requires(Role.ADMIN)
def change_role(user_id: str, actor: CurrentActor, work: Writing, role: Text = "") -> Response:
    user = service.change_role(work, actor, user_id, role_named(role))
    return redirect("/settings/users", f"{user.name} is {user.role} now.")


@router.post("/settings/users/{user_id}/status")
@requires(Role.ADMIN)
def change_status(
    user_id: str, actor: CurrentActor, work: Writing, status: Annotated[Literal["active", "disabled"], Form()]
) -> Response:
    user = service.set_disabled(work, actor, user_id, status == "disabled")
    return redirect(
        "/settings/users", f"{user.name} was {'disabled' if status == 'disabled' else 'enabled'}."
    )


def _link(request: Request, secret: str | None) -> str:
    return service.setup_address(origin_of(request), secret or "")


def _page(
    request: Request, services: Services, invited: Invited, narrowed: Filters | None = None
) -> Response:
    chosen = narrowed or Filters()
    with services.works.reading() as work:
        users = queries.find_users(work.session, chosen.narrowed)
        only = service.only_admin(work.session)
        links = queries.open_links(work.session)
    return render(
        request,
        "settings/users.html",
        status=invited.error.status if invited.error else 200,
        users=users,
        only_admin=only,
        links=links,
        filters=chosen,
        roles=ROLES,
        states=STATES,
        invited=invited,
        snippets=snippets(
            request,
            Call("All users", "GET", "/api/v1/users"),
            Call("Invite a user", "POST", "/api/v1/users", {"name": "nina@shop.example", "role": "approver"}),
        ),
    )
