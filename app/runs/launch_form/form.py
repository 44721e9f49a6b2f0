"""The launch form: what it shows for a recipe, and what comes back when it is sent.

A recipe is applied by asking for the page again with it, so the form needs no script: the values of the
other fields are those of the recipe then, and what differs from it was changed by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from app.charts.notation import plain
from app.core import addresses
from app.core.errors import FittingRoomError, Invalid
from app.core.services import Services
from app.core.work import Work
from app.datasets.queries import NamedVersion, ready_datasets, version_by_id
from app.runs.launch_compute import COMPUTES, LOCAL, PIPELINE, STEP_COMPUTES, Wanted
from app.runs.places import AUTO
from app.runs.queries import RunDetail
from app.runs.recipes.queries import with_saved
from app.runs.starting import CLASSIFIER, on_dataset
from app.runs.tables import Run
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import Parameter, Pipeline, Recipe
from ml.pipeline.resolve import as_string

PREFIX = "p."  # of the parameters' fields, so that none can clash with the form's own
FIELDS = frozenset({"dataset", "recipe", "applied", "model", "key", "clone", "reset", "name", "summary"})
FIELDS |= {"device", "priority", "compute"}
STEP, INSTANCE = "c.", "i."  # of where a step runs, and on what
EVERYTHING = "all"  # what "reset" says to put the whole recipe back


class NoDataset(Invalid):
    title = "No data set was chosen"


@dataclass(frozen=True)
class ParameterField:
    """``usual`` is the recipe's value, ``before`` that of the run which is cloned, where one is."""

    parameter: Parameter
    value: str
    usual: str
    error: str
    before: str | None = None
    cloned: int = 0

    @property
    def name(self) -> str:
        return PREFIX + self.parameter.name

    @property
    def changed(self) -> bool:
        return self.value != self.usual

    @property
    def hint(self) -> str:
        """What it does, what it may be, and what the default is."""
        default = as_string(self.parameter.default)
        parts = [self.parameter.help, allowed(self.parameter), f"Default {default}." if default else ""]
        return " ".join(part for part in parts if part)

    @property
    def against(self) -> str:
        """How the value stands to the recipe's and to the cloned run's."""
        said = [f"Changed from the recipe's {self.usual or 'nothing'}."] if self.changed else []
        if self.before is not None and self.before != self.value:
            said.append(f"Run #{self.cloned} had {self.before or 'nothing'}.")
        return " ".join(said)


@dataclass(frozen=True)
class LaunchForm:
    """What a person typed, or what a recipe or an earlier run says before anybody typed."""

    dataset: str = ""  # the id of a version
    recipe: str = ""
    applied: str = ""  # the recipe whose values the form showed when it was sent
    model: str = ""
    key: str = ""  # sent twice, the form starts one run
    clone: str = ""  # the id of the run that the values were taken from
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)  # by parameter, or by another field's name
    problem: str = ""  # what is wrong with the whole
    device: str = AUTO
    priority: str = "normal"
    compute: str = LOCAL
    computes: Mapping[str, str] = field(default_factory=dict)  # by the names of steps
    instance_types: Mapping[str, str] = field(default_factory=dict)
    reset: str = ""
    name: str = ""  # of a recipe to be saved
    summary: str = ""

    @property
    def wanted(self) -> Wanted:
        """What is left of it where the run as a whole was changed meanwhile: an instance type that no step
        has a use for any more was not typed to be refused."""
        computes = {} if self.compute == PIPELINE else self.computes
        wanted = Wanted(self.compute, computes)
        types = {step: each for step, each in self.instance_types.items() if wanted.host(step) != LOCAL}
        return replace(wanted, instance_types=types)


def offered(session: Session) -> Pipeline:
    """What can be launched, with everybody's recipes among those that come along."""
    return with_saved(session, PIPELINES[CLASSIFIER])


def recipe_of(pipeline: Pipeline, name: str) -> Recipe:
    """An unknown name means the default: the address may come from an older version of ours."""
    names = [recipe.name for recipe in pipeline.recipes]
    return pipeline.recipe(name if name in names else pipeline.default_recipe)


def fields(pipeline: Pipeline, form: LaunchForm, cloned: Run | None = None) -> list[ParameterField]:
    usual = recipe_values(pipeline, recipe_of(pipeline, form.recipe))
    before = {name: as_string(value) for name, value in cloned.parameters.items()} if cloned else {}
    return [
        ParameterField(
            one,
            form.values.get(one.name, usual[one.name]),
            usual[one.name],
            form.errors.get(one.name, ""),
            before.get(one.name),
            cloned.number if cloned else 0,
        )
        for one in pipeline.parameters
    ]


def recipe_values(pipeline: Pipeline, recipe: Recipe) -> dict[str, str]:
    """Every parameter as the recipe has it, in the words of a form."""
    return {one.name: as_string(recipe.values.get(one.name, one.default)) for one in pipeline.parameters}


def allowed(parameter: Parameter) -> str:
    if parameter.type == "boolean" or parameter.choices:
        return ""  # the choices stand in the field
    low, high = parameter.low, parameter.high
    words = f", or {' or '.join(parameter.words)}" if parameter.words else ""
    if low is not None and high is not None:
        return f"{plain(low)} to {plain(high)}{words}."
    if low is not None:
        return f"At least {plain(low)}{words}."
    return f"At most {plain(high)}{words}." if high is not None else ""


def start(work: Work, services: Services, actor_id: str, form: LaunchForm) -> Run:
    """Only what differs from the recipe is an override, so the run's page marks exactly that."""
    named = version_by_id(work.session, form.dataset)
    if named is None:
        raise NoDataset("Choose a data set.", "The list holds those whose newest version is ready.")
    pipeline = offered(work.session)
    form = settled(pipeline, form)
    usual = recipe_values(pipeline, recipe_of(pipeline, form.recipe))
    return on_dataset(
        work,
        services,
        actor_id,
        dataset=named.dataset.id,
        version=named.version.number,
        recipe=form.recipe or None,
        parameters={name: value for name, value in form.values.items() if usual.get(name) != value},
        model=form.model or None,
        idempotency_key=form.key or None,
        priority=form.priority,
        device=form.device,
        compute=form.wanted.compute,
        computes=form.wanted.computes,
        instance_types=form.wanted.instance_types,
    )


def settled(pipeline: Pipeline, form: LaunchForm) -> LaunchForm:
    """What stands as the applied recipe had it was not typed, so it follows the recipe chosen now."""
    values = dict(form.values)
    if form.applied:
        applied = recipe_values(pipeline, recipe_of(pipeline, form.applied))
        values = {name: value for name, value in values.items() if applied.get(name) != value}
    if form.reset:
        kept = {name: value for name, value in values.items() if name != form.reset}
        values = {} if form.reset == EVERYTHING else kept
    return replace(form, values=values, applied=form.recipe, reset="")


def address(pipeline: Pipeline, form: LaunchForm) -> str:
    """The page as it stands, to be passed on: the recipe and what differs from it."""
    usual = recipe_values(pipeline, recipe_of(pipeline, form.recipe))
    named = {"recipe": form.recipe, "dataset": form.dataset, "model": form.model, "clone": form.clone}
    changed = {PREFIX + name: value for name, value in form.values.items() if usual.get(name) != value}
    return addresses.address("/launch", {**named, **placed(form), **sent_compute(form.wanted), **changed})


def placed(form: LaunchForm) -> dict[str, str]:
    """Where and when it runs, as far as that is not as usual."""
    usual = LaunchForm()
    chosen = {"device": (form.device, usual.device), "priority": (form.priority, usual.priority)}
    return {name: value for name, (value, default) in chosen.items() if value != default}


def sent_compute(wanted: Wanted) -> dict[str, str]:
    """As fields of an address, as far as it is not as usual."""
    compute = {} if wanted.compute == LOCAL else {"compute": wanted.compute}
    steps = {STEP + step: each for step, each in wanted.computes.items()}
    return {**compute, **steps, **{INSTANCE + step: each for step, each in wanted.instance_types.items()}}


def refused(form: LaunchForm, refusal: FittingRoomError) -> LaunchForm:
    """The same form with what was typed, and each message beside its field."""
    problems = refusal.details.get("problems", {})
    errors = dict(problems) if isinstance(problems, Mapping) else {}
    said = "" if errors else f"{refusal.message} {refusal.advice}".strip()
    return replace(form, errors=errors, problem=said or f"{len(errors)} of the values can't be used.")


def read(pairs: Mapping[str, object]) -> LaunchForm:
    """From the fields of a sent form, or from an address's query."""
    texts = {name: value.strip() for name, value in pairs.items() if isinstance(value, str)}
    computes = {step: each for step, each in _below(STEP, texts).items() if each in STEP_COMPUTES}
    types = {step: each for step, each in _below(INSTANCE, texts).items() if each}
    form = LaunchForm(values=_below(PREFIX, texts), computes=computes, instance_types=types)
    known = {name: text for name, text in texts.items() if name in FIELDS}
    form = replace(form, **known)  # type: ignore[arg-type] # mypy takes them for any of the fields
    return form if form.compute in COMPUTES else replace(form, compute=LOCAL)


def _below(prefix: str, texts: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in texts.items() if name.startswith(prefix)}


def clone_of(detail: RunDetail, form: LaunchForm) -> LaunchForm:
    """Everything as it was, on the very version it ran on; what the address changes is changed already."""
    run = detail.run
    before = wanted_before(detail)
    values = {name: as_string(value) for name, value in run.parameters.items()}
    return replace(
        form,
        dataset=form.dataset or run.subject_id or "",
        recipe=form.recipe or run.recipe or "",
        applied=run.recipe or "",
        model=form.model or run.model or "",
        device=form.device if form.device != AUTO else run.device,
        compute=form.compute if form.compute != LOCAL else before.compute,
        computes={**before.computes, **form.computes},
        instance_types={**before.instance_types, **form.instance_types},
        clone=run.id,
        values={**values, **form.values},
    )


def wanted_before(detail: RunDetail) -> Wanted:
    """Where an earlier run's steps ran, as it would be asked for again; with the very instances."""
    found = Wanted(detail.run.compute)
    computes, types = {}, {}
    for step in detail.steps:
        if not step.runs_program or step.part_of:
            continue
        compute = step.spec.get("compute")
        if compute:
            types[step.name] = str(compute["instance_type"])
        host = str(compute["host"]) if compute else LOCAL
        if host != found.host(step.name):
            computes[step.name] = host
    return replace(found, computes=computes, instance_types=types)


def version_choices(session: Session, wanted: str) -> tuple[list[tuple[str, str]], str]:
    """What a run can be launched on, and the choice that ``wanted`` means: a version's id, or a name.

    The newest ready version of each data set is offered, and an older one where it was asked for.
    """
    ready = ready_datasets(session)
    asked = version_by_id(session, wanted) if wanted else None
    if asked and asked.version.tree_sha256 and asked.version.id not in [each.version.id for each in ready]:
        ready = [asked, *ready]
    chosen = next(
        (one for one in ready if wanted in (one.version.id, one.dataset.name, one.dataset.id)), None
    )
    return [(one.version.id, _choice(one)) for one in ready], chosen.version.id if chosen else ""


def _choice(named: NamedVersion) -> str:
    return f"{named.dataset.name} v{named.version.number} · {named.version.rows or 0:,} reviews"
