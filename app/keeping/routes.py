"""The pages and forms of tags, notes, archive and delete. Their subject is named by its id alone."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from app.core.errors import Conflict, Invalid
from app.core.pages import redirect, render
from app.core.security import Actor, CurrentActor, Role, requires
from app.core.services import AppServices, Services, Writing
from app.core.snippets import snippets
from app.keeping import deletion, forms, service, subjects, view
from app.keeping.uses import LISTED

router = APIRouter(prefix="/keeping/{subject_id}", include_in_schema=False)
Text = Annotated[str, Form()]


@router.get("")
@requires(Role.VIEWER)
def subject_page(request: Request, services: AppServices, actor: CurrentActor, subject_id: str) -> Response:
    return _subject(request, services, actor, subject_id)


@router.post("/tags")
@requires(Role.EDITOR)
def tag(
    request: Request, services: AppServices, actor: CurrentActor, subject_id: str, tags: Text = ""
) -> Response:
    try:
        with services.works.writing() as work:
            service.tag(work, services, actor.id, subject_id, forms.split_tags(tags))
    except Invalid as error:
        return _subject(request, services, actor, subject_id, error, tags=tags)
    return _back(services, subject_id, "The tags of {} were saved.")


@router.post("/note")
@requires(Role.EDITOR)
def note(
    request: Request,
    services: AppServices,
    actor: CurrentActor,
    subject_id: str,
    row_version: Annotated[int, Form()],
    note: Text = "",
) -> Response:
    try:
        with services.works.writing() as work:
            service.write_note(work, services, actor.id, subject_id, note, row_version)
    except (service.NoteChanged, Invalid) as error:
        return _subject(request, services, actor, subject_id, error, note=note)
    return _back(services, subject_id, "The note on {} was saved.")


@router.post("/name")
@requires(Role.EDITOR)
def rename(
    request: Request, services: AppServices, actor: CurrentActor, subject_id: str, name: Text = ""
) -> Response:
    try:
        with services.works.writing() as work:
            service.rename(work, services, actor.id, subject_id, name)
    except (Conflict, Invalid) as error:
        return _subject(request, services, actor, subject_id, error, name=name)
    return _back(services, subject_id, "{} was renamed.")


@router.post("/archival")
@requires(Role.EDITOR)
def archive(services: AppServices, work: Writing, actor: CurrentActor, subject_id: str) -> Response:
    subject = service.archive(work, services, actor.id, subject_id)
    return redirect(subject.url, f"{subject.title} was archived. Restore it on this page whenever you like.")


@router.post("/restoration")
@requires(Role.EDITOR)
def restore(services: AppServices, work: Writing, actor: CurrentActor, subject_id: str) -> Response:
    subject = service.restore(work, services, actor.id, subject_id)
    return redirect(subject.url, f"{subject.title} stands in the lists again.")


@router.get("/deletion")
@requires(Role.EDITOR)
def deletion_page(request: Request, services: AppServices, actor: CurrentActor, subject_id: str) -> Response:
    return _deletion(request, services, actor, subject_id)


@router.post("/deletion")
@requires(Role.EDITOR)
def delete(
    request: Request, services: AppServices, actor: CurrentActor, subject_id: str, typed: Text = ""
) -> Response:
    try:
        with services.works.writing() as work:
            deleted = deletion.delete(work, services, actor, subject_id, typed)
    except (deletion.NotDeletable, deletion.NameMistyped) as error:
        return _deletion(request, services, actor, subject_id, error, typed)
    with services.works.reading() as work:
        return redirect(view.address_after(work, services, deleted), f"{deleted.title} was deleted.")


def _subject(
    request: Request,
    services: Services,
    actor: Actor,
    subject_id: str,
    error: Conflict | Invalid | None = None,
    **typed: str,
) -> Response:
    """The page, or the page once more with what was wrong and what was typed."""
    with services.works.reading() as work:
        panel = view.panel_of(work, services, subject_id, LISTED)
    may_edit, status = actor.may(Role.EDITOR), error.status if error else 200
    return render(
        request,
        "keeping/subject.html",
        status=status,
        panel=panel,
        may_edit=may_edit,
        error=error,
        typed=typed,
        snippets=snippets(request, *view.calls(panel)),
    )


def _deletion(
    request: Request,
    services: Services,
    actor: Actor,
    subject_id: str,
    error: Conflict | Invalid | None = None,
    typed: str = "",
) -> Response:
    with services.works.reading() as work:
        page = view.deletion_page(work, services, actor, subject_id)
    status = error.status if error else 200
    return render(request, "keeping/deletion.html", status=status, page=page, error=error, typed=typed)


def _back(services: Services, subject_id: str, said: str) -> Response:
    """To the subject's own page, at its address after the deed."""
    with services.works.reading() as work:
        subject = subjects.find(work, services, subject_id)
    return redirect(subject.url, said.format(subject.title))
