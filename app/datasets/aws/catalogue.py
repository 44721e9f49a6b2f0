"""A version's table in Glue, where Athena and every other client of AWS finds it by its name."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from app.datasets.aws.places import Place
from app.datasets.aws.shape import glue_columns
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import CloudMissing, CloudRefused, calling
from ml.contract.faults import faultpoint

if TYPE_CHECKING:
    from mypy_boto3_glue.type_defs import TableInputTypeDef

EXISTS = "AlreadyExistsException"
HIVE = "org.apache.hadoop.hive.ql.io.parquet"
DESCRIPTION = "Reviews that Fitting Room has sent."


def register(aws: Aws, place: Place, about: Mapping[str, str]) -> None:
    """The database and the table, made or brought to this state. ``about`` stands in its parameters."""
    table = _table(place, about)
    _make_database(aws, place)
    try:
        faultpoint("cloud.create_table")
        with calling(f"register the table {place.table_id}"):
            aws.glue.create_table(DatabaseName=place.database, TableInput=table)
    except CloudRefused as error:
        if error.aws_code != EXISTS:
            raise
        faultpoint("cloud.update_table")
        with calling(f"update the table {place.table_id}"):
            aws.glue.update_table(DatabaseName=place.database, TableInput=table)


def _make_database(aws: Aws, place: Place) -> None:
    try:
        faultpoint("cloud.create_database")
        with calling(f"create the database {place.database} in Glue"):
            aws.glue.create_database(DatabaseInput={"Name": place.database, "Description": DESCRIPTION})
    except CloudRefused as error:
        if error.aws_code != EXISTS:
            raise


def _table(place: Place, about: Mapping[str, str]) -> "TableInputTypeDef":
    return {
        "Name": place.table,
        "Description": DESCRIPTION,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"classification": "parquet", "EXTERNAL": "TRUE", **about},
        "StorageDescriptor": {
            "Columns": [
                {"Name": each["Name"], "Type": each["Type"], "Comment": each["Comment"]}
                for each in glue_columns()
            ],
            "Location": place.location,
            "InputFormat": f"{HIVE}.MapredParquetInputFormat",
            "OutputFormat": f"{HIVE}.MapredParquetOutputFormat",
            "SerdeInfo": {
                "SerializationLibrary": f"{HIVE}.serde.ParquetHiveSerDe",
                "Parameters": {"serialization.format": "1"},
            },
        },
    }


def unregister(aws: Aws, place: Place) -> bool:
    """The table, and the database with its last one; answers whether that is gone too."""
    with suppress(CloudMissing), calling(f"delete the table {place.table_id}"):
        faultpoint("cloud.delete_table")
        aws.glue.delete_table(DatabaseName=place.database, Name=place.table)
    with suppress(CloudMissing):
        with calling(f"list the tables of {place.database}"):
            if aws.glue.get_tables(DatabaseName=place.database, MaxResults=1)["TableList"]:
                return False
        with calling(f"delete the database {place.database}"):
            faultpoint("cloud.delete_database")
            aws.glue.delete_database(Name=place.database)
    return True
