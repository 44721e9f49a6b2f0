"""Which program a process runs: the package's version and a hash of all its step programs.

Two workers of one version compute the same; of others the system page says so, and steps that an older
one does not know are left to the newer.
"""

import hashlib
import importlib.metadata
from functools import cache

from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import ProgramStep
from ml.pipeline.program import program_version

PACKAGE = "fittingroom"


@cache
def own_version() -> str:
    """As the files stood when this process first asked: a later edit does not change what it has loaded."""
    programs = {
        step.program for each in PIPELINES.values() for step in each.steps if isinstance(step, ProgramStep)
    }
    versions = "\n".join(f"{name} {program_version(name)}" for name in sorted(programs))
    return f"{importlib.metadata.version(PACKAGE)}+{hashlib.sha256(versions.encode()).hexdigest()[:8]}"
