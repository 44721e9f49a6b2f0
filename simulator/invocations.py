"""InvokeEndpoint: a request is handed to a container, and the container's answer is what comes back."""

import http.client
import json

from simulator.core import ACCOUNT, AwsError, RawAnswer, RawRequest, State, route
from simulator.endpoints import Endpoint, Variant
from simulator.serving import Instance, Served

LIMIT_BYTES = 6_291_456
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency "
    "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


@route("InvokeEndpoint", "POST", r"/endpoints/(?P<name>[^/]+)/invocations")
def invoke(state: State, request: RawRequest, name: str) -> RawAnswer:
    if len(request.body) > LIMIT_BYTES:
        raise AwsError("ValidationError", f"Request body has more than {LIMIT_BYTES} bytes.")
    with state.lock:
        asked = _serving(state, name)
        variant = _variant(asked, request.headers.get("x-amzn-sagemaker-target-variant", ""))
        instance = variant.next()
        instance.take()
    with instance.asked():
        served = _answered(state, instance, request)
    if isinstance(served, RawAnswer):
        return served
    headers = {"Content-Type": served.content_type, "x-Amzn-Invoked-Production-Variant": variant.name}
    if ATTRIBUTES in served.headers:
        headers[ATTRIBUTES] = served.headers[ATTRIBUTES]
    return RawAnswer(served.body, 200, headers)


def _serving(state: State, name: str) -> Endpoint:
    """While an endpoint is updated, its old variants answer."""
    found: Endpoint | None = state.table("endpoint").get(name)
    if found is None or found.status == "Deleting" or not found.variants:
        raise AwsError("ValidationError", f"Endpoint {name} of account {ACCOUNT} not found.")
    return found


def _variant(asked: Endpoint, wanted: str) -> Variant:
    try:
        return asked.chosen(wanted)
    except AwsError as error:
        raise AwsError("ValidationError", error.message) from None


def _answered(state: State, instance: Instance, request: RawRequest) -> Served | RawAnswer:
    """The container's answer, or what the service says in its place."""
    try:
        served = _handed_on(state, instance, request)
    except TimeoutError:
        return _model_error(state, instance, 0, TIMED_OUT, b"")
    except (OSError, http.client.HTTPException) as error:
        with state.lock:
            if not instance.alive:
                instance.start()  # as the service does with a container that has ended
        return _model_error(state, instance, 500, f"The container broke off: {error}", b"")
    if served.status >= 400:
        message = served.body.decode(errors="replace")
        return _model_error(state, instance, served.status, message, served.body)
    return served


def _handed_on(state: State, instance: Instance, request: RawRequest) -> Served:
    headers = request.headers
    return instance.ask(
        "POST",
        "/invocations",
        state.invocation_seconds,
        request.body,
        Content_Type=headers.get("content-type", ""),
        Accept=headers.get("accept", "*/*"),
        X_Amzn_SageMaker_Custom_Attributes=headers.get(ATTRIBUTES.lower(), ""),
        X_Amzn_SageMaker_Inference_Id=headers.get("x-amzn-sagemaker-inference-id", ""),
    )


def _model_error(state: State, instance: Instance, status: int, message: str, body: bytes) -> RawAnswer:
    whose = "client" if 400 <= status < 500 else "server"
    where = f"https://{state.region}.console.aws.amazon.com/cloudwatch/home?region={state.region}"
    words = {
        "Message": f'Received {whose} error ({status}) from primary with message "{message}". See '
        f"{where}#logEventViewer:group={instance.group} in account {ACCOUNT} for more information.",
        "OriginalMessage": body.decode(errors="replace") or message,
        "OriginalStatusCode": status,
        "LogStreamArn": state.arn("log-group:" + instance.group, instance.stream, "logs"),
        "ErrorCode": "CLIENT_ERROR_FROM_MODEL" if whose == "client" else "SERVER_ERROR_FROM_MODEL",
    }
    headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ModelError"}
    return RawAnswer(json.dumps(words).encode(), 424, headers)
