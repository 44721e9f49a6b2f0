"""Our code as SageMaker gets it: one archive of what a program can reach, under the hash of its content.

The same sources give the same address, so a job that is created twice, and the service's own step cache,
see the same code. Nothing is built: the archive holds sources, what they were written against, and an entry
that any image with a Python can run (ml/hosts/start.py).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from ml.features import bundled
from ml.hosts.archives import pack
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.definition import Pipeline, ProgramStep, StepOutput
from ml.pipeline.program import ROOT, requirement, sources_of
from ml.pipeline.sagemaker.serving import serving_code

ARCHIVE, START, ABOUT = "bundle.tar.gz", "start.py", "bundle.json"
HOST = "ml.hosts.container"
SERVING = "serving/"  # what a training job puts beside its model, so that its archive can be served
_START_SOURCE = "ml/hosts/start.py"
# Modules of ours that need a package without importing it.
_WITHOUT_IMPORT = {"ml/features/bundled.py": bundled.PACKAGE, "ml/training/export.py": "onnx"}


@dataclass(frozen=True)
class Bundle:
    """``files`` belong below ``code/<sha256>/``."""

    sha256: str
    files: Mapping[str, bytes]


def build_bundle(program: str, pipelines: Mapping[str, Pipeline] = PIPELINES) -> Bundle:
    """With the program go its host in the container, and what merges channels that arrive in parts."""
    merge, incoming = _merges(program, pipelines)
    sources = sources_of(program, HOST, *sorted({merge, *incoming} - {""}))
    needed = dict(sources.requirements)
    needed |= {name: requirement(name) for file, name in _WITHOUT_IMPORT.items() if file in sources.files}
    about = {"program": program, "merge": merge, "requirements": dict(sorted(needed.items()))}
    content = {**sources.files, ABOUT: json.dumps(about, indent=1).encode()}
    if _trains(program, pipelines):
        content |= {f"{SERVING}{path}": source for path, source in serving_code().files.items()}
    start = (ROOT / _START_SOURCE).read_bytes()
    return Bundle(_sha256({**content, START: start}), {ARCHIVE: pack(content), START: start})


def _merges(program: str, pipelines: Mapping[str, Pipeline]) -> tuple[str, set[str]]:
    """The program that merges its shares, "" where it has none, and those that merge what it reads."""
    own, incoming = "", set()
    for pipeline in pipelines.values():
        for step in pipeline.steps:
            if isinstance(step, ProgramStep) and step.program == program:
                own = step.merge or own
                before = [source.step for source in step.inputs.values() if isinstance(source, StepOutput)]
                incoming |= {found.merge for name in before if (found := _program(pipeline, name))}
    return own, incoming


def _trains(program: str, pipelines: Mapping[str, Pipeline]) -> bool:
    steps = (step for pipeline in pipelines.values() for step in pipeline.steps)
    return any(
        isinstance(step, ProgramStep) and step.program == program and step.job == "training" for step in steps
    )


def _program(pipeline: Pipeline, name: str) -> ProgramStep | None:
    step = pipeline.step(name)
    return step if isinstance(step, ProgramStep) else None


def _sha256(files: Mapping[str, bytes]) -> str:
    """Of the content, not of the archive: another version of zlib packs the same files to other bytes."""
    lines = [f"{path} {hashlib.sha256(content).hexdigest()}" for path, content in sorted(files.items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
