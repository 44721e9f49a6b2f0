"""The outbox is delivered once, from whichever database the home names."""

from pathlib import Path

from app.core import outbox
from app.core.settings import Settings
from app.handlers import open_services, outbox_senders

ADDRESS = "database.address"


def act(home: Path) -> None:
    address = (home / ADDRESS).read_text() or None
    services = open_services(Settings(home=home, sample=None, database_url=address, redis_url=None))
    outbox.deliver(services.works, outbox_senders(services))
