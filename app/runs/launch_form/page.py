"""The page of the launch form, gathered: recipes with their times, fields by group, where a run would run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.accounts.queries import actor_names
from app.core.ids import new_id
from app.core.pages import duration
from app.core.security import Actor
from app.core.work import Work
from app.datasets.queries import version_by_id
from app.runs import service
from app.runs.launch_form import form as launching
from app.runs.launch_form.cloud import CloudSection, Place, cloud_section
from app.runs.launch_form.form import LaunchForm, ParameterField
from app.runs.listing import queries as list_queries
from app.runs.listing.queries import Usual
from app.runs.places import AUTO, CPU, GPU, queue_for
from app.runs.recipes import queries as recipe_queries
from app.runs.recipes import service as recipes
from app.runs.tables import Run, SavedRecipe, Worker
from app.runs.workers import queries as worker_queries
from ml.pipeline.definition import Pipeline, ProgramStep, Recipe

SHARES = {"train": "train_split_percentage", "validate": "validation_split_percentage"}
SHARES |= {"test": "test_split_percentage"}


@dataclass(frozen=True)
class RecipeChoice:
    """``saved`` is None for a recipe that comes with the pipeline."""

    recipe: Recipe
    saved: SavedRecipe | None
    by: str
    usual: Usual | None

    @property
    def time(self) -> str:
        return in_words(self.usual)


@dataclass(frozen=True)
class FieldGroup:
    """``folded`` are the advanced ones. They are shown where one of them was changed or refused."""

    name: str
    shown: Sequence[ParameterField]
    folded: Sequence[ParameterField]

    @property
    def open(self) -> bool:
        return any(each.changed or each.error for each in self.folded)

    @property
    def changed(self) -> int:
        return sum(each.changed for each in self.folded)


@dataclass(frozen=True)
class LaunchPage:
    pipeline: Pipeline
    recipe: Recipe
    chosen: RecipeChoice
    recipes: Sequence[RecipeChoice]
    groups: Sequence[FieldGroup]
    form: LaunchForm
    versions: Sequence[tuple[str, str]]
    cloned: Run | None
    places: Sequence[Place]
    cloud: CloudSection
    unserved: Sequence[str]
    facts: Sequence[tuple[str, str, str]]
    changed: int
    may_change_recipe: bool
    address: str


def launch_page(work: Work, actor: Actor, form: LaunchForm) -> LaunchPage:
    pipeline = launching.offered(work.session)
    cloned = service.get_run(work, form.clone).run if form.clone else None
    form = launching.settled(pipeline, form)
    recipe = launching.recipe_of(pipeline, form.recipe)
    versions, dataset = launching.version_choices(work.session, form.dataset)
    dataset = dataset or (versions[0][0] if versions else "")
    form = replace(form, dataset=dataset, recipe=recipe.name, key=form.key or new_id("form"))
    fields = launching.fields(pipeline, form, cloned)
    offered = recipe_choices(work, pipeline)
    chosen = next(each for each in offered if each.recipe.name == recipe.name)
    workers = worker_queries.serving_workers(work.session)
    changed = sum(each.changed for each in fields)
    cloud = cloud_section(work, pipeline, recipe.name, form)
    rows = _rows(work, dataset, fields)
    return LaunchPage(
        pipeline=pipeline,
        recipe=recipe,
        chosen=chosen,
        recipes=offered,
        groups=_groups(fields),
        form=form,
        versions=versions,
        cloned=cloned,
        places=places(workers),
        cloud=cloud,
        unserved=_unserved(pipeline, workers, form.device),
        facts=[*rows, ("Expected time", *_time(chosen)), *cloud.facts, _changes(changed, recipe)],
        changed=changed,
        may_change_recipe=chosen.saved is not None and recipes.may_change(actor, chosen.saved),
        address=launching.address(pipeline, form),
    )


def recipe_choices(work: Work, pipeline: Pipeline) -> list[RecipeChoice]:
    saved = {one.name: one for one in recipe_queries.saved_recipes(work.session, pipeline.name)}
    names = actor_names(work.session, [one.owner_id for one in saved.values()])
    usual = list_queries.usual_times(work.session, [(pipeline.name, one.name) for one in pipeline.recipes])
    return [
        RecipeChoice(
            recipe,
            saved.get(recipe.name),
            _owner(saved.get(recipe.name), names),
            usual.get((pipeline.name, recipe.name)),
        )
        for recipe in pipeline.recipes
    ]


def _owner(saved: SavedRecipe | None, names: Mapping[str, str]) -> str:
    return names.get(saved.owner_id, saved.owner_id) if saved else ""


def in_words(usual: Usual | None) -> str:
    if usual is None:
        return "no earlier run"
    runs = "one run" if usual.n == 1 else f"{usual.n} runs"
    return f"about {duration(usual.seconds)}, median of {runs}"


def _groups(fields: Sequence[ParameterField]) -> list[FieldGroup]:
    names = dict.fromkeys(each.parameter.group for each in fields)
    return [
        FieldGroup(
            name,
            [each for each in fields if each.parameter.group == name and not each.parameter.advanced],
            [each for each in fields if each.parameter.group == name and each.parameter.advanced],
        )
        for name in names
    ]


def places(workers: Sequence[Worker]) -> list[Place]:
    """What is known of the workers is what they tell of themselves."""
    cards = sum(len(worker.devices or ()) for worker in workers)
    if not cards:
        usual = Place(AUTO, "Any worker", _workers_in_words(workers))
        return [usual, Place(GPU, "A GPU", "", "no worker with a GPU")]
    words = f"{_workers_in_words(workers)} What gains by a card runs on one."
    many = "one card" if cards == 1 else f"{cards} cards"
    return [
        Place(AUTO, "Any worker", words),
        Place(
            GPU,
            "A GPU",
            f"There {'is' if cards == 1 else 'are'} {many}. The run waits for one, whatever happens.",
        ),
        Place(CPU, "Processors only", "The cards are left to others."),
    ]


def _workers_in_words(workers: Sequence[Worker]) -> str:
    if not workers:
        return "No worker is alive now; a run waits until one is."
    served = sorted({str(queue) for worker in workers for queue in worker.queues})
    slots = sum(int(count) for worker in workers for count in worker.slots.values())
    busy = sum(worker.busy for worker in workers)
    many = "One worker serves" if len(workers) == 1 else f"{len(workers)} workers serve"
    places = f", {max(0, slots - busy)} of {slots} places free" if slots else ""
    return f"{many} {', '.join(served)}{places}."


def _unserved(pipeline: Pipeline, workers: Sequence[Worker], device: str) -> list[str]:
    """Queues that the run would wait in for ever. Without any worker, that is what is said instead."""
    served = worker_queries.served_queues(workers)
    steps = [step for step in pipeline.steps if isinstance(step, ProgramStep)]
    wanted = [queue_for(step.queue, device, served) for step in steps]
    return [queue for queue in dict.fromkeys(wanted) if queue not in served] if workers else []


def _time(chosen: RecipeChoice) -> tuple[str, str]:
    if chosen.usual is None:
        return ("unknown", f"no earlier run of {chosen.recipe.name}")
    runs = "one run" if chosen.usual.n == 1 else f"{chosen.usual.n} runs"
    return (f"about {duration(chosen.usual.seconds)}", f"median of {runs} of {chosen.recipe.name}")


def _changes(changed: int, recipe: Recipe) -> tuple[str, str, str]:
    return ("Changed", f"{changed} parameter{'' if changed == 1 else 's'}", f"from the recipe {recipe.name}")


def _rows(work: Work, dataset: str, fields: Sequence[ParameterField]) -> list[tuple[str, str, str]]:
    named = version_by_id(work.session, dataset) if dataset else None
    if named is None:
        return []
    rows = named.version.rows or 0
    values = {each.parameter.name: each.value for each in fields}
    parts = [f"{_part(rows, values.get(name, '')):,} to {word}" for word, name in SHARES.items()]
    found = [("Reviews", f"{rows:,}", f"{named.dataset.name} v{named.version.number}")]
    sample = values.get("train_rows", "all")
    drawn = "" if sample == "all" else f"; a sample of {sample} is drawn to train on"
    return [*found, ("Split", f"about {parts[0]}", f"{parts[1]}, {parts[2]}{drawn}")]


def _part(rows: int, share: str) -> int:
    try:
        return round(rows * float(share))
    except (ValueError, OverflowError):
        return 0
