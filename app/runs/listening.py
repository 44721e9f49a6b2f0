"""What the streams of a run share: waiting for a change, and asking again whether the reader may listen."""

import asyncio
import time
from collections.abc import Callable

from app.core.changes import Watcher

SILENCE_SECONDS = 15.0  # then a comment, so that proxies keep the connection and a dead client is noticed
RECHECK_SECONDS = 30.0  # how long a revoked token or an ended session may go on listening
STILL_HERE = ": still here\n\n"


class Listener:
    """Whoever holds a stream open. ``permitted`` looks into the database, so it is asked now and then."""

    def __init__(self, permitted: Callable[[], bool], watcher: Watcher) -> None:
        self._permitted = permitted
        self._watcher = watcher
        self._asked = time.monotonic()
        self._may = True

    @property
    def sent_away(self) -> bool:
        """This process leaves, and the reader shall come back to another."""
        return self._watcher.ending

    async def may_go_on(self) -> bool:
        if self.sent_away:
            return False
        if self._may and time.monotonic() - self._asked > RECHECK_SECONDS:
            self._may = await asyncio.to_thread(self._permitted)
            self._asked = time.monotonic()
        return self._may


async def changed(changes: "asyncio.Queue[int]") -> bool:
    """False after a silence."""
    try:
        await asyncio.wait_for(changes.get(), SILENCE_SECONDS)
    except TimeoutError:
        return False
    return True
