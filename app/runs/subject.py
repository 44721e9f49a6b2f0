"""Runs as things that people keep, see app.keeping. What a run measured and logged goes with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import Invalid
from app.core.outbox import Sender, enqueue
from app.core.services import Keeper, Services, Subject
from app.core.work import Work, Works
from app.datasets.queries import NamedVersion, named_versions
from app.runs import queries
from app.runs.states import RUN_ENDS
from app.runs.subject_queries import active_among, remove_run, remove_telemetry, runs_by_id
from app.runs.tables import Run

LABEL_LIMIT = 200
TELEMETRY = "run.telemetry"  # the outbox's kind


class LabelTooLong(Invalid):
    title = "The label is too long"


def describe_runs(work: Work, ids: Sequence[str]) -> dict[str, Subject]:
    runs = runs_by_id(work.session, ids)
    about = named_versions(work.session, [run.subject_id for run in runs if run.subject_id])
    return {run.id: _subject(run, about.get(run.subject_id or "")) for run in runs}


def _subject(run: Run, about: NamedVersion | None) -> Subject:
    active = "" if run.status in RUN_ENDS else f"Run #{run.number} is {run.status}."
    refusals = [active] if active else []
    if about is not None and about.version.run_id == run.id:
        imported = f"{about.dataset.name} v{about.version.number}"
        refusals.append(f"It imported {imported} and goes with that.")
    return Subject(
        id=run.id,
        kind="run",
        title=f"Run #{run.number}",
        state=run.status,
        url=f"/runs/{run.id}",
        list_url="/runs",
        owner_id=run.actor_id,
        name=run.label,
        renaming="A label, shown beside its number. Nothing finds a run by it.",
        holds=active,
        refusals=refusals,
        alone=True,
        goes="Its steps with all attempts, their logs and curves, and the list of its files. A later run "
        "that took the files of a step from it keeps them.",
    )


def active_of(work: Work, ids: Sequence[str]) -> Sequence[str]:
    return active_among(work.session, ids)


def rename_run(work: Work, subject_id: str, name: str) -> None:
    label = " ".join(name.split())
    if len(label) > LABEL_LIMIT:
        raise LabelTooLong(f"The label has {len(label)} characters.", f"At most {LABEL_LIMIT}.")
    work.session.get_one(Run, subject_id).label = label


def delete_run(work: Work, services: Services, _actor_id: str, subject_id: str) -> Mapping[str, Any]:
    """Metric points and logs lie in the other database: they go after the commit, surely by the outbox."""
    run = queries.locked_run(work.session, subject_id)
    assert run is not None, "app.keeping has just described it"
    steps = queries.steps_of(work.session, run.id)
    taken = {
        "number": run.number,
        "pipeline": run.pipeline,
        "status": run.status,
        "artifacts": {step.name: step.artifact for step in steps if step.artifact},
    }
    remove_run(work.session, run.id)
    enqueue(work.session, TELEMETRY, {"run_id": subject_id})
    send = telemetry_remover(services.works)
    work.after_commit(lambda: send({"run_id": subject_id}))
    return taken


def telemetry_remover(works: Works) -> Sender:
    """The outbox's sender. A second time there is nothing left to remove."""

    def send(payload: Mapping[str, Any]) -> None:
        with works.telemetry_writing() as work:
            remove_telemetry(work.session, payload["run_id"])

    return send


RUNS = Keeper(describe_runs, delete_run, rename_run, active_of)
