"""Finding out what an id names, by asking the feature that its prefix belongs to."""

import re
from collections.abc import Sequence

from app.core.errors import NotFound
from app.core.lineage import AT_ONCE
from app.core.services import Keeper, Services, Subject
from app.core.work import Work

ID = re.compile(r"[a-z]+_[0-9a-z]{1,36}")


class SubjectNotFound(NotFound):
    title = "No such thing"


def keeper_of(services: Services, subject_id: str) -> Keeper | None:
    return services.handlers.keepers.get(subject_id.partition("_")[0])


def describe(work: Work, services: Services, ids: Sequence[str]) -> dict[str, Subject]:
    """By id, with one question to each feature; ids that name nothing are left out."""
    found: dict[str, Subject] = {}
    for prefix, keeper in services.handlers.keepers.items():
        wanted = [each for each in ids if each.startswith(f"{prefix}_")]
        for start in range(0, len(wanted), AT_ONCE):
            found |= keeper.describe(work, wanted[start : start + AT_ONCE])
    return found


def holding(work: Work, services: Services, ids: Sequence[str]) -> list[Subject]:
    """Those of them that keep what they were made from from being deleted."""
    found: list[str] = []
    for prefix, keeper in services.handlers.keepers.items():
        wanted = [each for each in ids if each.startswith(f"{prefix}_")]
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            found += keeper.holding(work, some) if keeper.holding else some
    return [each for each in describe(work, services, found).values() if each.holds]


def find(work: Work, services: Services, subject_id: str) -> Subject:
    """One that can be kept: data set, data set version, run, model, model version."""
    keeper = keeper_of(services, subject_id)
    asked = [subject_id] if ID.fullmatch(subject_id) else []  # not every text can be asked for
    found = describe(work, services, asked).get(subject_id)
    if found is None or keeper is None or keeper.delete is None:
        raise SubjectNotFound(
            f"There is no data set, run, model or version with the id {subject_id[:60]!r}.",
            "Ids stand on each page and in each list, ready to be copied.",
        )
    return found


def word_of(subject: Subject) -> str:
    """As the audit's actions name its kind: ``dataset_version``."""
    return subject.kind.replace("data set", "dataset").replace(" ", "_")
