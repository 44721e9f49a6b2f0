"""What AWS takes for a name of each kind, told in words before AWS refuses it in its own."""

import re
from collections.abc import Callable, Mapping

REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d")
ROLE = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,128}")
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
PREFIX = re.compile(r"[A-Za-z0-9!_.'()-]+(/[A-Za-z0-9!_.'()-]+)*")
INSTANCE = re.compile(r"ml\.[a-z][a-z0-9-]*\.(nano|micro|small|medium|large|\d*xlarge|metal)")
IMAGE = re.compile(r"\d{12}\.dkr\.ecr(-fips)?\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+[:@][\w.:-]+")

Check = Callable[[str], str]  # the problem in words, empty where there is none


def region(value: str) -> str:
    return "" if REGION.fullmatch(value) else "A region is written like us-east-1."


def role(value: str) -> str:
    if ROLE.fullmatch(value):
        return ""
    return "A role's ARN is written like arn:aws:iam::123456789012:role/FittingRoom."


def optional_role(value: str) -> str:
    return role(value) if value else ""


def bucket(value: str) -> str:
    if value.startswith("s3://"):
        return "Write the name alone, without s3:// in front."
    if not BUCKET.fullmatch(value):
        return "A bucket's name has 3 to 63 small letters, digits, dots and hyphens; its ends are no signs."
    if ".." in value or ADDRESS.fullmatch(value):
        return "A bucket's name has no two dots in a row and does not look like an address of the network."
    return ""


def prefix(value: str) -> str:
    """Dots alone would be a step up in a path; S3 knows none, but other programs that read the bucket do."""
    if PREFIX.fullmatch(value) and not {".", ".."} & set(value.split("/")):
        return ""
    return "A prefix is made of letters, digits and . _ - ! ' ( ), with single slashes between its parts."


def instance(value: str) -> str:
    if INSTANCE.fullmatch(value):
        return ""
    return "SageMaker's instance types begin with ml. and are written like ml.c5.2xlarge."


def image(value: str) -> str:
    if not value or IMAGE.fullmatch(value):
        return ""
    return "An image is written like 123456789012.dkr.ecr.us-east-1.amazonaws.com/name:tag; leave it empty."


def region_of_image(value: str) -> str:
    found = IMAGE.fullmatch(value)
    return found[2] if found else ""


CHECKS: Mapping[str, Check] = {
    "region": region,
    "role_arn": role,
    "bucket": bucket,
    "prefix": prefix,
    "assume_role": optional_role,
    "processing_instance": instance,
    "training_instance": instance,
    "serving_instance": instance,
    "processing_image": image,
    "training_image": image,
    "serving_image": image,
}
