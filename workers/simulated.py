"""``make run SAGEMAKER=sim``: the simulator of AWS beside the product, so that nobody needs an account.

It is a process of its own that the supervisor starts and nobody imports. The product is given its address
and credentials that open nothing anywhere; what is kept there ends with it.
"""

import importlib.util
import os
import socket
import sys
from collections.abc import Mapping

from app.cli.machine import set_up_cloud
from app.core.database import Databases
from app.core.settings import Settings
from app.core.work import Works
from app.integrations.aws.config import row_of
from workers.preflight import Refusal

HOST = "127.0.0.1"
REGION = "us-east-1"
BUCKET = "fittingroom-simulated"
ROLE = "arn:aws:iam::123456789012:role/fittingroom-simulated"
# Whatever leads to real credentials is out of the way, so that none are ever sent to the simulator.
TAKEN_AWAY = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL")
MADE_UP = {
    "AWS_ACCESS_KEY_ID": "simulated",
    "AWS_SECRET_ACCESS_KEY": "simulated",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


def check(word: str, settings: Settings) -> None:
    if word != "sim":
        raise Refusal(
            f"SAGEMAKER={word} is not known. SAGEMAKER=sim brings up a simulator of AWS; leave it out to use "
            "AWS itself, as it is set up under Settings, Cloud."
        )
    if settings.storage and settings.storage.startswith("s3:"):
        raise Refusal(
            "With SAGEMAKER=sim nothing has credentials for the storage on S3. Leave FITTINGROOM_STORAGE out."
        )
    if not (importlib.util.find_spec("moto") and importlib.util.find_spec("simulator")):
        raise Refusal(
            "The simulator's packages are missing; they are the extra [sim]: pip install 'fittingroom[sim]'"
        )


def free_port() -> int:
    """One port for as long as the supervisor runs, so that a simulator that is started again is found."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def command(port: int, settings: Settings) -> list[str]:
    home = settings.home / "simulator"
    return [
        *(sys.executable, "-m", "simulator", "--port", str(port)),
        *("--home", str(home), "--bucket", BUCKET),
    ]


def environment(port: int, environ: Mapping[str, str]) -> dict[str, str]:
    """What the product's processes get, which then take the simulator for AWS."""
    kept = {name: value for name, value in environ.items() if name not in TAKEN_AWAY}
    return {**kept, **MADE_UP, "FITTINGROOM_AWS_ENDPOINT": f"http://{HOST}:{port}"}


def settle(settings: Settings) -> None:
    """Enter what an administrator would. Settings of a real account are left alone: its records must not
    stand among those of a simulator."""
    databases = Databases.open(settings)
    try:
        with Works(databases).reading() as work:
            row = row_of(work)
            entered = row.bucket if row else ""
    finally:
        databases.close()
    if entered and entered != BUCKET:
        raise Refusal(
            f"This home is set up for the bucket {entered} at AWS, and a simulator's jobs would stand among "
            "its own.\nGive the simulator a home of its own: FITTINGROOM_HOME=/path make run SAGEMAKER=sim"
        )
    if not entered:
        set_up_cloud({"region": REGION, "bucket": BUCKET, "role_arn": ROLE})
