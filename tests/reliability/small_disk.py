"""Run within a namespace where a home is a small disk: it runs full for real, in the middle of the work.

``python -m tests.reliability.small_disk MIGRATED HOME`` where HOME is the disk. Each round leaves a little
more room, so that another write is the first one refused: by the databases, a log, an output, the storage.
"""

import os
import shutil
import sys
from pathlib import Path

from tests.reliability.nursery import Nursery, open_nursery
from tests.reliability.trials import unclear

KB = 1024
ROOMS = {"import": (0, 64 * KB, 200 * KB), "toys": (0, 128 * KB)}
FILLER = "filler"


def main(migrated: Path, home: Path) -> int:
    wrong, refused = 0, 0
    modules = {name: f"tests.reliability.scenario_{name}" for name in ROOMS}
    with open_nursery(list(modules.values())) as nursery:
        for name, rooms in ROOMS.items():
            for room in rooms:
                said, failed = _round(nursery, modules[name], migrated, home, room)
                refused += failed
                if said:
                    wrong += 1
                    print(f"{name} with {room} bytes of room: {said}")
    if refused < len(ROOMS):
        print(f"the disk refused something in {refused} rounds only")
        return 1
    return 1 if wrong else 0


def _round(nursery: Nursery, module: str, migrated: Path, home: Path, room: int) -> tuple[str, bool]:
    """What went wrong, and whether the disk refused anything at all."""
    for left in home.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    shutil.copytree(migrated, home, dirs_exist_ok=True)
    ended = nursery.raise_child(module, "prepare", home)
    assert ended.code == 0, ended.log
    _fill(home, room)
    full = nursery.raise_child(module, "act", home)
    (home / FILLER).unlink()
    sound = nursery.raise_child(module, "recover", home)
    failed = full.code != 0 or "failed:" in sound.log or "answered:" in sound.log or "full" in full.log
    if sound.code:
        return f"{sound.log}\nwhile it was full:\n{full.log}", failed
    found = list(unclear(sound.log))
    return (f"what people read is {found}\nwhile it was full:\n{full.log}" if found else ""), failed


def _fill(home: Path, room: int) -> None:
    status = os.statvfs(home)
    with (home / FILLER).open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - room)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
