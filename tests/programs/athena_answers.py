"""A worker that sends and asks as if there were AWS: for pages, which read nothing but the database."""

from collections.abc import Mapping
from typing import Any

from app.core.services import Services
from app.datasets.aws import asking, sending
from app.integrations.aws.resources import note_resource
from app.integrations.errands.doing import Call
from app.runs.features import sending as features
from workers.errands import Errands

ANSWERS: Mapping[str | None, tuple[list[tuple[str, str]], list[list[Any]]]] = {
    "sentiment": ([("sentiment", "integer"), ("reviews", "bigint")], [[-1, 16], [0, 8], [1, 16]]),
    "category": (
        [("product_category", "varchar"), ("reviews", "bigint")],
        [["Dresses", 20], ["Knits", 20]],
    ),
    "average": (
        [("product_category", "varchar"), ("average_sentiment", "double")],
        [["Dresses", 0.25], ["Knits", -0.5]],
    ),
    "category-sentiment": (
        [("product_category", "varchar"), ("sentiment", "integer"), ("reviews", "bigint")],
        [["Dresses", -1, 4], ["Dresses", 1, 16], ["Knits", 0, 20]],
    ),
    "words": ([("words", "bigint"), ("reviews", "bigint")], [[4, 30], [17, 10]]),
    None: ([("label", "varchar"), ("reviews", "bigint")], [["<b>one</b>", 3], [None, 4]]),
}


def sent(services: Services, call: Call) -> Mapping[str, Any]:
    place = call.details["place"]
    with services.works.writing() as work:
        name = f"{place['database']}.{place['table']}"
        note_resource(work, "glue-table", name, region=place["region"], subject_id=call.subject_id)
    return {"rows": 40, "bytes": 2048, "files": []}


def features_sent(services: Services, call: Call) -> Mapping[str, Any]:
    place = features.Place(**call.details["place"])
    with services.works.writing() as work:
        note_resource(work, "s3-prefix", place.location, region=place.region, subject_id=call.subject_id)
    return {"location": place.location, "files": [], "rows": {"train": 240, "validation": 30, "test": 30}}


def answered(_services: Services, call: Call) -> Mapping[str, Any]:
    columns, rows = ANSWERS[call.details["question"]]
    named = [{"name": name, "type": kind} for name, kind in columns]
    return {"columns": named, "rows": rows, "more": False, "scanned": 3_000_000, "seconds": 0.5}


def do(services: Services, **doers: Any) -> None:
    """All errands that are due; ``doers`` stand in for those here."""
    known = {
        sending.SEND: sent,
        sending.REMOVE: lambda *_: {},
        asking.ASK: answered,
        features.SEND: features_sent,
    }
    worker = Errands(services, {**known, **doers}, "worker-1")
    while worker.do_one():
        pass
