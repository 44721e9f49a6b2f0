"""What a test may ask of the simulator itself, below ``/simulator/``: no such thing exists at AWS.

====================================== ==========================================================
GET  /simulator/calls?after=N          operations received, in order
POST /simulator/faults                 {operation, code, times, message, after, matching}
DELETE /simulator/faults               all faults taken back
POST /simulator/settings               {grace_seconds, invocation_seconds}
POST /simulator/interruptions          {job}: the machine of a spot training job is taken away
POST /simulator/failures               {job, reason}: a job's machine breaks
====================================== ==========================================================
"""

import json
from dataclasses import asdict
from typing import Any

from simulator.core import RawAnswer, RawRequest, State
from simulator.faults import Fault


def answer(state: State, request: RawRequest) -> RawAnswer:
    name = request.path.removeprefix("/simulator/")
    words = json.loads(request.body or b"{}")
    if (request.method, name) == ("GET", "calls"):
        calls = state.calls.after(int(request.query.get("after", "0")))
        return _said({"calls": [asdict(call) for call in calls]})
    if (request.method, name) == ("POST", "faults"):
        state.faults.add(Fault(**words))
    elif (request.method, name) == ("DELETE", "faults"):
        state.faults.clear()
    elif (request.method, name) == ("POST", "settings"):
        for each in ("grace_seconds", "invocation_seconds"):
            setattr(state, each, float(words.get(each, getattr(state, each))))
    elif (request.method, name) in DEEDS:
        return DEEDS[request.method, name](state, words)
    else:
        return _said({"error": f"unknown: {request.method} {request.path}"}, 404)
    return _said({})


def _interrupt(state: State, words: dict[str, Any]) -> RawAnswer:
    job = state.table("training-job").get(words["job"])
    return _said({"interrupted": bool(job and job.interrupt())})


def _break(state: State, words: dict[str, Any]) -> RawAnswer:
    name = words["job"]
    job = state.table("training-job").get(name) or state.table("processing-job").get(name)
    reason = words.get("reason", "InternalServerError: We encountered an internal error. Please try again.")
    return _said({"broken": bool(job and job.break_down(reason))})


DEEDS = {("POST", "interruptions"): _interrupt, ("POST", "failures"): _break}


def _said(words: Any, status: int = 200) -> RawAnswer:
    return RawAnswer(json.dumps(words).encode(), status, {"Content-Type": "application/json"})
