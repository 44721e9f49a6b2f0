"""What REST answers about a version in AWS and about questions to it."""

from typing import Any

from app.core.work import Work
from app.datasets.aws import sending
from app.datasets.queries import NamedVersion
from app.integrations.errands import queries
from app.integrations.errands.tables import Errand
from app.integrations.errands.views import errand_json


def version_in_aws(work: Work, named: NamedVersion) -> dict[str, Any]:
    place = sending.standing_at(work, named.version.id)
    newest = queries.newest(work.session, named.version.id, sending.KINDS)
    return {
        "dataset": named.dataset.name,
        "version": named.version.number,
        "in_aws": place is not None,
        "location": place.location if place else None,
        "database": place.database if place else None,
        "table": place.table if place else None,
        "last": errand_json(newest) if newest else None,
    }


def query_json(errand: Errand) -> dict[str, Any]:
    """``result`` holds columns and rows, the bytes that were scanned, and whether there are more rows."""
    return {
        **errand_json(errand),
        "question": errand.details["question"],
        "sql": errand.details["sql"],
        "table": errand.details["place"]["table"],
    }
