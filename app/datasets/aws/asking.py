"""Questions through Athena: the verbs, and what a worker does for them.

A query goes out under a token made of the errand's id, so that a worker that takes up a dead one's errand
finds the very query it had started. What comes back is kept here, up to a limit that is told.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.errors import Conflict, Invalid
from app.core.security import Actor
from app.core.services import Services
from app.core.work import Work
from app.datasets.aws.places import Place
from app.datasets.aws.questions import BY_KEY, asked_of, sql_of
from app.datasets.aws.sending import standing_at
from app.datasets.queries import NamedVersion
from app.integrations.aws.clients import Aws, aws_of
from app.integrations.aws.errors import calling
from app.integrations.aws.resources import note_resource
from app.integrations.errands import queries, service
from app.integrations.errands.doing import Call, Stopped
from app.integrations.errands.tables import Errand
from ml.contract.faults import faultpoint

if TYPE_CHECKING:
    from mypy_boto3_athena.type_defs import QueryExecutionTypeDef

ASK = "athena-query"
ROWS_LIMIT = 1000
CELL_LIMIT = 2000
SQL_LIMIT = 20_000
AT_ONCE = 20  # queries of a version that wait or run: Athena's own limit for an account is about that
CATALOG, WORKGROUP = "AwsDataCatalog", "primary"
LOOKS = (0.2, 0.4, 0.8, 1.6, 3.0)
READS = re.compile(r"(select|with)\b", re.IGNORECASE)
COMMENT = re.compile(r"\s*(--[^\n]*(\n|$)|/\*.*?\*/)", re.DOTALL)
NUMBERS = {"tinyint", "smallint", "integer", "int", "bigint"}
FRACTIONS = {"double", "float", "real"}


class NotInAws(Conflict):
    title = "The version is not in AWS"


class NotOneSelect(Invalid):
    title = "That is not one SELECT"


class QueryFailed(Conflict):
    title = "The query failed"


def ask_question(work: Work, actor: Actor, named: NamedVersion, key: str) -> Errand:
    question = BY_KEY.get(key)
    categories = has_categories(named)
    if question is None or question not in asked_of(categories):
        known = ", ".join(each.key for each in asked_of(categories))
        raise Invalid(f"There is no question {key[:60]!r} for this version.", f"There are: {known}.")
    place = _place(work, named)
    return _order(work, actor, named, place, sql_of(question, place.table, categories), key)


def ask_all(work: Work, actor: Actor, named: NamedVersion) -> list[Errand]:
    return [ask_question(work, actor, named, each.key) for each in asked_of(has_categories(named))]


def ask_freely(work: Work, actor: Actor, named: NamedVersion, sql: str) -> Errand:
    return _order(work, actor, named, _place(work, named), one_select(sql), None)


def has_categories(named: NamedVersion) -> bool:
    return bool((named.version.facts.get("mapping") or {}).get("category"))


def one_select(sql: str) -> str:
    """The statement without its last semicolon. Athena itself takes one statement and no more."""
    text = sql.strip().removesuffix(";").strip()
    if len(text) > SQL_LIMIT:
        raise NotOneSelect(f"The SQL has more than {SQL_LIMIT:,} characters.", "Ask a shorter question.")
    begins = text
    while comment := COMMENT.match(begins):
        begins = begins[comment.end() :]
    if not READS.match(begins.lstrip()):
        raise NotOneSelect("Only a SELECT is sent, or a WITH that ends in one.", "Begin with SELECT.")
    return text


def _place(work: Work, named: NamedVersion) -> Place:
    place = standing_at(work, named.version.id)
    if place is None:
        raise NotInAws(f"{named.dataset.name} v{named.version.number} is not in AWS.", "Send it there first.")
    return place


def _order(
    work: Work, actor: Actor, named: NamedVersion, place: Place, sql: str, question: str | None
) -> Errand:
    if len(queries.open_errands(work.session, named.version.id, [ASK])) >= AT_ONCE:
        raise Conflict(f"{AT_ONCE} queries wait or run already.", "Wait for them, or cancel some.")
    details = {"place": place.as_json(), "sql": sql, "question": question}
    return service.order(work, actor, ASK, named.version.id, details)


def ask(services: Services, call: Call) -> Mapping[str, Any]:
    """What a worker does: start the query or find it started, wait, fetch what came of it."""
    place = Place(**call.details["place"])
    with services.works.writing() as work:
        aws = aws_of(services, work)
        output = aws.config.uri("athena") + "/"
        note_resource(work, "s3-prefix", output, region=place.region, subject_id=None)
    execution_id = _start(aws, place, call, output)
    execution = _wait(aws, execution_id, call)
    statistics = execution.get("Statistics", {})
    return {
        **_fetch(aws, execution_id),
        "execution_id": execution_id,
        "scanned": statistics.get("DataScannedInBytes", 0),
        "seconds": statistics.get("TotalExecutionTimeInMillis", 0) / 1000,
    }


def _start(aws: Aws, place: Place, call: Call, output: str) -> str:
    with calling("start the query"):
        faultpoint("cloud.ask")
        started = aws.athena.start_query_execution(
            QueryString=call.details["sql"],
            ClientRequestToken=hashlib.sha256(call.errand_id.encode()).hexdigest(),
            QueryExecutionContext={"Database": place.database, "Catalog": CATALOG},
            ResultConfiguration={"OutputLocation": output},
            WorkGroup=WORKGROUP,
        )
    return started["QueryExecutionId"]


def _wait(aws: Aws, execution_id: str, call: Call) -> "QueryExecutionTypeDef":
    looks = 0
    while True:
        with calling("look at the query"):
            execution = aws.athena.get_query_execution(QueryExecutionId=execution_id)["QueryExecution"]
        status = execution.get("Status", {})
        if status.get("State") == "SUCCEEDED":
            return execution
        if status.get("State") in ("FAILED", "CANCELLED"):
            said = status.get("StateChangeReason") or "Athena says no more."
            raise QueryFailed(f"Athena: {said}", "Correct the SQL, or ask again.")
        try:
            call.pause(LOOKS[min(looks, len(LOOKS) - 1)])
        except Stopped:
            with calling("stop the query"):
                aws.athena.stop_query_execution(QueryExecutionId=execution_id)
            raise
        looks += 1


def _fetch(aws: Aws, execution_id: str) -> dict[str, Any]:
    """The first rows; ``more`` says that there are others, which stand in the bucket whole."""
    columns: list[dict[str, str]] = []
    rows: list[list[Any]] = []
    pages = aws.athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
    with calling("fetch the query's result"):
        for number, page in enumerate(pages):
            found = page["ResultSet"]
            if number == 0:
                about = found.get("ResultSetMetadata", {}).get("ColumnInfo", [])
                columns = [{"name": each["Name"], "type": each["Type"]} for each in about]
            cells = [[cell.get("VarCharValue") for cell in row["Data"]] for row in found.get("Rows", [])]
            # The first row of a SELECT repeats the columns' names.
            rows += [_typed(columns, row) for row in (cells[1:] if number == 0 else cells)]
            if len(rows) > ROWS_LIMIT:
                break
    return {"columns": columns, "rows": rows[:ROWS_LIMIT], "more": len(rows) > ROWS_LIMIT}


def _typed(columns: list[dict[str, str]], row: list[str | None]) -> list[Any]:
    return [_value(column["type"], cell) for column, cell in zip(columns, row, strict=True)]


def _value(kind: str, cell: str | None) -> Any:
    if cell is None:
        return None
    if kind in NUMBERS:
        return int(cell)
    return float(cell) if kind in FRACTIONS else cell[:CELL_LIMIT]
