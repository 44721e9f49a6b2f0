"""Tags of what the simulator itself made; those of other things are moto's."""

from simulator.core import Answer, PassOn, Request, State, operation


def _tags(state: State, request: Request) -> dict[str, str]:
    found = state.tags.get(request["ResourceArn"])
    if found is None:
        raise PassOn
    return found


def _as_list(tags: dict[str, str]) -> Answer:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


@operation("ListTags")
def list_tags(state: State, request: Request) -> Answer:
    with state.lock:
        return _as_list(_tags(state, request))


@operation("AddTags")
def add_tags(state: State, request: Request) -> Answer:
    with state.lock:
        tags = _tags(state, request)
        tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
        return _as_list(tags)


@operation("DeleteTags")
def delete_tags(state: State, request: Request) -> Answer:
    with state.lock:
        tags = _tags(state, request)
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}
