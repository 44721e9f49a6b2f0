"""docker-compose.yml read as Compose reads it: variables filled in from a file like .env, merges resolved."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<kind>:?[-?])(?P<other>[^}]*))?\}")
SECRETS = "/run/secrets"


def read_env(text: str) -> dict[str, str]:
    """``NAME=value`` lines; quotes are those of a shell."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    pairs = (line.partition("=") for line in lines)
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def variables(text: str) -> set[str]:
    return {found["name"] for found in VARIABLE.finditer(_without_comments(text))}


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def filled(value: Any, environment: Mapping[str, str]) -> Any:
    """Compose fills in the parsed file, not its text, so that a value can't change the file's structure."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: environment[found["name"]], value)
    if isinstance(value, list):
        return [filled(each, environment) for each in value]
    if isinstance(value, dict):
        return {name: filled(each, environment) for name, each in value.items()}
    return value


@dataclass(frozen=True)
class Service:
    name: str
    keys: Mapping[str, Any]

    @property
    def built(self) -> bool:
        """Of our own image."""
        return "build" in self.keys

    @property
    def command(self) -> list[str]:
        return [str(word) for word in self.keys["command"]]

    @property
    def environment(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.keys.get("environment", {}).items()}

    @property
    def health(self) -> list[str] | None:
        """As words to execute; None where the service has none."""
        test = self.keys.get("healthcheck", {}).get("test")
        if test is None:
            return None
        return ["sh", "-c", test[1]] if test[0] == "CMD-SHELL" else [str(word) for word in test[1:]]

    @property
    def needs(self) -> dict[str, str]:
        """The condition by the name of the service."""
        return {name: each["condition"] for name, each in self.keys.get("depends_on", {}).items()}

    @property
    def stop_signal(self) -> str:
        return str(self.keys.get("stop_signal", "SIGTERM"))


@dataclass(frozen=True)
class Compose:
    keys: Mapping[str, Any]

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Compose":
        parsed = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        return cls(filled(parsed, environment))

    @property
    def services(self) -> dict[str, Service]:
        return {name: Service(name, keys) for name, keys in self.keys["services"].items()}

    def in_order(self) -> Iterator[Service]:
        """Each after what it depends on."""
        graph = {name: service.needs.keys() for name, service in self.services.items()}
        for name in TopologicalSorter(graph).static_order():
            yield self.services[name]


@dataclass(frozen=True)
class Instruction:
    """One of a Dockerfile; ``stage`` is the one that it stands in, "" before the first FROM."""

    stage: str
    word: str
    rest: str


def instructions() -> list[Instruction]:
    found, stage = [], ""
    for line in _logical_lines((ROOT / "Dockerfile").read_text()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stage = rest.rpartition(" AS ")[2]
        found.append(Instruction(stage, word, rest.strip()))
    return found


def _logical_lines(text: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", _without_comments(text))
    return [line for line in joined.splitlines() if line.strip()]


def image_environment() -> dict[str, str]:
    """What the image sets for every process in it."""
    last = instructions()[-1].stage
    pairs = [
        pair
        for each in instructions()
        if (each.stage, each.word) == (last, "ENV")
        for pair in each.rest.split()
    ]
    return dict(pair.split("=", 1) for pair in pairs)
