"""The cards of this machine: which there are, and which of them a step of this worker may have now.

Asked without loading torch into the worker. A card is given out under a lock that the step's program holds
itself, so it is free exactly when nothing runs on it any more, however its worker ended.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger()

DEVICES = "FITTINGROOM_DEVICES"  # "0,1", or "none": what the worker offers, whatever else the machine says
LOCKS = "FITTINGROOM_DEVICE_LOCKS"
NONE = frozenset({"", "none", "void", "-1"})
SMI_SECONDS = 20  # a driver that does not answer must not keep the worker from its other queues
_CARD = re.compile(r"^GPU \d+: .*\(UUID: (GPU-[^)]+)\)$")
_PART = re.compile(r"^\s+MIG .*\(UUID: (MIG-[^)]+)\)$")


def find_devices(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> tuple[str, ...]:
    """As CUDA_VISIBLE_DEVICES names them: by what the driver calls them, which is one name in all containers
    of a host; by their number where nobody can be asked."""
    if DEVICES in environment:
        return _listed(environment[DEVICES])
    if environment.get("NVIDIA_VISIBLE_DEVICES", "all").lower() in NONE:
        return ()
    found = _by_driver(environment.get("PATH")) or _by_files(root)
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    return found if visible is None else _visible(found, _listed(visible))


def _listed(text: str) -> tuple[str, ...]:
    names = [name.strip() for name in text.split(",")]
    return tuple(dict.fromkeys(name for name in names if name.lower() not in NONE))


def _visible(found: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Numbers count the cards that were found; a longer name may be cut short, as CUDA takes it."""
    by_number = {str(number): name for number, name in enumerate(found)}
    by_start = {name: next((one for one in found if one.startswith(name)), "") for name in names}
    chosen = (by_number.get(name) or by_start[name] for name in names)
    return tuple(dict.fromkeys(name for name in chosen if name))


def _by_driver(path: str | None) -> tuple[str, ...]:
    program = shutil.which("nvidia-smi", path=path)
    if program is None:
        return ()
    try:
        asked = subprocess.run(  # noqa: S603 - the driver's own program
            [program, "-L"], capture_output=True, text=True, timeout=SMI_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        log.warning("driver_did_not_answer", exc_info=True)
        return ()
    return cards_in(asked.stdout)


def cards_in(listing: str) -> tuple[str, ...]:
    """Of a card that is divided its parts: it is no longer to be had as a whole."""
    cards: list[list[str]] = []
    for line in listing.splitlines():
        if card := _CARD.match(line):
            cards.append([card.group(1)])
        elif (part := _PART.match(line)) and cards:
            cards[-1].append(part.group(1))
    return tuple(name for card in cards for name in (card[1:] or card))


def _by_files(root: Path) -> tuple[str, ...]:
    count = len(list((root / "dev").glob("nvidia[0-9]*")))
    return tuple(str(number) for number in range(count))


@dataclass(frozen=True)
class Card:
    """A card that is ours for now. ``lock`` is the open file that says so; the program inherits it."""

    name: str
    lock: int

    def give_back(self) -> None:
        """The program may still be ending: what it holds open keeps the card."""
        os.close(self.lock)


class Cards:
    """Hands out each card once on this host: among all workers, and containers, that share ``locks``."""

    def __init__(self, names: Sequence[str], locks: Path) -> None:
        self.names = tuple(names)
        self._locks = locks

    def take(self) -> Card | None:
        """None: all of them are in use, by this worker or by another one of this host."""
        for name in self.names:
            lock = _locked(_lock_file(self._locks, name))
            if lock is not None:
                return Card(name, lock)
        return None


def locks_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """One for all workers of the host, whoever runs them; containers mount the host's."""
    if named := environment.get(LOCKS):
        return Path(named)
    run = Path("/run/lock")
    parent = run if os.access(run, os.W_OK) else Path("/tmp")  # noqa: S108 - links in it are not followed
    return parent / "fittingroom-devices"


def _lock_file(directory: Path, name: str) -> Path:
    return directory / f"{re.sub(r'[^A-Za-z0-9-]', '_', name)}.lock"


def _locked(path: Path) -> int | None:
    if not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.parent.chmod(0o1777)  # a worker of another user locks the same files
    descriptor = _opened(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _opened(path: Path) -> int:
    """For reading is enough for a lock, and what another user made may be opened for no more."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        return os.open(path, flags)
    except FileNotFoundError:
        descriptor = os.open(path, flags | os.O_CREAT, 0o644)
        os.fchmod(descriptor, 0o644)
        return descriptor
