"""The list of AWS operations, from which the policy is made, is what the code calls and what the docs say."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.session
from botocore import xform_name

from app.integrations.aws.operations import OPERATIONS

ROOT = Path(__file__).parents[2]
CLIENTS = {
    "athena": "athena",
    "glue": "glue",
    "iam": "iam",
    "logs": "logs",
    "runtime": "sagemaker-runtime",
    "s3": "s3",
    "sagemaker": "sagemaker",
    "sts": "sts",
}
MULTIPART = ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "AbortMultipartUpload")
# What boto3 adds to a client of S3, and what that calls.
TRANSFERS = {
    "upload_file": ("PutObject", *MULTIPART),
    "upload_fileobj": ("PutObject", *MULTIPART),
    "download_file": ("HeadObject", "GetObject"),
    "download_fileobj": ("HeadObject", "GetObject"),
}


@cache
def operations_of(service: str) -> dict[str, str]:
    """AWS's names by Python's."""
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): name for name in model.operation_names}


def calls() -> Iterator[tuple[str, str, str]]:
    """Service, operation and where: by the name of the client, or as a text for a paginator."""
    for folder in ("app", "workers", "ml"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            source = file.read_text()
            if "boto3" not in source and "aws" not in source and "s3" not in source.lower():
                continue
            for node in ast.walk(ast.parse(source)):
                for service, operation in named(node):
                    yield service, operation, f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}"


def named(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        # As in a table of list calls: only SageMaker has such tables.
        if node.value.startswith("list_") and node.value in operations_of("sagemaker"):
            yield "sagemaker", operations_of("sagemaker")[node.value]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("get_paginator", "get_waiter"):
            (argument,) = node.args
            service = service_of(node.func)
            if service and isinstance(argument, ast.Constant):
                yield service, operations_of(service)[str(argument.value)]
    elif isinstance(node, ast.Attribute) and (service := service_of(node)):
        if node.attr in operations_of(service):
            yield service, operations_of(service)[node.attr]
        elif service == "s3":
            yield from (("s3", operation) for operation in TRANSFERS.get(node.attr, ()))


def service_of(node: ast.Attribute) -> str:
    """By the name of the client that is asked: ``aws.sagemaker.…``, ``sagemaker.…``, ``self._s3.…``."""
    of = node.value
    name = of.attr if isinstance(of, ast.Attribute) else of.id if isinstance(of, ast.Name) else ""
    return CLIENTS.get(name.lstrip("_"), "")


def test_every_call_of_aws_stands_in_the_list_and_the_list_holds_nothing_else() -> None:
    listed = {(each.service, each.name) for each in OPERATIONS}
    called: dict[tuple[str, str], str] = {}
    for service, operation, where in calls():
        called.setdefault((service, operation), where)
    assert {each: where for each, where in called.items() if each not in listed} == {}, "not in the policy"
    assert listed - called.keys() == set(), "nobody calls it, so nobody should have to allow it"


def test_a_client_is_made_in_one_place() -> None:
    """Else its calls would be walked past, and it would have another patience and endpoint."""
    makers = {
        str(file.relative_to(ROOT))
        for folder in ("app", "workers", "ml")
        for file in (ROOT / folder).rglob("*.py")
        if re.search(r"\.client\(|create_client|^import boto3", file.read_text(), re.MULTILINE)
    }
    # Artifacts on S3 are another matter, with another endpoint and credentials of their own.
    assert makers == {"app/integrations/aws/clients.py", "app/core/storage/s3.py"}


def test_the_table_in_the_docs_names_the_same_operations() -> None:
    text = (ROOT / "docs" / "sagemaker.md").read_text()
    table = text.split("## AWS operations used")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([a-z0-9-]+) \| ([^|]+) \|", table, re.MULTILINE)
    told = {(service.strip(), name) for service, names in rows for name in re.findall(r"`(\w+)`", names)}
    assert told == {(each.service, each.name) for each in OPERATIONS}


def test_the_table_in_the_docs_names_tests_that_there_are() -> None:
    text = (ROOT / "docs" / "sagemaker.md").read_text()
    table = text.split("## AWS operations used")[1].split("\n## ")[0]
    named = set(re.findall(r"`(tests/[\w/.]+)`", table.partition("|---|")[2]))
    assert len(named) > 5
    assert {each for each in named if not (ROOT / each).exists()} == set()
