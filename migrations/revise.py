"""Writes a migration from what changed in the tables: ``.venv/bin/python migrations/revise.py "Why"``.

It builds a fresh database from the migrations so far and compares, so nobody's own database matters. Read
what it wrote: a renamed column looks like one that was dropped and another that was added.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.operations.ops import MigrationScript
from alembic.runtime.migration import MigrationContext

from app.core import migrations
from app.core.settings import Settings


def main() -> None:
    (message,) = sys.argv[1:]
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database_url=None)
        migrations.upgrade(settings)
        revise(migrations.configuration("main", settings.main_database_url), message)
        revise(migrations.configuration("telemetry", settings.telemetry_database_url), message)


def revise(config: Config, message: str) -> None:
    folder = Path(config.get_main_option("version_locations") or "")
    number = f"{len(list(folder.glob('*.py'))) + 1:04}_{folder.name}"
    command.revision(
        config, message, autogenerate=True, rev_id=number, process_revision_directives=_nothing_for_nothing
    )


def _nothing_for_nothing(
    _context: MigrationContext, _revision: object, directives: list[MigrationScript]
) -> None:
    """No file where nothing changed."""
    operations = directives[0].upgrade_ops
    if operations is None or operations.is_empty():
        directives.clear()


if __name__ == "__main__":
    main()
