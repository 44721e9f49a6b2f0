"""The events of a run as a stream: each has its number, so a reader that comes back misses none.

Fed by the one watcher of this process. Between two events the stream holds no session and no thread.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse

from app.accounts.access import still_permitted
from app.core.security import Role, requires
from app.core.services import AppServices, Reading, Services
from app.runs import queries, service
from app.runs.listening import STILL_HERE, Listener, changed
from app.runs.states import RUN_ENDS
from app.runs.tables import RunEvent

router = APIRouter(prefix="/api/v1", tags=["runs"])

LARGEST_DIGITS = 18  # of a number that a bigint holds
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/runs/{run_id}/events", response_class=StreamingResponse)
@requires(Role.VIEWER)
def stream_events(
    request: Request,
    run_id: str,
    work: Reading,
    services: AppServices,
    last_event_id: Annotated[str, Header()] = "",
) -> StreamingResponse:
    """Server-sent events ``run``, ``step``, ``attempt``, ``progress``; it closes when the run has ended."""
    run = service.get_run(work, run_id).run
    known = last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < LARGEST_DIGITS
    after = int(last_event_id) if known else 0
    listener = Listener(lambda: still_permitted(request), services.watcher)
    messages = events(services, run.id, after, listener)
    return StreamingResponse(messages, media_type="text/event-stream", headers=HEADERS)


async def events(services: Services, run_id: str, after: int, listener: Listener) -> AsyncIterator[str]:
    async with services.watcher.listening(run_id) as changes:
        while True:
            found, ended = await asyncio.to_thread(_new_events, services, run_id, after)
            for event in found:
                after = event.seq
                yield _message(event)
            if found:
                continue
            if ended:
                return
            if not await changed(changes):
                yield STILL_HERE
            if not await listener.may_go_on():
                return


def _new_events(services: Services, run_id: str, after: int) -> tuple[list[RunEvent], bool]:
    with services.works.reading() as work:
        run = queries.run_by_id(work.session, run_id)
        return queries.events_after(work.session, run_id, after), run is None or run.status in RUN_ENDS


def _message(event: RunEvent) -> str:
    data = {**event.data, "at": event.at.isoformat()}
    return f"id: {event.seq}\nevent: {event.kind}\ndata: {json.dumps(data)}\n\n"
