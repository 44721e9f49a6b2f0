"""How a version and a model stand at SageMaker, as JSON."""

from typing import Any

from app.registry.cloud.queries import Standing


def standing_json(standing: Standing) -> dict[str, Any]:
    package = standing.package
    return {
        "sync": standing.on,
        "group": standing.model.group_name if standing.model else None,
        "package_arn": package.arn or None if package else None,
        "status": package.seen_status or None if package else None,
        "changed_by": package.seen_by or None if package else None,
        "changed_at": package.seen_at.isoformat() if package and package.seen_at else None,
        "in_step": bool(package and package.agreed and not package.problem),
        "synced_at": package.synced_at.isoformat() if package and package.synced_at else None,
        "problem": standing.problem or None,
    }
