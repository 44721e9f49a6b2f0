"""Queries as requests ask for them; workgroups, named queries and the like are moto's."""

import threading
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

import duckdb
from botocore.exceptions import BotoCoreError, ClientError

from simulator.athena.queries import Query, Result, check, malformed
from simulator.athena.tables import QueryFailed
from simulator.athena.values import text_of
from simulator.core import Answer, Request, State, not_simulated, now, operation, paged

KIND = "query-execution"
PRIMARY = "primary"
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED")
USER_ERROR = 2


@dataclass
class Execution:
    id: str
    request: Request
    query: Query
    output: str
    """The result's own address in S3."""
    workgroup: str
    state: str = "QUEUED"
    reason: str = ""
    result: Result | None = None
    submitted: datetime = field(default_factory=now)
    ended: datetime | None = None

    def move(self, state: str, reason: str = "") -> None:
        self.state, self.reason = state, reason
        if state in ENDED:
            self.ended = now()


@operation("StartQueryExecution", "athena")
def start(state: State, request: Request) -> Answer:
    if request.get("ExecutionParameters"):
        raise not_simulated("execution parameters of a query")
    token = request.get("ClientRequestToken")
    with state.lock:
        for each in state.table(KIND).values():
            if token and each.request.get("ClientRequestToken") == token:
                if each.request["QueryString"] != request["QueryString"]:
                    raise malformed("Idempotent parameters do not match")
                return {"QueryExecutionId": each.id}
    check(request["QueryString"])
    identity, workgroup = str(uuid.uuid4()), request.get("WorkGroup", PRIMARY)
    output = f"{_output(state, request, workgroup).rstrip('/')}/{identity}.csv"
    database = request.get("QueryExecutionContext", {}).get("Database", "default").lower()
    begun = Execution(identity, request, Query(request["QueryString"], database), output, workgroup)
    with state.lock:
        state.table(KIND)[identity] = begun
    threading.Thread(target=_run, args=(state, begun), name=f"query-{identity}", daemon=True).start()
    return {"QueryExecutionId": identity}


def _output(state: State, request: Request, workgroup: str) -> str:
    """The workgroup's place, when it insists on it or none is asked for; the bucket must be there."""
    try:
        settings = state.athena.get_work_group(WorkGroup=workgroup)["WorkGroup"]["Configuration"]
    except (ClientError, KeyError):
        raise malformed(f"WorkGroup {workgroup} is not found.") from None
    wanted = request.get("ResultConfiguration", {}).get("OutputLocation")
    own = settings.get("ResultConfiguration", {}).get("OutputLocation")
    location = own if own and (settings.get("EnforceWorkGroupConfiguration") or not wanted) else wanted
    if not location:
        raise malformed(
            "No output location provided. An output location is required either through the Workgroup result "
            "configuration setting or as an API input."
        )
    bucket = urlparse(location).netloc
    try:
        state.s3.head_bucket(Bucket=bucket)
    except ClientError:
        raise malformed(f"Unable to verify/create output bucket {bucket}") from None
    return str(location)


def _run(state: State, execution: Execution) -> None:
    with state.lock:
        if execution.query.cancelled:
            return
        execution.move("RUNNING")
    try:
        result = execution.query.run(state)
        _write(state, execution.output, result)
        outcome, reason = "SUCCEEDED", ""
    except QueryFailed as error:
        result, outcome, reason = None, "FAILED", str(error)
    except ClientError as error:
        result, outcome, reason = None, "FAILED", f"Access denied when writing output to url: {error}"
    except (duckdb.Error, OSError, LookupError, TypeError, ValueError, BotoCoreError) as error:
        result, outcome, reason = None, "FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
    with state.lock:
        if execution.state not in ENDED:
            execution.result = result
            execution.move(outcome, reason)


def _write(state: State, address: str, result: Result) -> None:
    names = [column["Name"] for column in result.columns]
    text = "".join(_line(row) for row in (names, *result.rows))
    place = urlparse(address)
    state.s3.put_object(Bucket=place.netloc, Key=place.path.lstrip("/"), Body=text.encode())


def _line(row: Iterable[Any]) -> str:
    """Every value in quotation marks; nothing at all is what has no value."""
    texts = [text_of(value) for value in row]
    return ",".join("" if text is None else '"' + text.replace('"', '""') + '"' for text in texts) + "\n"


def _found(state: State, identity: str) -> Execution:
    found: Execution | None = state.table(KIND).get(identity)
    if found is None:
        raise malformed(f"QueryExecution {identity} was not found")
    return found


@operation("GetQueryExecution", "athena")
def get_execution(state: State, request: Request) -> Answer:
    with state.lock:
        return {"QueryExecution": _shown(_found(state, request["QueryExecutionId"]))}


@operation("BatchGetQueryExecution", "athena")
def get_executions(state: State, request: Request) -> Answer:
    with state.lock:
        known = [name for name in request["QueryExecutionIds"] if name in state.table(KIND)]
        unknown = [name for name in request["QueryExecutionIds"] if name not in known]
        return {
            "QueryExecutions": [_shown(_found(state, name)) for name in known],
            "UnprocessedQueryExecutionIds": [{"QueryExecutionId": name} for name in unknown],
        }


def _shown(each: Execution) -> Answer:
    milliseconds = int(((each.ended or now()) - each.submitted).total_seconds() * 1000)
    status: dict[str, Any] = {"State": each.state, "SubmissionDateTime": each.submitted}
    if each.ended:
        status["CompletionDateTime"] = each.ended
    if each.reason:
        status["StateChangeReason"] = each.reason
        status["AthenaError"] = {
            "ErrorCategory": USER_ERROR,
            "ErrorType": 1006,
            "Retryable": False,
            "ErrorMessage": each.reason,
        }
    return {
        "QueryExecutionId": each.id,
        "Query": each.request["QueryString"],
        "StatementType": "DML",
        "SubstatementType": "SELECT",
        "ResultConfiguration": {**each.request.get("ResultConfiguration", {}), "OutputLocation": each.output},
        "QueryExecutionContext": each.request.get("QueryExecutionContext", {}),
        "Status": status,
        "Statistics": {
            "EngineExecutionTimeInMillis": milliseconds,
            "TotalExecutionTimeInMillis": milliseconds,
            "DataScannedInBytes": each.result.scanned if each.result else 0,
        },
        "WorkGroup": each.workgroup,
        "EngineVersion": {
            "SelectedEngineVersion": "AUTO",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
    }


@operation("GetQueryResults", "athena")
def get_results(state: State, request: Request) -> Answer:
    with state.lock:
        each = _found(state, request["QueryExecutionId"])
    if each.state in ("QUEUED", "RUNNING"):
        raise malformed(f"Query has not yet finished. Current state: {each.state}")
    if each.result is None:
        raise malformed(f"Query did not finish successfully. Final query state: {each.state}")
    names = tuple(column["Name"] for column in each.result.columns)
    rows = [{"Data": [_datum(value) for value in row]} for row in (names, *each.result.rows)]
    page = paged(rows, request, "Rows", size=1000)
    answer: Answer = {
        "UpdateCount": 0,
        "ResultSet": {"Rows": page["Rows"], "ResultSetMetadata": {"ColumnInfo": each.result.columns}},
    }
    return {**answer, "NextToken": page["NextToken"]} if "NextToken" in page else answer


def _datum(value: Any) -> dict[str, str]:
    text = text_of(value)
    return {} if text is None else {"VarCharValue": text}


@operation("ListQueryExecutions", "athena")
def list_executions(state: State, request: Request) -> Answer:
    workgroup = request.get("WorkGroup", PRIMARY)
    with state.lock:
        found = [each for each in state.table(KIND).values() if each.workgroup == workgroup]
    names: Any = [each.id for each in reversed(found)]
    return paged(names, request, "QueryExecutionIds", size=50)


@operation("StopQueryExecution", "athena")
def stop(state: State, request: Request) -> Answer:
    with state.lock:
        each = _found(state, request["QueryExecutionId"])
        if each.state not in ENDED:
            each.move("CANCELLED", "Query cancelled by user")
            each.query.cancel()
    return {}
