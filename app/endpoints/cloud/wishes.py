"""What is wanted of an endpoint on SageMaker, written down; the workers' couriers carry it out.

Nothing here speaks to AWS: a person's request is answered at once, also while AWS is away.
"""

import hashlib

from app.core.outbox import FAR, enqueue
from app.core.work import Work
from app.endpoints.cloud import queries
from app.endpoints.cloud.tables import Change, CloudEndpoint
from app.endpoints.tables import Endpoint

TEND = f"{FAR}endpoint"


def cloud_name(endpoint: Endpoint) -> str:
    """Of at most 63 letters, digits and hyphens; two installations in one account don't meet."""
    digest = hashlib.sha256(endpoint.id.encode()).hexdigest()[:8]
    return f"fittingroom-{endpoint.name[:42].rstrip('-')}-{digest}"


def part_name(change_id: str) -> str:
    """Of the model and the endpoint configuration of one change, and of no other."""
    return f"fittingroom-{change_id.replace('_', '-')}"


def ask_to_tend(work: Work, row: CloudEndpoint) -> None:
    """Due at once, and a message besides: who delivers it looks without waiting for the next round."""
    row.poll_at = queries.database_moment(work.session)
    enqueue(work.session, TEND, {"endpoint_id": row.endpoint_id})


def withdraw(work: Work, endpoint_id: str) -> bool:
    """Nothing is wanted there any more. False where nothing was, or where it stands on this server."""
    row = work.session.get(CloudEndpoint, endpoint_id)
    if row is None or row.wanted_id is None:
        return False
    for change in queries.changes_of(work.session, endpoint_id):
        if change.state in (Change.PENDING, Change.APPLIED, Change.LIVE):
            change.state = Change.RETIRED
    row.wanted_id = None
    ask_to_tend(work, row)
    return True
