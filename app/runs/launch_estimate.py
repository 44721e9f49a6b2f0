"""What a launch at SageMaker will take and cost, as far as anybody knows: by earlier jobs on that instance
type, else by what the step took here, which is said to be a guess. An unknown price stays unknown."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.pages import duration
from app.core.work import Work
from app.integrations.aws.config import row_of
from app.integrations.aws.prices import Price, price_of
from app.runs import launch_queries
from app.runs.launch_compute import LOCAL, Wanted, instance_of, programs
from app.runs.listing.queries import Usual
from ml.pipeline.definition import Pipeline

UNKNOWN = "unknown"
_CENT, _DIME = 0.01, 0.1


@dataclass(frozen=True)
class StepEstimate:
    """Of one step at SageMaker. ``guessed``: the time is that of workers here."""

    step: str
    job: str
    instance_type: str
    price: Price | None
    usual: Usual | None
    guessed: bool

    @property
    def dollars(self) -> float | None:
        return self.price.cost(self.usual.seconds) if self.price and self.usual else None

    @property
    def cost(self) -> str:
        return money(self.dollars)

    @property
    def hourly(self) -> str:
        if self.price is None:
            return rate(None)
        return f"{rate(self.price.dollars_per_hour)}, as of {self.price.as_of.isoformat()}"

    @property
    def time(self) -> str:
        return f"about {duration(self.usual.seconds)}" if self.usual else UNKNOWN

    @property
    def grounds(self) -> str:
        if self.usual is None:
            return f"never run on {self.instance_type} or here"
        many = "one job" if self.usual.n == 1 else f"{self.usual.n} jobs"
        if not self.guessed:
            return f"median of {many} on {self.instance_type}"
        runs = "one run" if self.usual.n == 1 else f"{self.usual.n} runs"
        return f"a first guess: as long as here, median of {runs}; {self.instance_type} may differ"


@dataclass(frozen=True)
class CloudEstimate:
    steps: Sequence[StepEstimate]

    @property
    def cost(self) -> str:
        known = [each.dollars for each in self.steps if each.dollars is not None]
        if not known:
            return UNKNOWN
        return f"{'about' if len(known) == len(self.steps) else 'at least'} {money(sum(known))}"

    @property
    def grounds(self) -> str:
        """Why it is not exact, most serious first."""
        unpriced = [each.instance_type for each in self.steps if each.price is None]
        if unpriced:
            return f"the price of {', '.join(dict.fromkeys(unpriced))} is not known"
        if unknown := [each.step for each in self.steps if each.usual is None]:
            return f"{', '.join(unknown)}: nobody knows how long yet"
        guessed = [each.step for each in self.steps if each.guessed]
        return f"a first guess for {', '.join(guessed)}" if guessed else "by earlier jobs on these instances"


def estimate(work: Work, pipeline: Pipeline, recipe: str | None, wanted: Wanted) -> CloudEstimate | None:
    """None where nothing leaves this installation, or nothing can."""
    setup = row_of(work)
    if setup is None or not wanted.away:
        return None
    found = []
    for step in programs(pipeline):
        if wanted.host(step.name) == LOCAL:
            continue
        instance = instance_of(pipeline, step, wanted, setup)
        price = price_of(work, setup.region, instance, step.job)
        jobs = launch_queries.job_times(work.session, pipeline.name, step.name, instance)
        here = launch_queries.local_times(work.session, pipeline.name, recipe, step.name)
        found.append(StepEstimate(step.name, step.job, instance, price, jobs or here, jobs is None))
    return CloudEstimate(found)


def money(dollars: float | None) -> str:
    if dollars is None:
        return UNKNOWN
    if 0 < dollars < _CENT:
        return "under $0.01"
    return f"${dollars:.2g}" if 0 < dollars < _DIME else f"${dollars:,.2f}"


def rate(dollars_per_hour: float | None) -> str:
    """A price with all its digits: they are few, and rounding them would be another price."""
    return f"{UNKNOWN} price" if dollars_per_hour is None else f"${dollars_per_hour:g} an hour"
