"""The sample data set for a first try: the one that the operator names, else a small made-up one."""

import shutil
from pathlib import Path

from app.core.errors import Unavailable
from app.core.security import Actor
from app.core.services import Services
from app.datasets import queries, service, uploads
from app.datasets.queries import NamedVersion
from app.datasets.tables import VersionStatus
from app.datasets.uploads import FileAtHand
from ml.data import sample

NAME = "sample-reviews"
GENERATED_NAME = sample.NAME.replace(" ", "-")
UNUSABLE = frozenset({VersionStatus.FAILED, VersionStatus.CANCELLED, VersionStatus.DELETED})


class SampleMissing(Unavailable):
    title = "The sample is not there"


def load(services: Services, actor: Actor) -> NamedVersion:
    """Import it, or show the version that it was imported as before."""
    chosen = services.settings.sample
    name = NAME if chosen else GENERATED_NAME
    with services.works.reading() as work:
        dataset = queries.dataset_by_name(work.session, name)
        before = queries.versions_of(work.session, dataset.id) if dataset else []
    for named in before:
        if named.version.status not in UNUSABLE:
            return named
    scratch = services.storage.scratch("sample-")
    try:
        return _import(services, actor, _file(chosen, scratch), name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _file(chosen: Path | None, scratch: Path) -> FileAtHand:
    if chosen is None:
        path = scratch / "generated_sample.csv"
        sample.write_sample(path)
        return FileAtHand(path, path.name)
    if not chosen.is_file():
        raise SampleMissing(f"There is no file {chosen}.", "Set FITTINGROOM_SAMPLE to a file of reviews.")
    return FileAtHand(chosen, chosen.name, move=False)


def _import(services: Services, actor: Actor, file: FileAtHand, name: str) -> NamedVersion:
    found = uploads.look(file, {})
    stored = uploads.store(services.storage, file)
    with services.works.writing() as work:
        kept = uploads.keep(work, services.storage, actor, file, stored, name, found)
        return service.start_import(work, services, actor, kept, name, found["mapping"])
