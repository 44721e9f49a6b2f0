from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.core.security import Actor
from app.core.services import Services
from app.registry import approval, queries
from app.registry.queries import NamedVersion
from app.registry.service import register_version
from app.registry.tables import ApprovalStatus
from tests.app.registry.artifacts import call_of, make_artifacts, reviews


@pytest.fixture
def register(services: Services, tmp_path: Path) -> Callable[..., NamedVersion]:
    """``register(author, step="2", taught=30)``: a version as the native step leaves it."""

    def registered(author: Actor, step: str = "1", model: str = "clothing", **options: Any) -> NamedVersion:
        artifacts = make_artifacts(services, tmp_path / f"made-{step}", reviews(), **options)
        call = call_of(artifacts, author.id, model=model, step=step)
        with services.works.writing() as work:
            result = register_version(work, services, call)
            named = queries.version_by_id(work.session, result["model_version_id"])
        assert named is not None
        return named

    return registered


@pytest.fixture
def approve(services: Services) -> Callable[..., None]:
    def approved(named: NamedVersion, approver: Actor) -> None:
        approval.decide(
            services,
            named.version.id,
            approver,
            after=ApprovalStatus.APPROVED,
            comment="It fits.",
            row_version=named.version.row_version,
        )

    return approved
