"""A model version is approved, deployed, loaded and asked."""

import asyncio
import json
from pathlib import Path

from sqlalchemy import func, select

from app.accounts.tables import AuditEntry
from app.core.security import Actor, Role
from app.core.services import Services
from app.endpoints import queries
from app.endpoints.loaded import load
from app.endpoints.service import deploy
from app.endpoints.tables import Deployment
from app.registry import approval
from app.registry.service import find_version
from app.registry.tables import ApprovalStatus
from ml.data.sample import write_sample
from ml.serving.predictor import ReviewInput
from tests.programs.full_house import DATASET, ENDPOINT, MODEL, add_people, import_file, launch, open_house
from tests.reliability import remains, restarting

PEOPLE = "people.json"


def prepare(home: Path) -> None:
    """A version that waits for its approval, made of a data set by every step but a lighter training."""
    house = open_house(home)
    add_people(house)
    write_sample(home / "sample.csv")
    house.worker.work_off(import_file(house, DATASET, "first", (home / "sample.csv").read_bytes()))
    house.worker.work_off(launch(house, "one", version=1))
    people = {name: actor.id for name, actor in house.people.items()}
    (home / PEOPLE).write_text(json.dumps(people))
    restarting.work_off(house.services, "sound")
    restarting.sweep(house.services)


def act(home: Path) -> None:
    services = restarting.open_at(home)
    _approve(services)
    _deploy_and_ask(services)
    restarting.work_off(services, "armed")


def recover(home: Path) -> None:
    """A person looks at the page and does what has not been done yet."""
    services = restarting.open_at(home)
    with services.works.reading() as work:
        status = find_version(work, MODEL, 1).version.status
    if status == ApprovalStatus.PENDING:
        _approve(services)
    _deploy_and_ask(services)
    restarting.work_off(services, "sound")
    restarting.sweep(services)
    assert _counted(services) == {"approved": 1, "deployed": 1, "deployments": 1}
    assert not (found := remains.complaints(services)), "\n".join(found)


def _approve(services: Services) -> None:
    with services.works.reading() as work:
        version = find_version(work, MODEL, 1).version
    bert = _person(services, "bert", Role.APPROVER)
    approval.decide(
        services,
        version.id,
        bert,
        after=ApprovalStatus.APPROVED,
        comment="Good.",
        row_version=version.row_version,
    )


def _deploy_and_ask(services: Services) -> None:
    deploy(services, _person(services, "edda", Role.EDITOR), ENDPOINT, MODEL, 1)
    with services.works.reading() as work:
        (placed,) = queries.live(work.session)
    (answer,) = asyncio.run(load(services, placed).predict([ReviewInput("A lovely dress", "")]))
    assert answer.label


def _person(services: Services, name: str, role: Role) -> Actor:
    people = json.loads((services.settings.home / PEOPLE).read_text())
    return Actor(people[name], name, role)


def _counted(services: Services) -> dict[str, int | None]:
    with services.works.reading() as work:
        entries = select(func.count()).select_from(AuditEntry)
        return {
            "approved": work.session.scalar(entries.where(AuditEntry.action.like("%approved"))),
            "deployed": work.session.scalar(entries.where(AuditEntry.action == "endpoint.deployed")),
            "deployments": work.session.scalar(select(func.count()).select_from(Deployment)),
        }
