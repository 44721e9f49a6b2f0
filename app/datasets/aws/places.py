"""Where a version stands in AWS: its files in the bucket, its table in Glue.

A version never changes, so each has a table of its own: it comes and goes with the version, and a question
asked of it today has the same answer next year. Whoever compares versions joins two tables.
"""

import re
from dataclasses import asdict, dataclass

from app.datasets.queries import NamedVersion
from app.integrations.aws.config import CloudConfig

# What Athena takes without quotes, and what no other name turns into.
_PLAIN = re.compile(r"[a-z][a-z0-9_]*")
_OTHER = re.compile(r"[^a-z0-9]+")
NAME_LIMIT = 60


@dataclass(frozen=True)
class Place:
    """``location`` ends in a slash; ``key`` is the same without bucket."""

    region: str
    bucket: str
    key: str
    database: str
    table: str

    @property
    def location(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def table_id(self) -> str:
        return f"{self.database}.{self.table}"

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def place_of(config: CloudConfig, named: NamedVersion) -> Place:
    name, number = slug(named.dataset.name, named.dataset.id), named.version.number
    return Place(
        region=config.region,
        bucket=config.bucket,
        key=f"{config.prefix}/datasets/{name}/v{number}/",
        database=database_of(config),
        table=f"{name}_v{number}",
    )


def database_of(config: CloudConfig) -> str:
    """One for an installation: two installations in one account have two prefixes."""
    words = _OTHER.sub("_", config.prefix.lower()).strip("_")
    return words if words.startswith("fittingroom") else f"fittingroom_{words}"


def slug(name: str, dataset_id: str) -> str:
    """The name where it is plain; else what is left of it, and of the id enough to be nobody else's."""
    if _PLAIN.fullmatch(name) and len(name) <= NAME_LIMIT:
        return name
    words = _OTHER.sub("_", name.lower()).strip("_")[:NAME_LIMIT]
    return f"d_{words}_{dataset_id[-7:]}" if words else f"d_{dataset_id[-7:]}"
