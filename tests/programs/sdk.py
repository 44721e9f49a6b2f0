"""Programs in the second environment, ``.venv-sagemaker``: AWS's own clients, never imported by the product.

They get no variable of this machine, credentials that open nothing, and an endpoint on loopback only; who
reaches for anything else is ended (only_loopback/sitecustomize.py).
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-sagemaker/bin/python"
NOBODY = "http://127.0.0.1:9"  # the port of "discard": whoever asks something over the network fails
REGION = "us-east-1"


def sdk_environment(home: Path, endpoint: str = NOBODY) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "PYTHONPATH": str(Path(__file__).with_name("only_loopback")),
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": endpoint,
        "SAGEMAKER_VALIDATE_ROLE": "false",
        "SAGEMAKER_USER_CONFIG_OVERRIDE": str(Path(__file__).with_name("sdk_settings.yaml")),
    }


def run_with_sdk(script: Path, environment: Mapping[str, str], given: str = "") -> str:
    """What the script wrote; left out with a reason where the environment was not made."""
    if not PYTHON.exists():
        if os.environ.get("CI"):
            pytest.fail("no .venv-sagemaker, and in CI nothing is left out")
        pytest.skip("LEFT OUT: AWS's SDK is not installed; `make test` makes its environment")
    done = subprocess.run(
        [str(PYTHON), str(script)], input=given, env=dict(environment), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout
