"""A step's files as one zip, written while it is sent: nothing is copied, and no size is too large."""

from collections.abc import Iterator
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.core.errors import NotFound
from app.core.security import Role, requires
from app.core.services import AppServices, Reading
from app.core.storage import Storage, Tree
from app.runs import service

router = APIRouter(prefix="/api/v1", tags=["runs"])

PIECE = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that the format knows: equal files give an equal zip


@router.get("/runs/{run_id}/artifacts/{step}.zip", response_class=StreamingResponse)
@requires(Role.VIEWER)
def download_all(run_id: str, step: str, work: Reading, services: AppServices) -> StreamingResponse:
    """All files of a step, not compressed: most of them are already."""
    detail = service.get_run(work, run_id)
    found = service.get_step(detail, step)
    if found.artifact is None:
        raise NotFound(f"{step} has left no files.", "They are there once it has succeeded.")
    tree = services.storage.tree(found.artifact)
    for file in tree.files:
        services.storage.open(file.sha256).close()  # a missing one is a 404 here, not a broken zip later
    name = f"run-{detail.run.number}-{found.name}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "ETag": f'"{tree.sha256}"'}
    return StreamingResponse(pieces(services.storage, tree), media_type="application/zip", headers=headers)


class _Pipe:
    """What was written since it was last emptied. It can't go back, so the zip is written front to back."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, content: bytes, /) -> int:
        self._waiting.append(bytes(content))
        return len(content)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass

    def taken(self) -> bytes:
        content = b"".join(self._waiting)
        self._waiting.clear()
        return content


def pieces(storage: Storage, tree: Tree) -> Iterator[bytes]:
    pipe = _Pipe()
    with ZipFile(pipe, "w", ZIP_STORED) as archive:
        for file in tree.files:
            with (
                storage.open(file.sha256) as source,
                archive.open(_entry(file.path), "w", force_zip64=True) as target,
            ):
                while content := source.read(PIECE):
                    target.write(content)
                    yield pipe.taken()
    yield pipe.taken()


def _entry(path: str) -> ZipInfo:
    entry = ZipInfo(path, _EPOCH)
    entry.external_attr = 0o644 << 16
    return entry
