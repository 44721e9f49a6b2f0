"""Whether database, files and anchors still belong together: the question after every restore.

A database older than the files names fewer than there are; files older than the database are too few. Both
are told with what to do, and nothing is changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.accounts import audit
from app.core.errors import NotFound
from app.core.services import Services
from app.core.storage import ArtifactDamaged, Blob, Storage
from app.core.work import Work
from app.monitoring import queries
from app.monitoring.queries import UnfinishedRun
from app.monitoring.references import Names, names
from app.monitoring.root_queries import roots


@dataclass(frozen=True)
class Loss:
    """A file that is named and not there, or no longer what it was."""

    sha256: str
    what: str
    state: str  # missing, damaged
    remedy: str


@dataclass(frozen=True)
class Report:
    """``unnamed`` files of ``unnamed_size`` bytes are stored and named by no row.

    ``audit`` is what is wrong with the chain of entries and its anchors, "" when they hold.
    """

    stored: int
    named: int
    losses: Sequence[Loss]
    unnamed: int
    unnamed_size: int
    unfinished: Sequence[UnfinishedRun]
    audit: str

    @property
    def whole(self) -> bool:
        return not self.losses and not self.audit


def check(services: Services, *, content: bool = False) -> Report:
    """With ``content`` every named file is read and compared with its hash, which takes its time."""
    blobs = {blob.sha256: blob for blob in services.storage.blobs()}
    with services.works.reading() as work:
        named = names(services.storage, roots(work.session))
        unfinished = queries.unfinished_runs(work.session)
        chain = _audit(work, services)
    missing = [_loss(named, sha256, "missing") for sha256 in named.files if sha256 not in blobs]
    there = [sha256 for sha256 in named.files if sha256 in blobs]
    damaged = [sha256 for sha256 in there if not _intact(services.storage, named, sha256, blobs, content)]
    unnamed = [blob for sha256, blob in blobs.items() if sha256 not in named]
    return Report(
        stored=len(blobs),
        named=len(named.files),
        losses=[*missing, *(_loss(named, sha256, "damaged") for sha256 in damaged)],
        unnamed=len(unnamed),
        unnamed_size=sum(blob.size for blob in unnamed),
        unfinished=unfinished,
        audit=chain,
    )


def _loss(named: Names, sha256: str, state: str) -> Loss:
    root = named.files[sha256]
    return Loss(sha256, root.what, state, root.remedy)


def _intact(storage: Storage, named: Names, sha256: str, blobs: dict[str, Blob], content: bool) -> bool:
    size = named.sizes.get(sha256)
    if size is not None and blobs[sha256].size != size:
        return False
    if not content:
        return True
    try:
        storage.verify(sha256)
    except (ArtifactDamaged, NotFound):
        return False
    return True


def _audit(work: Work, services: Services) -> str:
    return audit.verify(work.session, audit.anchor_file(services.settings.home)) or ""
