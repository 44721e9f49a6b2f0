"""The host of a program inside a SageMaker job: ``python -m ml.hosts.container PROGRAM [--name value …]``.

A worker's attempt (workers/attempt.py) and this give a program the same world: SM_* variables, directories,
its parameters, and nothing of the host. The service's layout is below ``/opt/ml``, or below
``$SIMULATED_ROOT/opt/ml`` where a simulator runs the job as a process.
"""

import errno
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ml.contract.outcome import EXIT_FAILED, EXIT_OK, EXIT_REFUSED, EXIT_STOPPED, FAILURE_LIMIT, StepRefused
from ml.contract.share import SHARD, SHARDS
from ml.hosts.arguments import BadArguments
from ml.hosts.inputs import SERVED, provided
from ml.hosts.layout import Layout
from ml.hosts.manifest import Manifest, described, files_below
from ml.hosts.requirements import install_missing, versions_of
from ml.hosts.running import Children, program_command
from ml.hosts.workplace import Workplace

ABOUT = "bundle.json"
CODE = Path(__file__).parents[2]
SERVING = CODE / "serving"
VERSION = "version.json"  # what a server says of its model (ml/hosts/serve.py)


@dataclass(frozen=True)
class About:
    """What the bundle says of its program. ``merge`` puts together what several instances made."""

    program: str
    merge: str
    requirements: Mapping[str, str]

    @classmethod
    def read(cls, code: Path = CODE) -> "About":
        return cls(**json.loads((code / ABOUT).read_bytes()))


def main(words: list[str], environ: Mapping[str, str] = os.environ) -> int:
    layout = Layout.of(environ)
    children = Children()
    scratch = Path(tempfile.mkdtemp(prefix="fittingroom-job-"))
    try:
        return _run(layout, About.read(), words, children, scratch, environ)
    except (StepRefused, ValueError) as error:  # an input that is not what its job made, bad arguments
        if children.stopped:
            return EXIT_STOPPED
        return _fail(layout, EXIT_REFUSED, f"{error}\n{getattr(error, 'advice', '')}".strip())
    except OSError as error:
        full = error.errno == errno.ENOSPC
        advice = "Give the job a larger volume, then retry." if full else "The log has more."
        return _fail(layout, EXIT_FAILED, f"{error}\n{advice}")


def _run(
    layout: Layout,
    about: About,
    words: list[str],
    children: Children,
    scratch: Path,
    environ: Mapping[str, str],
) -> int:
    started = time.monotonic()
    if not words or words[0] != about.program:
        raise BadArguments(
            f"The bundle is that of {about.program}, not of {' '.join(words[:1]) or 'nothing'}."
        )
    place = _workplace(layout, about, words[1:], scratch)
    place.make()
    install_missing(about.requirements, dict(environ), scratch, children.run)
    place = replace(place, channels=provided(layout.channels(), scratch, environ, children.run))
    environment = place.environment(environ) | layout.service_variables(environ)
    code = children.run(program_command(about.program), environment, scratch)
    if code == EXIT_OK:
        _describe(layout, about, place, time.monotonic() - started)
        _make_servable(layout, environment)
    elif code != EXIT_STOPPED:
        layout.tell(place.failure() or f"The program ended with the exit code {code}.\nIts log has more.")
    return code


def _workplace(layout: Layout, about: About, words: list[str], scratch: Path) -> Workplace:
    parameters = layout.parameters(words)
    if layout.hosts > 1:
        if not about.merge:
            raise StepRefused(
                f"{about.program} can't be divided among {layout.hosts} instances.", "Run it on one instance."
            )
        parameters |= {SHARD: str(layout.host), SHARDS: str(layout.hosts)}
    return Workplace(
        channels={},
        parameters=parameters,
        model=layout.model,
        data=layout.data,
        output=layout.output,
        checkpoints=layout.checkpoints or scratch / "checkpoints",
        temporary=scratch / "tmp",
    )


def _describe(layout: Layout, about: About, place: Workplace, seconds: float) -> None:
    files = {path: file for path, file in files_below(place.data).items() if not path.startswith("model/")}
    files |= {f"model/{path}": file for path, file in files_below(place.model).items()}
    Manifest(
        about.program,
        described(files),
        layout.host,
        layout.hosts,
        about.merge if layout.hosts > 1 else "",
        versions_of(about.requirements),
        seconds,
    ).write(place.data)


def _make_servable(layout: Layout, environment: Mapping[str, str]) -> None:
    """After the manifest was written: this is for who serves the archive, and none of the step's files."""
    if layout.kind == "training" and SERVING.is_dir():
        shutil.copytree(SERVING, layout.model / SERVED, dirs_exist_ok=True)
        about = {"name": environment.get("TRAINING_JOB_NAME", ""), "version": None}
        (layout.model / SERVED / VERSION).write_text(json.dumps(about), encoding="utf-8")


def _fail(layout: Layout, code: int, text: str) -> int:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a job's log
    layout.tell(text[:FAILURE_LIMIT])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
