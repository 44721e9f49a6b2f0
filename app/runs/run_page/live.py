"""The run's page kept up to date by one event stream: each message carries the parts that have changed.

The stream holds no session and no thread between two messages. It renders what the page itself renders,
from the same templates, so a part can't look different when it arrives alone.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime

from jinja2 import Environment

from app.core.changes import Watcher
from app.core.services import Services
from app.runs.listening import STILL_HERE, Listener, changed
from app.runs.run_page.asked import Asked
from app.runs.run_page.page import run_page

PARTS = ("head", "steps", "step", "tab", "results")
PAUSE_SECONDS = 1.0  # at most one message a second
ENDED = "event: ended\ndata: ended\n\n"  # the page closes its connection instead of coming back

Parts = Mapping[str, str]
Render = Callable[[], tuple[Parts, bool]]  # the parts, and whether the run still goes on


def drawing(services: Services, jinja: Environment, run_id: str, asked: Asked, may_edit: bool) -> Render:
    """Draws the run as it stands when called, in a short unit of work of its own."""

    def draw() -> tuple[Parts, bool]:
        now = datetime.now(UTC)
        with services.works.reading() as work:
            page = run_page(work, services, run_id, asked, now)
        context = {"page": page, "may_edit": may_edit, "now": now}
        parts = {part: jinja.get_template(f"runs/run_{part}.html").render(context) for part in PARTS}
        return parts, page.live

    return draw


async def messages(watcher: Watcher, run_id: str, render: Render, listener: Listener) -> AsyncIterator[str]:
    shown: dict[str, str] = {}
    async with watcher.listening(run_id) as changes:
        while True:
            parts, live = await asyncio.to_thread(render)
            new = {name: part for name, part in parts.items() if shown.get(name) != _digest(part)}
            if new:
                shown |= {name: _digest(part) for name, part in new.items()}
                yield _message("".join(_partial(name, part) for name, part in new.items()))
            if not live:
                break
            await asyncio.sleep(PAUSE_SECONDS)
            async for comment in _until_changed(changes, listener):
                yield comment
            if not await listener.may_go_on():
                break
        if not listener.sent_away:
            yield ENDED


async def _until_changed(changes: "asyncio.Queue[int]", listener: Listener) -> AsyncIterator[str]:
    while not await changed(changes):
        yield STILL_HERE
        if not await listener.may_go_on():
            return


def _partial(name: str, part: str) -> str:
    return f'<hx-partial hx-target="#run-{name}" hx-swap="innerMorph">{part}</hx-partial>'


def _message(html: str) -> str:
    return "".join(f"data: {line}\n" for line in html.splitlines()) + "\n"


def _digest(part: str) -> str:
    return hashlib.sha256(part.encode()).hexdigest()
