"""Shared by the tests of data sets: upload over HTTP, and play the worker that reads the upload."""

import shutil
from typing import Any

from fastapi.testclient import TestClient

from app.core.services import NativeCall, Services
from app.datasets import queries, service
from ml.contract.outcome import StepRefused
from ml.data.importing import Upload, import_upload

REVIEWS = b"text,rating,title\n" + b"".join(
    b"a review of dress number %d,%d,title %d\n" % (n, n % 5 + 1, n) for n in range(40)
)


def push(
    client: TestClient,
    content: bytes = REVIEWS,
    name: str = "dresses",
    file: str = "reviews.csv",
    **fields: str,
) -> Any:
    return client.post("/api/v1/datasets", data={"name": name, **fields}, files={"file": (file, content)})


def work_off(services: Services, version_id: str) -> None:
    """What the engine does with the import's run: read, store the tree, publish; or say how it failed."""
    with services.works.reading() as work:
        named = queries.version_by_id(work.session, version_id)
    assert named is not None
    stored = services.storage.tree(named.upload.tree_sha256).files[0]
    mapping = named.upload.peek["mapping"]
    scratch = services.storage.scratch("test-")
    try:
        upload = Upload(services.storage.local_path(stored.sha256), named.upload.filename, mapping)
        import_upload(upload, scratch, lambda *_: None)
        tree = services.storage.put_tree({path.name: path for path in scratch.iterdir()})
    except StepRefused as refused:
        with services.works.writing() as work:
            failed = {"status": "failed", "subject_id": version_id, "message": refused.message}
            service.import_moved(work, **failed)
        return
    finally:
        shutil.rmtree(scratch)
    call = NativeCall(
        run_id=named.version.run_id or "",
        step_id="",
        actor_id=named.version.created_by,
        subject_id=version_id,
        parameters={},
        arguments={},
        inputs={"version": tree},
        programs={},
    )
    with services.works.writing() as work:
        service.publish_version(work, services, call)


def push_ready(
    client: TestClient, services: Services, content: bytes = REVIEWS, name: str = "dresses"
) -> Any:
    pushed = push(client, content, name).json()
    work_off(services, pushed["version_id"])
    return client.get(f"/api/v1/datasets/{pushed['id']}/versions/{pushed['version']}").json()
