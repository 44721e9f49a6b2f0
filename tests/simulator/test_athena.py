"""Athena: SQL that is really run, over tables of Glue, with Athena's words for what is wrong."""

import io
import uuid
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from tests.programs.cloud import Simulator

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
SIMPLE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
REVIEWS = {"sentiment": [1, -1, 0, 1], "review_body": ["a b", "c", "d e f", None]}


def parquet(**columns: list[Any]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def table(
    simulator: Simulator, name: str, location: str, serde: str, columns: dict[str, str], **more: Any
) -> None:
    words = more.pop("words", {})
    simulator.client("glue").create_table(
        DatabaseName="shop",
        TableInput={
            "Name": name,
            "StorageDescriptor": {
                "Columns": [{"Name": each, "Type": kind} for each, kind in columns.items()],
                "Location": location,
                "SerdeInfo": {"SerializationLibrary": serde, "Parameters": words},
            },
            **more,
        },
    )


@pytest.fixture(scope="module")
def shop(simulator_server: Simulator) -> str:
    """A database ``shop`` with a table ``reviews``; answers a bucket."""
    simulator = simulator_server
    bucket = simulator.new_bucket()
    simulator.client("glue").create_database(DatabaseInput={"Name": "shop"})
    for number in range(2):
        rows = {name: values[number * 2 : number * 2 + 2] for name, values in REVIEWS.items()}
        simulator.put(f"s3://{bucket}/reviews/part-{number}.parquet", parquet(**rows))
    simulator.put(f"s3://{bucket}/reviews/_SUCCESS", b"not parquet")
    columns = {"sentiment": "int", "review_body": "string", "added_later": "double"}
    table(simulator, "reviews", f"s3://{bucket}/reviews/", PARQUET, columns)
    return bucket


def start(simulator: Simulator, bucket: str, sql: str, **words: Any) -> str:
    given = {
        "QueryExecutionContext": {"Database": "shop"},
        "ResultConfiguration": {"OutputLocation": f"s3://{bucket}/athena/"},
        **words,
    }
    return str(simulator.client("athena").start_query_execution(QueryString=sql, **given)["QueryExecutionId"])


def ended(simulator: Simulator, identity: str) -> dict[str, Any]:
    client = simulator.client("athena")
    return dict(
        simulator.until(
            lambda: client.get_query_execution(QueryExecutionId=identity)["QueryExecution"],
            lambda found: found["Status"]["State"] in ("SUCCEEDED", "FAILED", "CANCELLED"),
        )
    )


def rows(simulator: Simulator, bucket: str, sql: str) -> list[list[str | None]]:
    """With the names of the columns in front."""
    identity = start(simulator, bucket, sql)
    found = ended(simulator, identity)
    assert found["Status"]["State"] == "SUCCEEDED", found["Status"]
    pages = simulator.client("athena").get_paginator("get_query_results").paginate(QueryExecutionId=identity)
    return [
        [cell.get("VarCharValue") for cell in row["Data"]]
        for page in pages
        for row in page["ResultSet"]["Rows"]
    ]


def refusal(simulator: Simulator, bucket: str, sql: str) -> str:
    found = ended(simulator, start(simulator, bucket, sql))
    assert found["Status"]["State"] == "FAILED"
    return str(found["Status"]["StateChangeReason"])


def test_a_query_is_run_and_its_result_lies_in_s3(simulator: Simulator, shop: str) -> None:
    identity = start(
        simulator, shop, "SELECT sentiment AS Label, COUNT(*), AVG(1.5) FROM reviews GROUP BY 1 ORDER BY 1"
    )
    found = ended(simulator, identity)
    assert found["Status"]["State"] == "SUCCEEDED"
    assert found["Statistics"]["DataScannedInBytes"] > 500
    assert (found["WorkGroup"], found["StatementType"]) == ("primary", "DML")
    assert found["ResultConfiguration"]["OutputLocation"] == f"s3://{shop}/athena/{identity}.csv"
    result = simulator.client("athena").get_query_results(QueryExecutionId=identity)["ResultSet"]
    types = [(each["Name"], each["Type"]) for each in result["ResultSetMetadata"]["ColumnInfo"]]
    assert types == [("label", "integer"), ("_col1", "bigint"), ("_col2", "double")]
    written = simulator.read(found["ResultConfiguration"]["OutputLocation"]).decode()
    assert written == '"label","_col1","_col2"\n"-1","1","1.5"\n"0","1","1.5"\n"1","2","1.5"\n'


def test_what_has_no_value_has_none_and_a_later_column_is_empty(simulator: Simulator, shop: str) -> None:
    found = rows(simulator, shop, "SELECT review_body, added_later FROM shop.reviews WHERE sentiment = 1")
    assert found == [["review_body", "added_later"], ["a b", None], [None, None]]


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        ("SELECT CARDINALITY(SPLIT('a b c', ' ')), 7 / 2, 1e-5, 1e7", ["3", "3", "1.0E-5", "1.0E7"]),
        ("SELECT DATE '2024-01-02', TIMESTAMP '2024-01-02 03:04'", ["2024-01-02", "2024-01-02 03:04:00.000"]),
        ("SELECT ARRAY[1, 2], CAST(1 AS DECIMAL(5, 2)), REGEXP_LIKE('abc', 'b')", ["[1, 2]", "1.00", "true"]),
        ('SELECT COUNT(*) FROM "AwsDataCatalog"."shop"."reviews" r JOIN reviews USING (sentiment)', ["6"]),
        ("WITH reviews AS (SELECT COUNT(*) n FROM reviews), b AS (TABLE reviews) SELECT n FROM b", ["4"]),
        ("-- how many\n(SELECT COUNT_IF(sentiment > 0) FROM reviews)", ["2"]),
    ],
    ids=["functions", "moments", "kinds", "catalog", "with", "comment"],
)  # fmt: skip
def test_what_athena_has_beside_plain_sql(
    simulator: Simulator, shop: str, sql: str, values: list[str]
) -> None:
    assert rows(simulator, shop, sql)[1] == values


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT nothing FROM reviews", "COLUMN_NOT_FOUND: line 1:8: Column 'nothing' cannot be resolved"),
        ("SELECT 1\nFROM nowhere", "TABLE_NOT_FOUND: line 2:6: Table 'awsdatacatalog.shop.nowhere' does not"),
        ("SELECT 1 FROM elsewhere.shop.reviews", "CATALOG_NOT_FOUND: line 1:15: Catalog 'elsewhere'"),
        ("SELECT 1 FROM other.t", "SCHEMA_NOT_FOUND: line 1:15: Schema 'other' does not exist"),
        ("SELECT CAST('x' AS INTEGER)", "INVALID_CAST_ARGUMENT: "),
        ("SELECT no_such(1)", "FUNCTION_NOT_FOUND: "),
        ("SELECT * FROM read_csv('/etc/passwd')", "PERMISSION_DENIED: "),
        ("SELECT * FROM '/etc/passwd'", "TABLE_NOT_FOUND: "),
        ("CREATE TABLE t AS SELECT 1 AS a", "NOT_SUPPORTED: the simulator runs a single SELECT"),
        ("SHOW TABLES", "NOT_SUPPORTED: "),
        ("COPY reviews TO 'x.csv'", "NOT_SUPPORTED: "),
    ],
    ids=["column", "table", "catalog", "schema", "cast", "function", "file", "path", "ctas", "show", "copy"],
)  # fmt: skip
def test_what_is_wrong_is_told_in_athenas_words(simulator: Simulator, shop: str, sql: str, said: str) -> None:
    assert refusal(simulator, shop, sql).startswith(said)


@pytest.mark.parametrize(
    ("sql", "words", "said"),
    [
        ("SELEC 1", {}, "line 1:1: "),
        ("SELECT 1; SELECT 2", {}, "Only one sql statement is allowed"),
        ("SELECT 1", {"WorkGroup": "unknown"}, "WorkGroup unknown is not found"),
        ("SELECT 1", {"ResultConfiguration": {}}, "No output location provided"),
        (
            "SELECT 1",
            {"ResultConfiguration": {"OutputLocation": "s3://no-such-bucket/x"}},
            "Unable to verify/create output bucket no-such-bucket",
        ),
    ],
    ids=["syntax", "two", "workgroup", "nowhere", "bucket"],
)
def test_what_is_refused_at_once(
    simulator: Simulator, shop: str, sql: str, words: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError, match="InvalidRequestException") as error:
        start(simulator, shop, sql, **words)
    assert error.value.response["Error"]["Message"].startswith(said)


def test_a_request_that_is_sent_again_runs_nothing_again(simulator: Simulator, shop: str) -> None:
    token = uuid.uuid4().hex
    identities = {start(simulator, shop, "SELECT 1", ClientRequestToken=token) for _ in range(2)}
    assert len(identities) == 1
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        start(simulator, shop, "SELECT 2", ClientRequestToken=token)


def test_results_come_in_pages_and_only_of_what_has_ended(simulator: Simulator, shop: str) -> None:
    assert len(rows(simulator, shop, "SELECT * FROM range(2500)")) == 2501
    client = simulator.client("athena")
    identity = start(
        simulator, shop, "SELECT COUNT(*) FROM range(100000000) a, range(100000000) b WHERE a.range < b.range"
    )
    with pytest.raises(ClientError, match="Query has not yet finished"):
        client.get_query_results(QueryExecutionId=identity)
    client.stop_query_execution(QueryExecutionId=identity)
    assert ended(simulator, identity)["Status"]["State"] == "CANCELLED"
    with pytest.raises(ClientError, match="Final query state: CANCELLED"):
        client.get_query_results(QueryExecutionId=identity)
    assert identity in client.list_query_executions()["QueryExecutionIds"]


def test_csv_and_partitions(simulator: Simulator, shop: str) -> None:
    glue = simulator.client("glue")
    for year, text in (("2023", "name;n\na;1\nb;\\N\n"), ("2024", "name;n\nc;3\n")):
        simulator.put(f"s3://{shop}/sales/year={year}/x.csv", text)
    words = {"field.delim": ";", "skip.header.line.count": "1"}
    keys = [{"Name": "year", "Type": "int"}]
    columns = {"name": "string", "n": "bigint"}
    table(simulator, "sales", f"s3://{shop}/sales/", SIMPLE, columns, words=words, PartitionKeys=keys)
    for year in ("2023", "2024"):
        where = {"Location": f"s3://{shop}/sales/year={year}/"}
        glue.create_partition(
            DatabaseName="shop",
            TableName="sales",
            PartitionInput={"Values": [year], "StorageDescriptor": where},
        )
    assert rows(simulator, shop, "SELECT year, SUM(n), COUNT(*) FROM sales GROUP BY year ORDER BY 1")[1:] == [
        ["2023", "1", "2"],
        ["2024", "3", "1"],
    ]
    simulator.put(f"s3://{shop}/quoted/x.csv", '"a ""quoted"" word, and more","2"\n')
    table(simulator, "quoted", f"s3://{shop}/quoted/", OPEN_CSV, columns)
    assert rows(simulator, shop, "SELECT * FROM quoted")[1] == ['a "quoted" word, and more', "2"]


def test_files_that_are_not_what_glue_says(simulator: Simulator, shop: str) -> None:
    simulator.put(f"s3://{shop}/broken/x.parquet", b"no parquet at all")
    table(simulator, "broken", f"s3://{shop}/broken/", PARQUET, {"n": "int"})
    assert refusal(simulator, shop, "SELECT n FROM broken").startswith("HIVE_BAD_DATA: Error reading s3://")
    table(simulator, "orc", f"s3://{shop}/broken/", "org.apache.hadoop.hive.ql.io.orc.OrcSerde", {"n": "int"})
    assert "the simulator reads Parquet and CSV" in refusal(simulator, shop, "SELECT n FROM orc")
    table(simulator, "gone", "s3://no-such-bucket/x/", PARQUET, {"n": "int"})
    assert refusal(simulator, shop, "SELECT n FROM gone").startswith("HIVE_CANNOT_OPEN_SPLIT")
    table(simulator, "empty", f"s3://{shop}/empty/", PARQUET, {"n": "int"})
    assert rows(simulator, shop, "SELECT COUNT(n) FROM empty")[1] == ["0"]
