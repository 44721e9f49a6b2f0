"""One of everything that can be kept, made by the verbs that make them, and questions about what is left."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from app.accounts.tables import AuditEntry
from app.core.database import Main
from app.core.security import Actor
from app.core.services import Services
from app.datasets import uploads
from app.datasets.service import start_import
from app.datasets.tables import DatasetVersion
from app.datasets.uploads import FileAtHand
from app.registry import queries as registry
from app.registry.queries import NamedVersion
from app.registry.service import register_version
from app.runs import leases
from app.runs.leases import Ending
from app.runs.native import perform
from app.runs.queries import steps_of
from app.runs.states import AttemptStatus, StepState
from ml.data.importing import Upload as ToImport
from ml.data.importing import import_upload
from tests.app.registry.artifacts import call_of, make_artifacts, reviews
from tests.app.runs.staging import Stage

SEEN = ("api_token", "web_session", "user_account")  # they note when somebody was here
REVIEWS = b"text,rating,title\n" + b"".join(
    b"a review of dress number %d,%d,title %d\n" % (number, number % 5 + 1, number) for number in range(40)
)


def imported(services: Services, actor: Actor, name: str) -> DatasetVersion:
    """A version that was uploaded and read, with the run that did it brought to its end."""
    file = services.storage.scratch("test-") / "reviews.csv"
    file.write_bytes(REVIEWS)
    at_hand = FileAtHand(file, file.name)
    found = uploads.look(at_hand, {})
    stored = uploads.store(services.storage, at_hand)
    with services.works.writing() as work:
        upload = uploads.keep(work, services.storage, actor, at_hand, stored, name, found)
        named = start_import(work, services, actor, upload, name, found["mapping"])
    run_id, stage = named.version.run_id or "", Stage(services, actor.id)
    directory = services.storage.scratch("test-")
    content = services.storage.local_path(stored.sha256)
    import_upload(ToImport(content, file.name, found["mapping"]), directory, lambda *_: None)
    tree = services.storage.put_tree({path.name: path for path in directory.iterdir()})
    read = Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, artifact=tree.sha256)
    stage.finish(stage.claim(run_id, "import"), read)
    lease = stage.claim(run_id, "publish")
    with services.works.writing() as work:
        step = next(each for each in steps_of(work.session, run_id) if each.name == "publish")
        result = dict(perform(work, services, step))
        done = Ending(StepState.SUCCEEDED, AttemptStatus.SUCCEEDED, result=result)
        assert leases.finish(work, services, lease, done)
        return work.session.get_one(DatasetVersion, named.version.id)


@dataclass
class Shelf:
    services: Services
    stage: Stage
    anna: Actor
    version_id: str
    import_id: str
    run_id: str
    scratch: Path

    @property
    def dataset_id(self) -> str:
        with self.services.works.reading() as work:
            return work.session.get_one(DatasetVersion, self.version_id).dataset_id

    def register(self, model: str = "clothing") -> NamedVersion:
        """A version that came from the run, as its last step leaves it."""
        artifacts = make_artifacts(self.services, self.scratch / f"made-{model}", reviews())
        call = call_of(artifacts, self.anna.id, model=model, dataset_version_id=self.version_id)
        with self.services.works.writing() as work:
            step = next(each for each in steps_of(work.session, self.run_id) if each.kind == "register")
            call = replace(call, run_id=self.run_id, step_id=step.id)
            result = register_version(work, self.services, call)
            step.result = dict(result)
            named = registry.version_by_id(work.session, str(result["model_version_id"]))
        assert named is not None
        return named

    def audited(self, action: str) -> list[dict[str, Any]]:
        """The details of all entries of that action."""
        query = select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.seq)
        with self.services.works.reading() as work:
            return [entry.details for entry in work.session.scalars(query)]

    def count(self, table: Any, **where: str) -> int:
        query = select(func.count()).select_from(table).filter_by(**where)
        telemetry = table.__tablename__ in ("metric_point", "log_chunk")
        works = self.services.works
        with works.telemetry_reading() if telemetry else works.reading() as work:
            return work.session.scalar(query) or 0

    def content(self) -> str:
        """Every row of the main database: equal before and after means that nothing was done."""
        tables = {name: table for name, table in Main.metadata.tables.items() if name not in SEEN}
        with self.services.databases.main.engine.connect() as connection:
            rows = {
                name: sorted(map(repr, connection.execute(select(table)).all()))
                for name, table in tables.items()
            }
        return json.dumps(rows, indent=1)

    def refuse(self, verb: str, table: str) -> None:
        """From now on the database itself refuses that: INSERT or DELETE."""
        engine = self.services.databases.main.engine
        refused = "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql(
                    "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
                    "AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$"
                )
                refused = "FOR EACH ROW EXECUTE FUNCTION refuse()"
            connection.exec_driver_sql(f"CREATE TRIGGER refuse BEFORE {verb} ON {table} {refused}")
