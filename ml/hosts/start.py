"""The entry of a job in its container: ``python3 …/code/start.py PROGRAM [--name value …]``.

It lies beside ``bundle.tar.gz`` and needs nothing but a Python from 3.11 on. It unpacks the code and becomes
the program's host, in the same process, so that the service's SIGTERM reaches it.
"""

import os
import sys
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUNDLE = "bundle.tar.gz"
HOST = "ml.hosts.container"
OLDEST = (3, 11)


def main(arguments: list[str]) -> None:
    if sys.version_info < OLDEST:
        _fail(f"The image has Python {sys.version.split()[0]}.\nUse an image that has Python 3.11 or newer.")
    code = tempfile.mkdtemp(prefix="fittingroom-")
    try:
        with tarfile.open(HERE / BUNDLE) as archive:
            archive.extractall(code, filter="data")
    except (OSError, EOFError, tarfile.TarError) as error:
        _fail(f"The code could not be unpacked: {error}\nLaunch the run again, so that it is uploaded anew.")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (code, os.environ.get("PYTHONPATH"))))
    os.execv(sys.executable, [sys.executable, "-P", "-m", HOST, *arguments])  # noqa: S606 - no shell


def _fail(text: str) -> None:
    """Where the service looks for a reason: a training job's ``failure``, a processing one's ``message``."""
    output = Path(os.environ.get("SIMULATED_ROOT", "/"), "opt/ml/output")
    output.mkdir(parents=True, exist_ok=True)
    for name in ("failure", "message"):
        (output / name).write_text(text, encoding="utf-8")
    sys.exit(text)


if __name__ == "__main__":
    main(sys.argv[1:])
