"""Endpoints, as far as others name them among what was made from a model version."""

from collections.abc import Sequence
from urllib.parse import quote

from app.core.services import Keeper, Subject
from app.core.work import Work
from app.endpoints.subject_queries import endpoints_by_id


def describe_endpoints(work: Work, ids: Sequence[str]) -> dict[str, Subject]:
    return {
        endpoint.id: Subject(endpoint.id, "endpoint", endpoint.name, f"/endpoints/{quote(endpoint.name)}")
        for endpoint in endpoints_by_id(work.session, ids)
    }


ENDPOINTS = Keeper(describe_endpoints)
