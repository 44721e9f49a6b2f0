"""A run as JSON, the one shape that REST, the command line and the tests read."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app.core.errors import NotFound
from app.core.storage import Storage
from app.core.work import Work
from app.datasets import queries as datasets
from app.datasets.queries import NamedVersion
from app.runs import queries
from app.runs.cloud import queries as job_queries
from app.runs.cloud.tables import CloudJob
from app.runs.places import priority_word
from app.runs.queries import RunDetail
from app.runs.states import StepState
from app.runs.tables import MetricPoint, Run, Step
from ml.pipeline.definition import Pipeline, Recipe, needs

EVALUATION = "evaluation.json"


def run_json(work: Work, storage: Storage, detail: RunDetail) -> dict[str, Any]:
    shown = _run_json(storage, detail, subjects(work, [detail.run]))
    by_step = job_queries.jobs_of_run(work.session, detail.run.id)
    jobs = [by_step[step.id][-1] if step.id in by_step else None for step in detail.steps]
    shown["steps"] = [
        {**each, "job": job_json(job) if job else None}
        for each, job in zip(shown["steps"], jobs, strict=True)
    ]
    return shown


def job_json(job: CloudJob) -> dict[str, Any]:
    """The newest job at AWS that does the step; costs are in dollars, null where they are not known."""
    return {
        "host": job.host,
        "kind": job.kind,
        "name": job.facts.get("job") or job.name,
        "arn": job.arn,
        "region": job.region,
        "instance_type": job.instance_type,
        "instance_count": job.instance_count,
        "spot": job.spot,
        "status": job.status,
        "reason": job.reason,
        "problem": job.problem,
        "started_at": _time(job.started_at),
        "ended_at": _time(job.ended_at),
        "billable_seconds": job.billable_seconds,
        "price_per_hour": job.price_per_hour,
        "cost": job.dollars,
        "execution": job.facts.get("execution"),
    }


def _run_json(storage: Storage, detail: RunDetail, about: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    run = detail.run
    evaluation = evaluation_of(storage, detail) or {}
    return {
        **summary_json(run, about),
        "parameters": run.parameters,
        "steps": [step_json(step) for step in detail.steps],
        "gate": gate_of(detail),
        "metrics": evaluation.get("metrics"),
        "baseline": evaluation.get("baseline"),
        "model_version": model_version_of(detail),
    }


def subjects(work: Work, runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """The data set versions that the runs are about, by id, in one query."""
    wanted = list({run.subject_id for run in runs if run.subject_id})
    named = datasets.named_versions(work.session, wanted)
    return {version_id: _dataset_json(each) for version_id, each in named.items()}


def dataset_json(work: Work, version_id: str | None) -> dict[str, Any] | None:
    """A data set version as runs and model versions name it."""
    named = datasets.named_versions(work.session, [version_id]) if version_id else {}
    return next((_dataset_json(each) for each in named.values()), None)


def _dataset_json(named: NamedVersion) -> dict[str, Any]:
    return {
        "id": named.dataset.id,
        "name": named.dataset.name,
        "version": named.version.number,
        "version_id": named.version.id,
    }


def summary_json(run: Run, about: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """What a list shows of a run; ``about`` is what :func:`subjects` found."""
    return {
        "id": run.id,
        "number": run.number,
        "pipeline": run.pipeline,
        "recipe": run.recipe,
        "label": run.label,
        "model": run.model,
        "status": run.status,
        "message": run.message,
        "priority": priority_word(run.priority),
        "device": run.device,
        "compute": run.compute,
        "created_at": _time(run.created_at),
        "started_at": _time(run.started_at),
        "finished_at": _time(run.finished_at),
        "dataset": about.get(run.subject_id or ""),
    }


def step_json(step: Step) -> dict[str, Any]:
    failed = step.state == StepState.FAILED
    return {
        "name": step.name,
        "part_of": step.part_of,
        "shard": step.shard,
        "status": step.state,
        "attempts": queries.attempts_counted(step),
        "cached": step.cached,
        "cache_reason": step.cache_reason,
        "seconds": queries.seconds_of(step, datetime.now(UTC)),
        "error": f"{step.last_error} {step.advice}".strip() if failed else None,
        "message": step.last_error,
        "progress": step.progress,
        "program_version": step.program_version,
    }


def evaluation_of(storage: Storage, detail: RunDetail) -> Mapping[str, Any] | None:
    """What the run measured: evaluation.json of the step that left one."""
    for step in reversed(detail.steps):
        if step.runs_program and step.artifact and not step.part_of:
            try:
                file = storage.tree(step.artifact).find(EVALUATION)
                return dict(json.loads(storage.read_bytes(file.sha256)))
            except NotFound:
                continue
    return None


def gate_of(detail: RunDetail) -> dict[str, Any] | None:
    return next((step.result for step in detail.steps if step.kind == "gate" and step.result), None)


def model_version_of(detail: RunDetail) -> dict[str, Any] | None:
    for step in detail.steps:
        if step.kind == "register" and step.result and not step.result.get("deleted"):
            return {"model": step.result["model"], "version": step.result["version"]}
    return None


def _time(value: datetime | None) -> str | None:
    return value.isoformat() if value else None


def runs_json(work: Work, storage: Storage, runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A page of a list: each run as it is shown alone, with one query for all their steps."""
    steps = queries.steps_of_runs(work.session, [run.id for run in runs])
    about = subjects(work, runs)
    return [_run_json(storage, RunDetail(run, steps[run.id], {}), about) for run in runs]


def artifacts_json(storage: Storage, detail: RunDetail) -> list[dict[str, Any]]:
    return [
        {"step": step.name, "path": file.path, "sha256": file.sha256, "size": file.size}
        for step in detail.steps
        if step.artifact
        for file in storage.tree(step.artifact).files
    ]


def points_json(detail: RunDetail, points: Sequence[MetricPoint]) -> list[dict[str, Any]]:
    names = {step.id: step.name for step in detail.steps}
    return [
        {
            "step": names[point.step_id],
            "attempt": point.attempt,
            "name": point.name,
            "at_step": point.step,
            "value": point.value,
            "at": _time(point.at),
        }
        for point in points
        if point.step_id in names
    ]


def pipeline_json(pipeline: Pipeline) -> dict[str, Any]:
    return {
        "pipeline": pipeline.name,
        "inputs": list(pipeline.inputs),
        "steps": [{"name": step.name, "needs": list(needs(step))} for step in pipeline.steps],
        "parameters": [asdict(parameter) for parameter in pipeline.parameters],
        "recipes": [recipe_json(recipe) for recipe in pipeline.recipes],
        "default_recipe": pipeline.default_recipe or None,
    }


def recipe_json(recipe: Recipe) -> dict[str, Any]:
    return asdict(recipe)
