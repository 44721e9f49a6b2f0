"""Endpoints: variants of running models, changed without a gap."""

import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.core import (
    Answer,
    AwsError,
    Request,
    State,
    invalid,
    listed,
    missing,
    not_simulated,
    now,
    operation,
    remember_tags,
)
from simulator.endpoint_configs import config as config_of
from simulator.models import archive, container, model
from simulator.serving import Instance, NotServing

KIND = "endpoint"
BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")


@dataclass
class Variant:
    settings: Mapping[str, Any]
    image: str
    weight: float
    instances: list[Instance] = field(default_factory=list)
    _turn: int = 0

    @property
    def name(self) -> str:
        return str(self.settings["VariantName"])

    def next(self) -> Instance:
        self._turn += 1
        return self.instances[self._turn % len(self.instances)]

    def summary(self) -> Answer:
        deployed = {"SpecifiedImage": self.image, "ResolvedImage": self.image}
        return {
            "VariantName": self.name,
            "DeployedImages": [deployed],
            "CurrentWeight": self.weight,
            "DesiredWeight": self.weight,
            "CurrentInstanceCount": len(self.instances),
            "DesiredInstanceCount": len(self.instances),
        }


@dataclass
class Endpoint:
    state: State
    name: str
    config: str
    status: str = "Creating"
    reason: str = ""
    variants: list[Variant] = field(default_factory=list)
    created: datetime = field(default_factory=now)
    changed: datetime = field(default_factory=now)
    gone: threading.Event = field(default_factory=threading.Event)

    @property
    def arn(self) -> str:
        return self.state.arn(KIND, self.name)

    def move(self, status: str, reason: str = "") -> None:
        self.status, self.reason, self.changed = status, reason, now()

    def chosen(self, wanted: str) -> Variant:
        if wanted:
            for variant in self.variants:
                if variant.name == wanted:
                    return variant
            raise invalid(f"Variant {wanted} not found for endpoint {self.name}.")
        weights = [variant.weight for variant in self.variants]
        even = None if any(weights) else [1.0] * len(weights)
        return random.choices(self.variants, even or weights)[0]  # noqa: S311 - traffic, not a secret

    def bring_up(self, settings: list[Mapping[str, Any]]) -> list[Variant]:
        """All that a configuration asks for, each answering its ping; or nothing of it."""
        found: list[Variant] = []
        try:
            for each in settings:
                found.append(self._variant(each))
        except NotServing:
            for variant in found:
                _end(variant.instances)
            raise
        return found

    def _variant(self, settings: Mapping[str, Any]) -> Variant:
        try:
            with self.state.lock:
                definition = container(self.state, model(self.state, settings["ModelName"]))
        except AwsError as error:
            raise NotServing(error.message) from None
        variant = Variant(settings, definition.get("Image", ""), settings.get("InitialVariantWeight", 1.0))
        try:
            for _ in range(settings.get("InitialInstanceCount", 1)):
                instance = Instance(self.state, self.name, variant.name, definition)
                variant.instances.append(instance)
                instance.unpack(archive(definition))
                instance.start()
                instance.ready(self.gone)
        except NotServing:
            _end(variant.instances)
            raise
        return variant


def _end(instances: list[Instance]) -> None:
    for instance in instances:
        instance.stop()


# --- endpoints --------------------------------------------------------------------------------------


def endpoint(state: State, name: str) -> Endpoint:
    found = state.table(KIND).get(name)
    if found is None:
        raise missing(f'Could not find endpoint "{state.arn(KIND, name)}".')
    return found  # type: ignore[no-any-return]


def _in_background(work: Callable[..., None], *arguments: Any) -> None:
    threading.Thread(target=work, args=arguments, daemon=True).start()


@operation("CreateEndpoint")
def create_endpoint(state: State, request: Request) -> Answer:
    name = request["EndpointName"]
    with state.lock:
        settings = config_of(state, request["EndpointConfigName"])["ProductionVariants"]
        if name in state.table(KIND):
            raise invalid(f'Cannot create already existing endpoint "{state.arn(KIND, name)}".')
        made = Endpoint(state, name, request["EndpointConfigName"])
        state.table(KIND)[name] = made
        remember_tags(state, made.arn, request)
    _in_background(_create, made, settings)
    return {"EndpointArn": made.arn}


def _create(made: Endpoint, settings: list[Mapping[str, Any]]) -> None:
    try:
        variants = made.bring_up(settings)
    except NotServing as error:
        with made.state.lock:
            if made.status != "Deleting":
                made.move("Failed", str(error))
        return
    _take_over(made, made.config, variants)


def _take_over(made: Endpoint, config: str, variants: list[Variant]) -> None:
    """From here on the new ones are asked; the old ones answer what they have begun, and end."""
    with made.state.lock:
        old, unwanted = made.variants, made.gone.is_set()
        if not unwanted:
            made.variants, made.config = variants, config
            made.move("InService")
    for variant in variants if unwanted else old:
        _end(variant.instances)


@operation("UpdateEndpoint")
def update_endpoint(state: State, request: Request) -> Answer:
    with state.lock:
        changed = endpoint(state, request["EndpointName"])
        config = config_of(state, request["EndpointConfigName"])
        if changed.status in BUSY:
            raise invalid(f'Cannot update in-progress endpoint "{changed.arn}".')
        if changed.status == "Failed":
            raise invalid(f'Cannot update endpoint "{changed.arn}" because its status is Failed.')
        changed.move("Updating")
    _in_background(_update, changed, request["EndpointConfigName"], config["ProductionVariants"])
    return {"EndpointArn": changed.arn}


def _update(changed: Endpoint, config: str, settings: list[Mapping[str, Any]]) -> None:
    """The old variants answer all the while, and go on when the new ones can't serve."""
    try:
        variants = changed.bring_up(settings)
    except NotServing as error:
        with changed.state.lock:
            if changed.status != "Deleting":
                changed.move("InService", str(error))
        return
    _take_over(changed, config, variants)


@operation("UpdateEndpointWeightsAndCapacities")
def update_weights(state: State, request: Request) -> Answer:
    with state.lock:
        changed = endpoint(state, request["EndpointName"])
        if changed.status != "InService":
            raise invalid(f'Cannot update in-progress endpoint "{changed.arn}".')
        for each in request["DesiredWeightsAndCapacities"]:
            variant = changed.chosen(each["VariantName"])
            if each.get("DesiredInstanceCount", len(variant.instances)) != len(variant.instances):
                raise not_simulated("a change of the instance count")
            variant.weight = each.get("DesiredWeight", variant.weight)
        changed.move("InService")
    return {"EndpointArn": changed.arn}


@operation("DescribeEndpoint")
def describe_endpoint(state: State, request: Request) -> Answer:
    with state.lock:
        each = endpoint(state, request["EndpointName"])
        return {
            **_summary(each),
            "EndpointConfigName": each.config,
            **({"ProductionVariants": [v.summary() for v in each.variants]} if each.variants else {}),
            **({"FailureReason": each.reason} if each.reason else {}),
        }


def _summary(each: Endpoint) -> Answer:
    return {
        "EndpointName": each.name,
        "EndpointArn": each.arn,
        "EndpointStatus": each.status,
        "CreationTime": each.created,
        "LastModifiedTime": each.changed,
    }


@operation("ListEndpoints")
def list_endpoints(state: State, request: Request) -> Answer:
    with state.lock:
        items = [(name, _summary(each)) for name, each in state.table(KIND).items()]
    return listed(items, request, "Endpoints", status="EndpointStatus")


@operation("DeleteEndpoint")
def delete_endpoint(state: State, request: Request) -> Answer:
    with state.lock:
        each = endpoint(state, request["EndpointName"])
        if each.status != "Deleting":
            each.move("Deleting")
            each.gone.set()
            _in_background(_delete, each)
    return {}


def _delete(each: Endpoint) -> None:
    for variant in each.variants:
        _end(variant.instances)
    with each.state.lock:
        del each.state.table(KIND)[each.name]
        each.state.tags.pop(each.arn, None)
