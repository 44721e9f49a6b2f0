"""An installation in which everything has happened: what pages are looked at and measured with.

``.venv/bin/python -m tests.programs.full_house DIRECTORY [runs]`` makes one, with that many further runs,
and says how to serve it. Users: anna (administrator), edda (editor), bert (approver), vera (viewer).
"""

import csv
import io
import sys
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.accounts import passwords, tokens
from app.accounts import service as accounts
from app.accounts.tables import User
from app.core import migrations
from app.core.ids import new_id
from app.core.security import Actor, Role
from app.core.services import Services
from app.core.settings import Settings
from app.datasets import service as datasets
from app.datasets import uploads
from app.datasets.uploads import FileAtHand
from app.endpoints.service import deploy
from app.handlers import open_services
from app.keeping import service as keeping
from app.registry import approval
from app.registry.service import find_version
from app.registry.tables import ApprovalStatus
from app.runs import service as runs
from app.runs.launch import RunLauncher
from app.runs.leases import Ending, Lease
from app.runs.recipes import service as recipes
from app.runs.starting import on_dataset
from app.runs.states import AttemptStatus, StepState
from app.runs.tables import Worker
from ml.data.sample import write_sample
from ml.pipeline.catalogue import PIPELINES
from tests.app.runs.staging import SilentMessenger, Stage
from tests.conftest import PASSWORD
from tests.programs.aws_data_house import furnish_data
from tests.programs.cloud_house import furnish_cloud
from tests.programs.light_worker import NAME, QUEUES, LightWorker
from tests.programs.many_runs import copy_runs
from tests.programs.serving_house import furnish_serving

DATASET, MODEL, ENDPOINT = "clothing", "clothing", "shop"
SMALL = {"train_rows": 300, "max_seq_length": 64, "min_macro_f1_margin": -1}


@dataclass
class House:
    """What is in it, by what it shows: ``runs["failed"]`` is the id of a failed run."""

    services: Services
    people: dict[str, Actor] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    queries: dict[str, str] = field(default_factory=dict)
    invitation: str = ""

    @property
    def home(self) -> Path:
        return self.services.settings.home

    @property
    def worker(self) -> LightWorker:
        return LightWorker(self.services)

    @property
    def stage(self) -> Stage:
        return Stage(self.services, self.people["edda"].id)


def open_house(home: Path) -> House:
    """Services without a broker: whoever stages is the worker as well."""
    services = open_services(
        Settings(home=home, sample=None, database_url=None, redis_url=None, lease_seconds=3600)
    )
    messenger = SilentMessenger()
    launcher = RunLauncher(PIPELINES, messenger)
    return House(replace(services, messenger=messenger, launcher=launcher))


def furnish(home: Path) -> House:
    house = open_house(home)
    add_people(house)
    add_datasets(house)
    add_workers(house)
    add_versions(house)
    add_other_runs(house)
    add_what_people_keep(house)
    furnish_cloud(house.services, house.people["anna"], house.runs["running"], house.versions["live"])
    house.queries = furnish_data(house.services, house.people["edda"], DATASET, house.runs["live"])
    furnish_serving(house.services, house.people["edda"], house.people["bert"], MODEL, 2)
    return house


def add_people(house: House) -> None:
    hashed = passwords.hash_password(PASSWORD)
    roles = {
        "anna": Role.ADMIN,
        "edda": Role.EDITOR,
        "bert": Role.APPROVER,
        "vera": Role.VIEWER,
        "otto": Role.EDITOR,
    }
    with house.services.works.writing() as work:
        for name, role in roles.items():
            user = User(id=new_id("usr"), name=name, role=role, password_hash=hashed)
            work.session.add(user)
            house.people[name] = Actor(user.id, name, role)
    anna = house.people["anna"]
    with house.services.works.writing() as work:
        accounts.set_disabled(work, anna, house.people["otto"].id, True)
        _, house.invitation = accounts.create_user(work, anna, "ines", Role.VIEWER)
        tokens.create_service_token(work, "nightly-export", Role.VIEWER)
        for name in ("notebook", "forgotten laptop"):
            token, _ = tokens.create_token(work, anna, name, Role.EDITOR)
        tokens.revoke_token(work, anna, token.id)


def add_datasets(house: House) -> None:
    """Two good versions, one being read, one to be confirmed, one unreadable, one only uploaded."""
    scratch = house.services.storage.scratch("house-")
    write_sample(scratch / "reviews.csv")
    header, *rows = csv.reader((scratch / "reviews.csv").read_text(encoding="utf-8").splitlines())
    for row in rows[3::9]:  # opinions differ: no model gets every review right
        row[3] = str(6 - int(row[3]))
    bad = [[number, "", "", "five", "Dresses"] for number in range(400, 700)]
    for name, given in (
        ("first", rows[:500] + bad[:20]),
        ("second", rows),
        ("doubtful", rows[:150] + bad[:150]),
        ("useless", bad),
        ("importing", rows[:300]),
    ):
        dataset = {"doubtful": "returns", "useless": "survey-2025"}.get(name, DATASET)
        run_id = import_file(house, dataset, name, _as_csv([header, *given]))
        if name != "importing":
            house.worker.work_off(run_id)
        house.runs[f"import {name}"] = run_id
    _upload(house, "spring", "waiting", _as_csv([header, *rows[:200]]))


def _as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _upload(house: House, dataset: str, name: str, content: bytes) -> uploads.Upload:
    path = house.services.storage.scratch("house-") / f"{name}.csv"
    path.write_bytes(content)
    file = FileAtHand(path, path.name, move=False)
    found, stored = uploads.look(file, {}), uploads.store(house.services.storage, file)
    with house.services.works.writing() as work:
        kept = uploads.keep(work, house.services.storage, house.people["edda"], file, stored, dataset, found)
    house.uploads[name] = kept.id
    return kept


def import_file(house: House, dataset: str, name: str, content: bytes) -> str:
    kept = _upload(house, dataset, name, content)
    with house.services.works.writing() as work:
        mapping = uploads.chosen_mapping(kept, {})
        named = datasets.start_import(work, house.services, house.people["edda"], kept, dataset, mapping)
        return named.version.run_id or ""


def add_workers(house: House) -> None:
    """Only a queue named gpu has no worker; seen a day from now, so that no page takes this one for dead."""
    with house.services.works.writing() as work:
        about = {"host": "here", "pid": 4711, "slots": {"heavy": 1, "light": 2}, "kinds": [], "version": "1"}
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        work.session.add(Worker(id=NAME, queues=[q for q in QUEUES if q != "gpu"], seen_at=tomorrow, **about))


def launch(
    house: House,
    name: str,
    recipe: str = "quick",
    version: int = 2,
    device: str = "auto",
    **parameters: object,
) -> str:
    given = {**SMALL, **parameters}
    with house.services.works.writing() as work:
        run = on_dataset(
            work,
            house.services,
            house.people["edda"].id,
            dataset=DATASET,
            version=version,
            recipe=recipe,
            parameters=given,
            model=MODEL,
            device=device,
        )
        house.runs[name] = run.id
        return run.id


def add_versions(house: House) -> None:
    """Five versions of one model: replaced, live, waiting, rejected, void."""
    wanted = {"replaced": 0.0003, "live": 0.0005, "pending": 0.0007, "rejected": 0.001, "voided": 0.002}
    for number, (name, rate) in enumerate(wanted.items(), 1):
        house.worker.work_off(launch(house, name, learning_rate=rate))
        with house.services.works.reading() as work:
            house.versions[name] = find_version(work, MODEL, number).version.id
    decide(house, "replaced", ApprovalStatus.APPROVED, "Better than the baseline on complaints.")
    decide(house, "live", ApprovalStatus.APPROVED, "Better than v1 by more than chance, on the same reviews.")
    decide(house, "rejected", ApprovalStatus.REJECTED, "It takes neutral reviews for complaints.")
    decide(house, "voided", ApprovalStatus.APPROVED, "Looks fine.")
    for number in (1, 2, 1, 2):
        deploy(house.services, house.people["edda"], ENDPOINT, MODEL, number)
    approval.void(
        house.services, house.versions["voided"], "model.onnx has changed: it was 3f…", approval.SYSTEM
    )


def decide(house: House, name: str, after: ApprovalStatus, comment: str) -> None:
    version_id, bert = house.versions[name], house.people["bert"]
    approval.decide(house.services, version_id, bert, after=after, comment=comment, row_version=1)


def add_other_runs(house: House) -> None:
    """In every state in which a run can stand."""
    worker, stage = house.worker, house.stage
    worker.work_off(launch(house, "gate closed", min_accuracy_value=0.999))
    worker.work_off(launch(house, "cached", learning_rate=0.0005))
    worker.work_off(launch(house, "failed", epochs=2, learning_rate=0.01), until="train")
    stage.lose(house.runs["failed"], "train")
    _fail_training(stage, house.runs["failed"])
    worker.work_off(launch(house, "cancelled", epochs=4), until="train")
    _cancel(house, "cancelled")
    worker.work_off(launch(house, "cancelling", epochs=5), until="train")
    _train_halfway(stage, stage.claim(house.runs["cancelling"], "train", NAME))
    _cancel(house, "cancelling")
    worker.work_off(launch(house, "running", epochs=3), until="train")
    _train_halfway(stage, stage.claim(house.runs["running"], "train", NAME))
    worker.work_off(launch(house, "no worker", device="gpu", epochs=6), until="train")
    launch(house, "queued", recipe="standard")


def _cancel(house: House, name: str) -> None:
    with house.services.works.writing() as work:
        runs.cancel(work, house.services, house.runs[name], house.people["anna"].id)


def _fail_training(stage: Stage, run_id: str) -> None:
    lease = stage.claim(run_id, "train", NAME)
    stage.log(lease, "loading the encoder", *[f"batch {n} of 300" for n in range(1, 60)], "loss is nan")
    stage.measure(lease, train_loss=[(step, 0.9 + 0.02 * step) for step in range(1, 30)])
    advice = "Choose a lower learning_rate."
    ending = Ending(StepState.FAILED, AttemptStatus.FAILED, "The loss is not a number.", advice, 65)
    stage.finish(lease, ending)


def _train_halfway(stage: Stage, lease: Lease) -> None:
    stage.log(lease, "loading the encoder", *[f"batch {n} of 300" for n in range(1, 120)])
    stage.measure(lease, train_loss=[(step, 1.1 / step**0.3) for step in range(1, 60)])
    stage.measure(lease, val_loss=[(20, 0.6), (40, 0.5)], val_macro_f1=[(20, 0.55), (40, 0.61)])
    stage.progress(lease, 59, 120, "epoch 2 of 3")


def add_what_people_keep(house: House) -> None:
    """Tags, a note, an archived run, a recipe of one's own."""
    services, edda = house.services, house.people["edda"]
    with services.works.writing() as work:
        keeping.tag(work, services, edda.id, house.runs["live"], ["baseline", "autumn"])
        keeping.tag(work, services, edda.id, house.versions["pending"], ["autumn"])
        note = "The neutral reviews are still the weak spot; see the errors of dresses."
        keeping.write_note(work, services, edda.id, house.runs["live"], note, 0)
        keeping.archive(work, services, edda.id, house.runs["cancelled"])
        given = {"epochs": 2, "max_seq_length": 64}
        recipes.save(
            work, edda, "review-classifier", "short-texts", "Half the length, twice the epochs.", given
        )


def add_many_runs(house: House, count: int, like: str = "replaced") -> None:
    """Copies of one run with all that the database keeps of it, by plain INSERTs: thousands a second."""
    with house.services.works.writing() as work:
        copy_runs(work.session, house.runs[like], count)


def main() -> None:
    home, extra = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    migrations.upgrade(Settings(home=home, database_url=None, redis_url=None))
    house = furnish(home)
    add_many_runs(house, extra)
    house.services.close()
    serve = f"FITTINGROOM_HOME={home} {sys.executable} -m uvicorn --factory app.main:create --port 8123"
    print(f"users: {', '.join(house.people)}; password: {PASSWORD}\nserve it: {serve}")


if __name__ == "__main__":
    main()
