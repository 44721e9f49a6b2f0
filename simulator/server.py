"""The one WSGI application: control, faults, what we answer ourselves, and moto for all the rest."""

import json
import re
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, parse_qsl
from xml.sax.saxutils import escape

from botocore import xform_name
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sagemaker.responses import SageMakerResponse

from simulator import control, identity, validation
from simulator.core import (
    OPERATIONS,
    OWN_AGENT,
    ROUTES,
    AwsError,
    PassOn,
    RawAnswer,
    RawRequest,
    Route,
    State,
    not_simulated,
)
from simulator.faults import DISCONNECT, Fault

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
JSON_TYPE = "application/x-amz-json-1.1"
REASONS = {200: "OK", 201: "Created", 400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
SCOPE = re.compile(r"Credential=[^,]*/([^/,]+)/aws4_request")


@dataclass
class Received:
    """A request, as far as it must be known to decide who answers."""

    service: str
    operation: str
    raw: RawRequest
    json_call: bool = False
    route: Route | None = None

    @property
    def text(self) -> str:
        return self.raw.body.decode(errors="replace") + self.raw.path

    @property
    def request(self) -> Any:
        try:
            return json.loads(self.raw.body or b"{}")
        except ValueError:
            return None


class Application:
    def __init__(self, state: State) -> None:
        self.state = state
        self._moto = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        identity.arrived(environ.get("HTTP_AUTHORIZATION", ""))
        if path.startswith("/simulator/"):
            return _sent(control.answer(self.state, _raw(environ)), start_response)
        if OWN_AGENT in environ.get("HTTP_USER_AGENT", ""):
            return self._moto(environ, start_response)  # type: ignore[no-any-return]
        received = receive(environ)
        call = self.state.calls.add(
            received.service, received.operation, path, received.request if received.json_call else None
        )
        fault = self.state.faults.take(received.operation, received.text)
        if fault and not fault.after:
            call.code = fault.code
            return _sent(_broken(received, fault), start_response)
        try:
            answer = self._answer(received)
        except AwsError as error:
            call.code = error.code
            answer = _error(received, error)
        except PassOn:
            answer = None
        except Exception as error:  # noqa: BLE001 - the request ends here, and the client must be told
            traceback.print_exc()
            broken = AwsError("InternalFailure", f"The simulator itself failed: {error!r}", 500)
            call.code = broken.code
            answer = _error(received, broken)
        if fault:
            if answer is None:
                b"".join(self._moto(environ, lambda *_words: None))
            call.code = fault.code
            return _sent(_broken(received, fault), start_response)
        if answer is None:
            return self._moto(environ, start_response)  # type: ignore[no-any-return]
        return _sent(answer, start_response)

    def _answer(self, received: Received) -> RawAnswer | None:
        """None for what moto answers. Its requests are checked too, where the service speaks JSON."""
        if received.route:
            match = received.route.pattern.fullmatch(received.raw.path)
            groups = match.groupdict() if match else {}
            return received.route.handler(self.state, received.raw, **groups)
        if not received.json_call:
            return None
        service, name = received.service, received.operation
        if received.request is None:
            raise AwsError("SerializationException", "The request is not JSON.")
        request = validation.check_request(service, name, received.request)
        found = OPERATIONS.get((service, name))
        if found is None:
            if service == "sagemaker" and not hasattr(SageMakerResponse, xform_name(name)):
                raise not_simulated(f"the operation {name}")
            return None
        answer = validation.check_answer(service, name, found.handler(self.state, request))
        return RawAnswer(json.dumps(answer).encode(), headers={"Content-Type": JSON_TYPE})


def receive(environ: Environ) -> Received:
    raw = _raw(environ)
    prefix, _, name = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")
    if prefix in validation.TARGETS:
        return Received(validation.TARGETS[prefix], name, raw, json_call=True)
    for route in ROUTES:
        if route.method == raw.method and route.pattern.fullmatch(raw.path):
            return Received(route.service, route.name, raw, route=route)
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = scope[1] if scope else "s3"
    if service == "s3":
        return Received(service, f"S3.{raw.method}", raw)
    words = parse_qs(raw.body.decode(errors="replace"))
    return Received(service, words.get("Action", [f"{service}.{raw.method}"])[0], raw)


def _raw(environ: Environ) -> RawRequest:
    """The body is read here only where somebody looks into it; objects stream through to moto."""
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name in ("CONTENT_TYPE", "CONTENT_LENGTH")
    }
    length = int(environ.get("CONTENT_LENGTH") or 0)
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    body = b""
    if length and not (scope and scope[1] == "s3"):
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = BytesIO(body)
    query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
    return RawRequest(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""), headers, body, query)


# --- answers ----------------------------------------------------------------------------------------


def _broken(received: Received, fault: Fault) -> RawAnswer:
    if fault.code == DISCONNECT:
        # The server closes the connection when an application ends so.
        raise ConnectionAbortedError("a fault that was asked for")
    return _error(received, AwsError(fault.code, fault.text, fault.status))


def _error(received: Received, error: AwsError) -> RawAnswer:
    if received.json_call or received.route:
        words = {"__type": error.code, "message": error.message, "Message": error.message}
        headers = {"Content-Type": JSON_TYPE, "x-amzn-ErrorType": error.code}
        return RawAnswer(json.dumps(words).encode(), error.status, headers)
    inner = f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
    if received.service == "s3":
        text = f"<Error>{inner}</Error>"
    else:
        text = f"<ErrorResponse><Error>{inner}</Error><RequestId>simulated</RequestId></ErrorResponse>"
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return RawAnswer((head + text).encode(), error.status, {"Content-Type": "application/xml"})


def _sent(answer: RawAnswer, start_response: StartResponse) -> list[bytes]:
    headers = {"x-amzn-RequestId": "simulated", **answer.headers, "Content-Length": str(len(answer.body))}
    start_response(f"{answer.status} {REASONS.get(answer.status, 'Answer')}", list(headers.items()))
    return [answer.body]
