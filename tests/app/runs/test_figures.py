"""What a run measured stands beside it, also when the measuring step came from the cache."""

import json

import pytest

from app.core.services import Services
from app.runs import caching, queries
from app.runs.caching import Lookup
from app.runs.figures import figures_of
from app.runs.tables import Run
from tests.app.runs.staging import Stage, evaluation, metric


def kept(services: Services, run_id: str) -> Run:
    with services.works.reading() as work:
        return work.session.get_one(Run, run_id)


def test_a_run_that_measured_keeps_its_figures(stage: Stage, services: Services, run_id: str) -> None:
    stage.train(run_id)
    run = kept(services, run_id)
    assert run.macro_f1 == 0.68
    assert run.figures is not None
    assert run.figures["metrics"]["accuracy"] == metric(0.859)
    assert run.figures["difference"]["macro_f1"]["value"] == 0.05
    assert "per_class" not in run.figures["metrics"]


def test_what_comes_from_the_cache_was_measured_too(stage: Stage, services: Services, run_id: str) -> None:
    stage.train(run_id)
    again = stage.launch(stage.dataset("shoes"))
    stage.succeed(again, "prepare", {"snapshot.json": b"{}"})
    stage.succeed(again, "train", {"model/spec.json": b"{}"})
    with services.works.writing() as work:
        found_steps = queries.steps_of_runs(work.session, [run_id, again])
        steps = {key: next(s for s in each if s.name == "evaluate") for key, each in found_steps.items()}
        found = Lookup({}, "0" * 64, steps[run_id], "the same")
        assert caching.take_from_cache(work, services, steps[again], found)
    assert kept(services, again).macro_f1 == 0.68


@pytest.mark.parametrize("content", [b"no json", b"[]", b"{}", b'{"metrics": {"macro_f1": "high"}}'])
def test_what_is_no_evaluation_harms_nothing(
    stage: Stage, services: Services, run_id: str, content: bytes
) -> None:
    stage.succeed(run_id, "prepare", {"evaluation.json": content})
    assert kept(services, run_id).figures is None


def test_without_a_baseline_the_figures_are_kept_all_the_same() -> None:
    found = json.loads(json.dumps(evaluation()))
    del found["baseline"], found["difference"]
    figures = figures_of(found)
    assert figures is not None
    assert (figures["baseline"], figures["difference"]) == ({}, {})
