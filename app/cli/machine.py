"""What the command line does on the machine itself: it opens the home's database, as the server would."""

from app.accounts.tokens import create_service_token
from app.core import migrations
from app.core.database import Databases
from app.core.security import Role
from app.core.settings import Settings
from app.core.work import Works


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
