"""What REST answers about an errand."""

from typing import Any

from app.core.pages import iso
from app.integrations.errands.tables import Errand


def errand_json(errand: Errand) -> dict[str, Any]:
    return {
        "id": errand.id,
        "kind": errand.kind,
        "state": errand.state,
        "done": errand.done,
        "total": errand.total,
        "message": errand.message,
        "advice": errand.advice,
        "result": errand.result,
        "created_by": errand.created_by,
        "created_at": iso(errand.created_at),
        "ended_at": iso(errand.ended_at) or None,
    }
