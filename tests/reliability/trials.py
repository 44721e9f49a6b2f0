"""Every fault in turn: a fresh home, a process armed with one fault, then a sound one that finishes.

The points are not written down anywhere: a scenario is walked once in the recording mode, and what it passes
is what can fail. A trial fails when the sound process can't bring everything to its right end.
"""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ml.contract.faults import KINDS
from tests.reliability.nursery import Nursery, open_nursery

SCENARIOS = ("toys", "import", "decide")
FULL_IN_WORDS = ("No space left", "disk is full")


@dataclass(frozen=True)
class Fault:
    scenario: str
    point: str
    kind: str
    nth: int

    @property
    def text(self) -> str:
        return f"{self.point}:{self.kind}:{self.nth}"

    def __str__(self) -> str:
        return f"{self.scenario} {self.text}"


@dataclass
class Ground:
    """Where trials are held. ``homes`` are prepared once; each trial gets a copy."""

    nursery: Nursery
    directory: Path
    homes: dict[str, Path] = field(default_factory=dict)
    passed: dict[str, Counter[str]] = field(default_factory=dict)

    def points(self, scenario: str) -> Counter[str]:
        """How often each point is passed when nothing fails."""
        if scenario not in self.passed:
            record = self.directory / f"{scenario}.reached"
            home = self._fresh(scenario)
            for act, fault in (("act", f"record:{record}"), ("recover", "")):
                ended = self.nursery.raise_child(_module(scenario), act, home, fault)
                assert ended.code == 0, f"{scenario} fails without a fault:\n{ended.log}"
            shutil.rmtree(home)
            self.passed[scenario] = Counter(record.read_text().split())
        return self.passed[scenario]

    def try_out(self, fault: Fault) -> str:
        """What was wrong in the end; "" for nothing."""
        home = self._fresh(fault.scenario)
        armed = self.nursery.raise_child(_module(fault.scenario), "act", home, fault.text)
        sound = self.nursery.raise_child(_module(fault.scenario), "recover", home)
        wrong = "" if sound.code == 0 else f"{fault}: {sound.log}\n  the armed process:\n{armed.log}"
        if fault.kind == "enospc" and (said := [*unclear(armed.log + sound.log)]):
            wrong += f"{fault}: the disk was full, and what people read is {said}"
        shutil.rmtree(home)
        return wrong

    def _fresh(self, scenario: str) -> Path:
        if scenario not in self.homes:
            prepared = self.directory / f"{scenario}.prepared"
            shutil.copytree(self.homes[""], prepared)
            ended = self.nursery.raise_child(_module(scenario), "prepare", prepared)
            assert ended.code == 0, ended.log
            self.homes[scenario] = prepared
        home = self.directory / scenario
        shutil.copytree(self.homes[scenario], home)
        return home


def unclear(log: str) -> Iterator[str]:
    """What people read of a failure by a full disk that does not say so."""
    for line in log.splitlines():
        if line.startswith(("failed:", "answered:")) and not any(words in line for words in FULL_IN_WORDS):
            yield line


def _module(scenario: str) -> str:
    return f"tests.reliability.scenario_{scenario}"


@contextmanager
def open_ground(directory: Path, migrated: Path, scenarios: Sequence[str] = SCENARIOS) -> Iterator[Ground]:
    with open_nursery([_module(scenario) for scenario in scenarios]) as nursery:
        yield Ground(nursery, directory, {"": migrated})


def all_faults(ground: Ground, scenarios: Iterable[str] = SCENARIOS) -> list[Fault]:
    return [
        Fault(scenario, point, kind, nth)
        for scenario in scenarios
        for point, times in sorted(ground.points(scenario).items())
        for kind in KINDS
        for nth in range(1, times + 1)
    ]


def a_few(faults: Sequence[Fault], kind: str, seed: int) -> list[Fault]:
    """Each point once, in a scenario and at a time of its own that the seed chooses."""
    random = Random(seed)
    found: dict[str, list[Fault]] = {}
    for fault in faults:
        if fault.kind == kind:
            found.setdefault(fault.point, []).append(fault)
    return [random.choice(choices) for _, choices in sorted(found.items())]
