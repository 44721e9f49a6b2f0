"""Every operation of AWS that the product calls, with the permission it needs and on what.

The generated policy is made from this list and nothing else. A test walks the code's calls, so that none is
left out here, and compares the table in docs/sagemaker.md.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Scope = Literal["bucket", "objects", "jobs", "glue", "athena", "logs", "any", "role"]


class Operation(NamedTuple):
    """``actions`` are what IAM calls it; ``scope`` what the policy allows it on, see policy.py."""

    service: str
    name: str
    actions: tuple[str, ...]
    scope: Scope


OPERATIONS: tuple[Operation, ...] = (
    Operation("sts", "GetCallerIdentity", (), "any"),  # needs no permission: AWS answers everybody
    Operation("s3", "HeadBucket", ("s3:ListBucket",), "bucket"),
    Operation("s3", "ListObjectsV2", ("s3:ListBucket",), "bucket"),
    Operation("s3", "PutObject", ("s3:PutObject",), "objects"),
    Operation("s3", "GetObject", ("s3:GetObject",), "objects"),
    Operation("s3", "HeadObject", ("s3:GetObject",), "objects"),
    Operation("s3", "DeleteObject", ("s3:DeleteObject",), "objects"),
)


def permission_for(operation: str) -> str:
    """As far as the name alone tells; the message of AWS knows it better, where it has one."""
    return _BY_NAME.get(operation, operation)


_BY_NAME: Mapping[str, str] = {each.name: each.actions[0] for each in OPERATIONS if each.actions}
