"""C15: of any number of approvers who press at the same moment one decides; real HTTP, both databases."""

from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from app.accounts.audit_queries import AuditFilter, list_audit
from app.accounts.tokens import create_service_token
from app.core.security import Actor, Role
from app.core.services import Services
from app.registry import queries
from app.registry.queries import NamedVersion
from tests.programs.serving import all_at_once, serving

APPROVALS = 50
APPROVERS = 5


@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_c15_of_fifty_approvals_at_once_one_stands_and_the_others_are_told(
    app: FastAPI,
    services: Services,
    register: Callable[..., NamedVersion],
    person: Callable[..., Actor],
) -> None:
    version = register(person("editor", "anna")).version
    with services.works.writing() as work:
        secrets = [create_service_token(work, f"approver-{n}", Role.APPROVER)[1] for n in range(APPROVERS)]
    body = {"decision": "approve", "comment": "It fits.", "row_version": version.row_version}

    with serving(app) as address:
        url = f"{address}/api/v1/models/clothing/versions/1/approval"

        def press(number: int) -> int:
            headers = {"Authorization": f"Bearer {secrets[number % APPROVERS]}"}
            return httpx.post(url, json=body, headers=headers, timeout=120, trust_env=False).status_code

        answers = Counter(all_at_once(press, APPROVALS))
    assert answers == {200: 1, 409: APPROVALS - 1}
    with services.works.reading() as work:
        named = queries.version_by_id(work.session, version.id)
        found = list_audit(work.session, AuditFilter(subject_id=version.id)).items
    assert named is not None
    assert (named.version.status, named.version.row_version) == ("Approved", version.row_version + 1)
    assert [entry.action for entry in found].count("model_version.approved") == 1
