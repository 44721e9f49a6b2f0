"""Endpoints on SageMaker as JSON, and what they would cost before anybody asks for one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.core.services import Services
from app.core.work import Work
from app.endpoints.cloud.queries import CloudPlace
from app.integrations.aws.config import config_of
from app.integrations.aws.prices import Price, price_of, shipped


@dataclass(frozen=True)
class Offer:
    """What the form to deploy shows of SageMaker. ``prices`` are of the instance types that are known."""

    region: str
    instance_type: str
    price: Price | None
    prices: Sequence[Price]

    @property
    def said(self) -> str:
        if self.price is None:
            return f"What {self.instance_type} costs in {self.region} is unknown."
        dollars, day = self.price.dollars_per_hour, self.price.as_of.isoformat()
        return f"{self.instance_type} costs ${dollars:.3f} an hour for each, by the prices of {day}."


def offer(work: Work, services: Services) -> Offer | None:
    """None where the cloud is not set up: the form then says nothing of it."""
    config = config_of(work, services.settings)
    if config is None:
        return None
    types = sorted(kind for region, kind, use in shipped() if (region, use) == (config.region, "hosting"))
    prices = [price for kind in types if (price := price_of(work, config.region, kind, "hosting"))]
    usual = price_of(work, config.region, config.serving_instance, "hosting")
    return Offer(config.region, config.serving_instance, usual, prices)


def cloud_json(place: CloudPlace) -> dict[str, Any]:
    """``deployment`` is what it shall show, or the last one that failed; ``status`` is AWS's own word."""
    change = place.wish.change if place.wish else place.newest
    return {
        "name": place.row.name,
        "arn": place.row.arn or None,
        "region": place.row.region,
        "status": place.row.status or None,
        "reason": place.reason or None,
        "deployment": _change_json(place) if change else None,
        "instance_type": change.instance_type if change else None,
        "instance_count": change.instance_count if change else None,
        "dollars_per_hour": dollars(place),
    }


def dollars(place: CloudPlace) -> float | None:
    """Of all its instances together; None where that is unknown, or nothing stands there."""
    change = place.wish.change if place.wish else None
    if change is None or change.dollars_per_hour is None:
        return None
    return round(change.dollars_per_hour * change.instance_count, 6)


def _change_json(place: CloudPlace) -> dict[str, Any]:
    change = place.wish.change if place.wish else place.newest
    assert change is not None
    wish = place.wish
    return {
        "id": change.id,
        "model": wish.model.name if wish else None,
        "version": wish.version.number if wish else None,
        "model_version_id": change.version_id,
        "state": change.state,
        "reason": change.reason or None,
        "created_at": change.created_at.isoformat(),
    }
