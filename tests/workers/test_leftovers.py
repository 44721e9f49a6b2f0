"""What a process that was killed in the middle of something has left in the scratch directories."""

import os
import time

from app.core.services import Services
from workers.leftovers import KEEP, collect_leftovers


def test_what_nobody_touched_for_a_day_goes_and_what_somebody_writes_stays(services: Services) -> None:
    abandoned, slow = services.storage.scratch("upload-"), services.storage.scratch("upload-")
    serving = services.settings.home / "serving" / "mv_1-x"
    serving.mkdir(parents=True)
    long_ago = time.time() - KEEP.total_seconds() - 60
    for directory in (abandoned, slow, serving):
        (directory / "upload").write_bytes(b"half of a file")
        for path in (directory / "upload", directory):
            os.utime(path, (long_ago, long_ago))
    with (slow / "upload").open("ab") as file:
        file.write(b" and a little more")
    assert sorted(collect_leftovers(services)) == sorted([abandoned, serving])
    assert [slow.exists(), abandoned.exists(), serving.exists()] == [True, False, False]
