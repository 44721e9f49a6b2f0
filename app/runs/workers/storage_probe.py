"""Whether this process sees the storage of the installation, and not another one that only looks like it.

A worker whose directory is not the shared one would finish steps that nobody else can read. So there is a
file that the first process puts there, and everybody must find.
"""

import secrets

from app.core.errors import FittingRoomError
from app.core.storage import Storage
from app.core.work import Works
from app.runs.tables import StorageProbe
from app.runs.workers import queries as worker_queries

OTHER = (
    "This is not the storage of the installation: a file that every worker must find is not there. "
    "Set FITTINGROOM_STORAGE to what the other machines have, an s3:// address or a shared directory."
)


def storage_problem(works: Works, storage: Storage) -> str:
    """Why steps can't be taken here; "" when they can."""
    try:
        return "" if _is_shared(works, storage) else OTHER
    except FittingRoomError as error:
        return f"{error.message} {error.advice}".strip()
    except OSError as error:
        return f"The storage can't be read: {error.strerror}."


def _is_shared(works: Works, storage: Storage) -> bool:
    with works.reading() as work:
        probe = worker_queries.probe(work.session)
        newest = worker_queries.newest_artifact(work.session)
    if probe is not None and storage.has(probe):
        return True
    if newest is not None:
        return storage.has(newest)  # a probe that was swept away must not stop everybody
    return probe is None and _make(works, storage)


def _make(works: Works, storage: Storage) -> bool:
    """The first process of an installation; where two are the first, the earlier row counts."""
    file = storage.put_bytes(f"Fitting Room, storage probe {secrets.token_hex(16)}\n".encode())
    with works.writing() as work:
        work.session.add(StorageProbe(sha256=file.sha256))
    with works.reading() as work:
        return storage.has(worker_queries.probe(work.session) or "")
