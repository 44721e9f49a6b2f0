"""What is on the screen, as a program would ask for it: with curl, with Python, on the command line."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from app.core.origin import origin_of


@dataclass(frozen=True)
class Call:
    """One request of the REST API. ``command`` is the same for ``fittingroom``, where there is one."""

    what: str  # "Start this run again"
    method: str
    path: str  # "/api/v1/runs/run_…"
    body: Mapping[str, Any] | None = None
    command: str = ""


@dataclass(frozen=True)
class Snippet:
    what: str
    curl: str
    python: str
    command: str


def snippets(request: Request, *calls: Call) -> list[Snippet]:
    """The token stands for itself: each reads it from the environment, as the command line does."""
    origin = origin_of(request)
    return [
        Snippet(call.what, _curl(origin, call), _python(origin, call), _command(call.command))
        for call in calls
    ]


def _curl(origin: str, call: Call) -> str:
    parts = ["curl -sS"]
    if call.method != "GET":
        parts.append(f"-X {call.method}")
    parts.append('-H "Authorization: Bearer $FITTINGROOM_TOKEN"')
    if call.body is not None:
        parts.append("-H 'Content-Type: application/json'")
        parts.append(f"-d {shlex.quote(json.dumps(call.body, ensure_ascii=False))}")
    parts.append(shlex.quote(origin + call.path))
    return " \\\n  ".join(parts)


def _python(origin: str, call: Call) -> str:
    body = "" if call.body is None else f"    json={call.body!r},\n"
    return (
        "import os\n\nimport httpx\n\n"
        f"answer = httpx.{call.method.lower()}(\n"
        f"    {origin + call.path!r},\n"
        "    headers={'Authorization': f\"Bearer {os.environ['FITTINGROOM_TOKEN']}\"},\n"
        f"{body}"
        ")\n"
        "print(answer.raise_for_status().json())"
    )


def _command(command: str) -> str:
    return f"fittingroom {command}" if command else ""
