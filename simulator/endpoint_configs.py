"""Configurations of endpoints: which models, how many instances, what weight; they never change."""

from typing import Any

from simulator.core import (
    Answer,
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
from simulator.models import model

CONFIG = "endpoint-config"


def config(state: State, name: str) -> dict[str, Any]:
    record = state.table(CONFIG).get(name)
    if record is None:
        raise missing(f'Could not find endpoint configuration "{state.arn(CONFIG, name)}".')
    return record  # type: ignore[no-any-return]


@operation("CreateEndpointConfig")
def create_config(state: State, request: Request) -> Answer:
    name, arn = request["EndpointConfigName"], state.arn(CONFIG, request["EndpointConfigName"])
    names = [each["VariantName"] for each in request["ProductionVariants"]]
    if len(set(names)) < len(names):
        raise invalid("Variant names must be unique within an endpoint configuration.")
    with state.lock:
        for each in request["ProductionVariants"]:
            if "ModelName" not in each:
                raise not_simulated("variants without a model")
            model(state, each["ModelName"])
        if name in state.table(CONFIG):
            raise invalid(f'Cannot create already existing endpoint configuration "{arn}".')
        kept = {key: value for key, value in request.items() if key != "Tags"}
        state.table(CONFIG)[name] = {**kept, "EndpointConfigArn": arn, "CreationTime": now()}
        remember_tags(state, arn, request)
    return {"EndpointConfigArn": arn}


@operation("DescribeEndpointConfig")
def describe_config(state: State, request: Request) -> Answer:
    with state.lock:
        return dict(config(state, request["EndpointConfigName"]))


@operation("ListEndpointConfigs")
def list_configs(state: State, request: Request) -> Answer:
    shown = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
    with state.lock:
        items = [(name, {key: each[key] for key in shown}) for name, each in state.table(CONFIG).items()]
    return listed(items, request, "EndpointConfigs")


@operation("DeleteEndpointConfig")
def delete_config(state: State, request: Request) -> Answer:
    with state.lock:
        arn = config(state, request["EndpointConfigName"])["EndpointConfigArn"]
        del state.table(CONFIG)[request["EndpointConfigName"]]
        state.tags.pop(arn, None)
    return {}
