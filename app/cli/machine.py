"""What the command line does on the machine itself: it opens the home's database, as the server would."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.accounts import service
from app.accounts.tokens import create_service_token
from app.core import migrations
from app.core.database import Databases
from app.core.origin import usual_origin
from app.core.security import Role
from app.core.settings import Settings
from app.core.work import Works
from app.handlers import open_services
from app.integrations.aws.config import row_of
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.setup import entered, save_settings

SYSTEM = "system"  # who acts, in the audit, where nobody is signed in


@dataclass(frozen=True)
class Prepared:
    """``setup_link`` is there while nobody administers; the one before it no longer works."""

    migrated: bool
    setup_link: str | None


def prepare() -> Prepared:
    """The tables of this version, the directories of the storage, a way in."""
    settings = Settings()
    late = migrations.head_differs(settings)
    if late:
        migrations.upgrade(settings)
    services = open_services(settings)
    try:
        with services.works.writing() as work:
            secret = service.issue_setup_link(work)
    finally:
        services.close()
    return Prepared(late, secret and service.setup_address(usual_origin(settings), secret))


def make_token(name: str, role: str) -> tuple[str, str]:
    """The id and the secret of a new service token."""
    settings = Settings()
    if migrations.head_differs(settings):
        migrations.upgrade(settings)
    databases = Databases.open(settings)
    try:
        with Works(databases).writing() as work:
            token, secret = create_service_token(work, name, Role(role))
            return token.id, secret
    finally:
        databases.close()


def set_up_cloud(wanted: Mapping[str, str | bool]) -> dict[str, object]:
    """Writes the cloud's settings down; those that are not given stay as they are."""
    services = open_services(Settings())
    try:
        with services.works.writing() as work:
            row = row_of(work)
            request = CloudRequest.model_validate({**(entered(row) if row else {}), **wanted})
            return entered(save_settings(work, SYSTEM, request))
    finally:
        services.close()
