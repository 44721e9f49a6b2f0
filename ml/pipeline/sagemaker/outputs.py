"""From what a job left in S3, downloaded, to exactly the files that a local attempt would publish.

Nothing is taken on trust: archives are unpacked as an upload's are, and each file is compared with the hash
that the container wrote when it made it.
"""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from ml.hosts.archives import DEFAULT_LIMITS, Limits, unpack
from ml.hosts.gathering import gather
from ml.hosts.manifest import Manifest
from ml.pipeline.definition import Job
from ml.pipeline.program import ROOT

MODEL, DATA = "model.tar.gz", "output.tar.gz"
_SCRATCH = ".gathered"  # no name of ours begins with a dot


def read_outputs(directory: Path, kind: Job, limits: Limits = DEFAULT_LIMITS) -> dict[str, Path]:
    """``directory`` is what lies below ``jobs/<name>/output/``; the paths are the artifact's.

    Raises BadManifest and BadArchive (both ValueError) when it isn't what a job of ours made. Parts of
    several instances are merged, which takes a child process and some seconds."""
    scratch = directory / _SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)  # of a reading that was broken off
    if kind == "processing":
        return gather(directory, scratch, _merging_environment())
    places = {"model/": scratch / "model", "": scratch / "data"}
    for prefix, archive in (("model/", MODEL), ("", DATA)):
        if (directory / archive).is_file():  # the service makes none of an empty directory
            unpack(directory / archive, places[prefix], limits)
    return Manifest.read(places[""]).verify(places)


def _merging_environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "SM_NUM_CPUS": "1"}
