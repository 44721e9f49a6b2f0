"""The web application starts fast and small because it never loads the machine-learning stack."""

import subprocess
import sys

HEAVY = ("torch", "transformers", "sklearn", "pandas", "sagemaker")

PROGRAM = f"""
import sys
import app.main
from app.core.settings import Settings
from app.handlers import open_services
app.main.create(open_services(Settings()))
print([name for name in {HEAVY!r} if name in sys.modules])
"""


def test_building_the_web_application_loads_no_training_library(tmp_path: object) -> None:
    environment = {"FITTINGROOM_HOME": str(tmp_path), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"
