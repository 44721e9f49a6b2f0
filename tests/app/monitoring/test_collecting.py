"""What nothing names goes, what anything names stays, and nobody who is about to name a file loses it."""

import os
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import JSON, String, Text, select

from app.core.database import Main
from app.core.services import Services
from app.datasets.tables import DatasetVersion
from app.monitoring import collecting
from app.monitoring.collecting import NamesUnknown, TooYoung, collect
from app.monitoring.references import names
from app.monitoring.root_queries import roots
from app.runs.leases import Ending
from app.runs.states import AttemptStatus, StepState
from tests.app.monitoring.conftest import Copied
from tests.app.runs.staging import Stage

DAY = timedelta(hours=24)
# Columns in which the hash of a stored file may stand and which keep no file, and why.
MENTIONS = {
    ("upload", "sha256"): "the file inside the tree that tree_sha256 names",
    ("step", "cache_key"): "what a step was made from; those are roots of their own",
    ("step", "result"): "what publish said; the version names the same tree",
    ("audit_entry", "details"): "what was done to which file, kept when the file is gone",
    ("dataset_version", "facts"): "version.json: its shards stand in the version's tree",
    ("dataset_version", "content_sha256"): "a hash over rows, and no file",
    ("model_version", "evidence_sha256"): "a hash over the evidence, and no file",
    ("attempt", "environment"): "what a program was told",
    ("run_event", "data"): "what happened, for those who watched",
    ("cloud_errand", "details"): "what to send to AWS: files of a version, which can't be deleted meanwhile",
}
READ = {
    ("upload", "tree_sha256"),
    ("dataset_version", "tree_sha256"),
    ("run", "inputs"),
    ("step", "artifact"),
    ("model_version", "evidence"),
    ("storage_probe", "sha256"),
}


def age(services: Services, sha256: str, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(services.storage.local_path(sha256), (moment, moment))


def age_all(services: Services, hours: float = 48) -> None:
    for blob in list(services.storage.blobs()):
        age(services, blob.sha256, hours)


def stored(services: Services) -> set[str]:
    return {blob.sha256 for blob in services.storage.blobs()}


def test_every_column_that_names_a_stored_file_is_known(house: Copied) -> None:
    services = house.services
    files = stored(services)
    found = set()
    for table in Main.metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, (String, Text, JSON)):
                with services.works.reading() as work:
                    texts = " ".join(str(value) for value in work.session.scalars(select(column)))
                if any(sha256 in texts for sha256 in files):
                    found.add((table.name, column.name))
    assert found - READ - set(MENTIONS) == set()


def test_a_house_in_use_loses_nothing(house: Copied) -> None:
    age_all(house.services)
    with house.services.works.reading() as work:
        named = names(house.services.storage, roots(work.session))
    before = stored(house.services)
    collect(house.services, hours=24, dry=False)
    assert stored(house.services) == before & set(named.files)
    assert not named.unreadable


def test_a_dry_run_says_what_would_go_and_touches_nothing(services: Services) -> None:
    old, new = services.storage.put_bytes(b"forgotten"), services.storage.put_bytes(b"just put")
    age(services, old.sha256, 25)
    said = collect(services, hours=24, dry=True)
    assert (said.count, said.size, said.kept, said.stored) == (1, len(b"forgotten"), 1, 2)
    assert [blob.sha256 for blob in said.examples] == [old.sha256]
    assert stored(services) == {old.sha256, new.sha256}
    done = collect(services, hours=24, dry=False)
    assert (done.count, done.size) == (said.count, said.size)
    assert stored(services) == {new.sha256}


def test_nothing_younger_than_an_hour_may_be_asked_for(services: Services) -> None:
    with pytest.raises(TooYoung):
        collect(services, hours=0.5, dry=False)


def test_what_a_deleted_run_made_goes_and_the_audit_says_how_much(
    services: Services, as_role: Callable[..., TestClient]
) -> None:
    stage = Stage(services, "usr_1")
    version = stage.dataset()
    run = stage.launch(version)
    stage.succeed(run, "prepare", {"snapshot.json": b"prepared", "features/train-00000.parquet": b"rows"})
    stage.fail(run, "train", "no")
    kept = stored(services)
    admin = as_role("admin")
    assert admin.delete(f"/api/v1/subjects/{run}").status_code == 204
    age_all(services)
    gone = collect(services, hours=24, dry=False)
    assert gone.count == 3, "two files and their manifest"
    assert stored(services) < kept
    assert services.storage.intact(services.storage.tree(_tree(services, version)))
    entries = admin.get("/api/v1/audit", params={"action": "artifacts.collected"}).json()
    assert entries["items"][0]["details"]["files"] == 3


def _tree(services: Services, version_id: str) -> str:
    with services.works.reading() as work:
        return work.session.get_one(DatasetVersion, version_id).tree_sha256 or ""


@pytest.mark.parametrize("database_url", [None, "postgresql"], indirect=True, ids=["sqlite", "postgresql"])
def test_what_is_named_between_the_look_and_the_removal_stays(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step may be taken from the cache, which names a tree that nobody has put again."""
    stage = Stage(services, "usr_1")
    run = stage.launch(stage.dataset())
    tree = stage.tree({"snapshot.json": b"of a run that was deleted"})
    age_all(services)
    removing = collecting._remove

    def named_meanwhile(*arguments: object) -> object:
        done = Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, artifact=tree)
        stage.finish(stage.claim(run, "prepare"), done)
        return removing(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(collecting, "_remove", named_meanwhile)
    assert collect(services, hours=24, dry=False).count == 0
    assert services.storage.intact(services.storage.tree(tree))


def test_what_is_put_again_between_the_look_and_the_removal_stays(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = services.storage.put_bytes(b"made by two steps")
    age(services, old.sha256, 48)
    removing = collecting._remove

    def put_meanwhile(*arguments: object) -> object:
        services.storage.put_bytes(b"made by two steps")
        return removing(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(collecting, "_remove", put_meanwhile)
    assert collect(services, hours=24, dry=False).count == 0
    assert stored(services) == {old.sha256}


def test_while_a_list_of_files_is_lost_nothing_is_collected(services: Services) -> None:
    stage = Stage(services, "usr_1")
    run = stage.launch(stage.dataset())
    stage.succeed(run, "prepare", {"snapshot.json": b"prepared"})
    with services.works.reading() as work:
        artifact = next(root.sha256 for root in roots(work.session) if root.what.endswith("step prepare"))
    services.storage.remove(artifact)
    age_all(services)
    before = stored(services)
    with pytest.raises(NamesUnknown, match="step prepare"):
        collect(services, hours=24, dry=False)
    assert stored(services) == before
