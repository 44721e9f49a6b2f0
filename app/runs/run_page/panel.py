"""The chosen step of a run's page: one of its tabs, and only that one is read from where it lies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from app.core.pages import duration
from app.core.services import Services
from app.core.work import Work
from app.runs import queries, service
from app.runs.features.sending import STEP as PREPARE
from app.runs.features.view import FeaturesInAws, in_aws
from app.runs.queries import RunDetail
from app.runs.run_page import cards, curves, logs, results
from app.runs.run_page import queries as page_queries
from app.runs.run_page.asked import TABS, Asked, Place
from app.runs.run_page.logs import Log
from app.runs.run_page.results import ParameterRow, Preview, StepFiles
from app.runs.states import StepState
from app.runs.tables import Attempt, Run, Step
from ml.pipeline.definition import Pipeline

GATE = "gate"
_WORDS = {"config": "Configuration"}


@dataclass(frozen=True)
class TabLink:
    word: str
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True)
class Config:
    """What an attempt ran with. ``environment`` is empty for steps without a program, and in old attempts."""

    facts: Sequence[tuple[str, str]]
    parameters: Sequence[ParameterRow]
    environment: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Panel:
    """``made_in`` is the run that made what this one took from the cache."""

    step: Step
    attempt: Attempt | None
    attempts: Sequence[Attempt]
    place: Place
    tabs: Sequence[TabLink]
    made_in: Run | None
    curves: Sequence[Markup] = ()
    log: Log = field(default_factory=Log)
    files: StepFiles | None = None
    preview: Preview | None = None
    config: Config | None = None
    features: FeaturesInAws | None = None

    @property
    def following(self) -> bool:
        """Whether lines still come."""
        return self.attempt is not None and self.attempt.finished_at is None

    @property
    def conditions(self) -> str:
        """What a gate asks for."""
        return cards.conditions_in_words(self.step)

    def line_url(self, number: int) -> str:
        """An address that shows this line to whoever opens it, also when the log has grown since."""
        if self.log.tail and not self.following:
            return f"{self.place.url()}#L{number}"
        return f"{self.place.url(line=logs.around(number))}#L{number}"


def panel_of(
    work: Work, services: Services, detail: RunDetail, step: Step, asked: Asked, pipeline: Pipeline | None
) -> Panel:
    attempt = service.get_attempt(detail, step, asked.attempt)
    made_in = page_queries.run_of_step(work.session, step.cached_from) if step.cached_from else None
    with services.works.telemetry_reading() as telemetry:
        wanted = asked.tab if asked.tab in _tabs_of(step) else None
        drawn = _curves(telemetry, detail, step, attempt) if wanted in (None, "metrics") else []
        tab = wanted or _usual_tab(step, bool(drawn))
        place = Place(step.name, attempt.number if attempt else None, tab)
        log = (
            logs.log_of(telemetry.session, step, attempt, asked.line, asked.find) if tab == "logs" else Log()
        )
    files = results.files_of(services.storage, step) if tab == "artifacts" else None
    return Panel(
        step=step,
        attempt=attempt,
        attempts=detail.attempts[step.id],
        place=place,
        tabs=_links(step, place, len(detail.attempts[step.id])),
        made_in=made_in,
        curves=drawn,
        log=log,
        files=files,
        preview=results.preview_of(services.storage, step, asked.file) if files and asked.file else None,
        config=_config(step, attempt, pipeline) if tab == "config" else None,
        features=in_aws(work, services, detail.run.id) if files and step.name == PREPARE else None,
    )


def _curves(telemetry: Work, detail: RunDetail, step: Step, attempt: Attempt | None) -> list[Markup]:
    if attempt is None or not step.runs_program:
        return []
    points = queries.metric_points(telemetry.session, step.run_id, step.id, attempt.number)
    address = f"/runs/{detail.run.id}/figures/"
    return list(curves.curves(points, address, f"?step={quote(step.name)}&attempt={attempt.number}"))


def _tabs_of(step: Step) -> Sequence[str]:
    if step.runs_program:
        return TABS
    return ("metrics", "config", "attempts") if step.kind == GATE else ("config", "attempts")


def _usual_tab(step: Step, measured: bool) -> str:
    """Where a reader would look first."""
    if not step.runs_program:
        return _tabs_of(step)[0]
    if step.cached:
        return "artifacts"
    return "metrics" if measured and step.state != StepState.FAILED else "logs"


def _links(step: Step, place: Place, attempts: int) -> list[TabLink]:
    links = []
    for tab in _tabs_of(step):
        word = "Conditions" if (tab, step.kind) == ("metrics", GATE) else _WORDS.get(tab, tab.capitalize())
        url = Place(place.step, place.attempt, tab).url() + "#run-step"
        links.append(TabLink(word, url, tab == place.tab, attempts if tab == "attempts" else 0))
    return links


def _config(step: Step, attempt: Attempt | None, pipeline: Pipeline | None) -> Config:
    environment: Mapping[str, Any] = (attempt.environment if attempt else None) or {}
    facts = [
        ("Program", f"python -m {step.spec['program']}" if step.spec["program"] else ""),
        ("Program version", step.program_version or ""),
        ("Queue", step.queue),
        ("Worker", attempt.worker if attempt else ""),
        ("Cores", str(environment.get("SM_NUM_CPUS", ""))),
        ("GPUs", str(environment.get("SM_NUM_GPUS", ""))),
        ("Time limit", duration(step.spec["deadline_seconds"]) if step.runs_program else ""),
        ("Cache key", step.cache_hash or ""),
    ]
    return Config(
        [(name, value) for name, value in facts if value],
        results.parameter_rows(pipeline, step.spec["arguments"]),
        sorted((name, str(value)) for name, value in environment.items()),
    )
