"""Approved models whose files are on S3: what S3 sends is compared at each load, whatever is at hand."""

import shutil
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from app.core.security import Actor
from app.core.services import Services
from app.core.settings import Settings
from app.core.storage import StorageAway
from app.registry import approval, queries
from app.registry.queries import NamedVersion
from app.registry.tables import Validity
from tests.programs.s3 import S3Server
from tests.programs.twins import s3_storage


@pytest.fixture
def place(s3: S3Server) -> str:
    return s3.create()


@pytest.fixture
def settings(settings: Settings, s3: S3Server, place: str) -> Settings:
    return settings.model_copy(update={"storage": place, "s3_endpoint": s3.endpoint})


@pytest.fixture
def approved(
    register: Callable[..., NamedVersion],
    approve: Callable[..., None],
    person: Callable[..., Actor],
    services: Services,
) -> NamedVersion:
    named = register(person("editor", "anna"))
    approve(named, person("approver", "vera"))
    return again(services, named)


def again(services: Services, named: NamedVersion) -> NamedVersion:
    with services.works.reading() as work:
        found = queries.version_by_id(work.session, named.version.id)
    assert found is not None
    return found


def weights(named: NamedVersion) -> str:
    return next(
        str(each["sha256"]) for each in named.version.evidence["model"] if each["path"] == "model.onnx"
    )


def test_one_flipped_byte_on_s3_voids_a_version_that_was_loaded_here_before(
    services: Services, approved: NamedVersion, s3: S3Server, place: str
) -> None:
    approval.model_files(services, approved.version)
    content = bytearray(s3.content(place, weights(approved)))
    content[len(content) // 2] ^= 1
    s3.replace(place, weights(approved), bytes(content))
    with pytest.raises(approval.VersionVoided, match=r"model\.onnx has changed"):
        approval.model_files(services, approved.version)
    assert again(services, approved).version.validity == Validity.VOIDED


def test_a_damaged_copy_of_this_machine_is_not_what_gets_loaded(
    services: Services, approved: NamedVersion, s3: S3Server, place: str
) -> None:
    path = services.storage.local_path(weights(approved))
    path.chmod(0o644)
    path.write_bytes(b"no longer a network")
    approval.model_files(services, approved.version)
    assert services.storage.local_path(weights(approved)).read_bytes() == s3.content(place, weights(approved))
    assert again(services, approved).version.validity != Validity.VOIDED


def test_a_storage_that_is_away_voids_nothing(
    services: Services,
    approved: NamedVersion,
    place: str,
    settings: Settings,
    as_role: Callable[[str], TestClient],
) -> None:
    shutil.rmtree(settings.home / "cache")
    away = s3_storage(place, settings.home / "cache", "http://127.0.0.1:1")
    object.__setattr__(services, "storage", away)
    with pytest.raises(StorageAway):
        approval.model_files(services, approved.version)
    assert again(services, approved).version.validity != Validity.VOIDED
    page = as_role("viewer").get("/models/clothing/versions/1", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert "S3 does not answer." in page.text
    assert "FITTINGROOM_S3_ENDPOINT" in page.text
