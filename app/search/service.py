"""One question to every feature, with bounded work for each, and the page that an exact id means."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.accounts.finding import find_people
from app.core.addresses import address
from app.core.findings import Found, words_of
from app.core.security import Actor, Role
from app.core.services import Services, Subject
from app.core.work import Work
from app.datasets import finding as datasets
from app.endpoints import finding as endpoints
from app.keeping.finding import find_noted, find_tagged
from app.keeping.queries import Kept, kept_of
from app.keeping.subjects import describe
from app.registry import finding as models
from app.runs import finding as runs
from app.search.topics import find_topics

LIMIT = 6  # of each kind on the page
LONGEST = 200


@dataclass(frozen=True)
class Group:
    """What one kind of thing has to answer. ``more_url`` is its own list, asked the same."""

    heading: str
    items: Sequence[Found]
    more: bool = False
    more_url: str = ""


@dataclass(frozen=True)
class Results:
    """``kept`` holds tags and whether it is archived, by the id of what was found."""

    text: str
    words: Sequence[str]
    groups: Sequence[Group]
    kept: Mapping[str, Kept]

    @property
    def items(self) -> list[Found]:
        return [item for group in self.groups for item in group.items]


def plain(text: str) -> str:
    return " ".join(text.split())[:LONGEST]


def search(work: Work, services: Services, actor: Actor, text: str, limit: int = LIMIT) -> Results:
    """An empty text finds nothing: the page then says what can be searched."""
    words = words_of(text)
    groups = _groups(work, services, actor, text, words, limit) if words else []
    found = [group for group in groups if group.items]
    ids = [item.id for group in found for item in group.items]
    return Results(text, words, found, kept_of(work.session, ids))


def _groups(
    work: Work, services: Services, actor: Actor, text: str, words: Sequence[str], limit: int
) -> list[Group]:
    session, more = work.session, limit + 1
    asked: list[tuple[str, list[Found], str]] = [
        ("This id", _by_id(work, services, text), ""),
        ("Data sets", datasets.find_datasets(session, words, more), "/datasets"),
        ("Data set versions", datasets.find_versions(session, words, more), ""),
        ("Runs", runs.find_runs(session, words, more), "/runs"),
        ("Models", models.find_models(session, words, more), "/models"),
        ("Model versions", models.find_versions(session, words, more), ""),
        ("Endpoints", endpoints.find_endpoints(session, words, more), "/endpoints"),
        ("Recipes", runs.find_recipes(session, words, more), ""),
        ("Pipelines", runs.find_pipelines(words), ""),
        ("Tagged", _attached(work, services, find_tagged(session, words, more), "tagged"), ""),
        ("In notes", _attached(work, services, find_noted(session, words, more), ""), ""),
    ]
    if actor.may(Role.ADMIN):
        asked.append(("Users", find_people(session, words, more), "/settings/users"))
    asked.append(("Help", find_topics(words, more), ""))
    return [
        Group(heading, found[:limit], len(found) > limit, address(url, {"q": text}) if url else "")
        for heading, found, url in asked
    ]


def _by_id(work: Work, services: Services, text: str) -> list[Found]:
    found = describe(work, services, [text]).get(text) if "_" in text else None
    return [_as_found(found, "")] if found and not found.deleted else []


def _attached(work: Work, services: Services, found: Sequence[tuple[str, str]], how: str) -> list[Found]:
    """What a tag or a note is attached to, where that is still there."""
    subjects = describe(work, services, [subject_id for subject_id, _ in found])
    return [
        _as_found(subjects[subject_id], f"{how} {said}".strip())
        for subject_id, said in found
        if subject_id in subjects and not subjects[subject_id].deleted
    ]


def _as_found(subject: Subject, text: str) -> Found:
    return Found(subject.kind, subject.id, subject.title, text or subject.kind, subject.url)


def jump(work: Work, services: Services, actor: Actor, text: str) -> str | None:
    """The page that an exact id, or a run's number as ``#12``, names; None where it names none."""
    if " " in text or not (text.startswith("#") or "_" in text):
        return None
    if text.startswith("#"):
        found = runs.find_runs(work.session, [text], 1)
        return found[0].url if found and found[0].title == f"Run {text}" else None
    known = _by_id(work, services, text)
    if known:
        return known[0].url
    finder = _ADDRESSES.get(text.partition("_")[0])
    if finder is None or not actor.may(finder[0]):
        return None
    return finder[1](work.session, text)


_ADDRESSES: Mapping[str, tuple[Role, Callable[[Session, str], str | None]]] = {
    "step": (Role.VIEWER, runs.address_of_step),
    "dep": (Role.VIEWER, endpoints.address_of_deployment),
    "up": (Role.EDITOR, datasets.address_of_upload),
}
