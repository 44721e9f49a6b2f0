"""A model version as SageMaker serves it: ``model.tar.gz`` with the model's files at its root and our code
below ``code/``, the same bytes for the same version and code.

``code/serve.py`` serves by itself: an image's ``serve`` runs it. ``code/inference.py`` has the functions that
AWS's own inference images look for, so that the archive works in them too. Both answer by the same code.
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any

from ml.hosts.serve import ABOUT
from ml.pipeline.program import sources_of

SERVER = "ml.hosts.serve"
CONTENT_TYPES = ("application/json", "application/jsonlines")
STARTER = '''"""Starts the server of this archive's own model."""

import sys
from pathlib import Path

CODE = Path(__file__).resolve().parent
sys.path.insert(0, str(CODE))

from ml.hosts.serve import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(CODE))
'''
# AWS's toolkit puts this directory on the path and calls these by their names.
INFERENCE = '''"""What AWS's inference images call; the answers are those of serve.py."""

from pathlib import Path

from ml.hosts.serve import READERS, Model, read_about
from ml.serving.wire import written


def model_fn(model_dir, context=None):
    model = Model(read_about(Path(__file__).resolve().parent))
    model.load(Path(model_dir))
    return model


def input_fn(body, content_type, context=None):
    return READERS[content_type.partition(";")[0].strip()](body if isinstance(body, bytes) else body.encode())


def predict_fn(asked, model, context=None):
    return written(asked, model.predict(asked.inputs), model.about)


def output_fn(answer, accept, context=None):
    body, content_type = answer
    return body.decode(), content_type
'''

Open = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class ModelFile:
    """``open`` gives its content, which is read once and need not fit into memory."""

    path: str
    size: int
    open: Open


@dataclass(frozen=True)
class ServingCode:
    """What stands below ``code/``. ``sha256`` is of the content without the version's own ``about``."""

    files: Mapping[str, bytes]
    sha256: str


def serving_code() -> ServingCode:
    """The server, all of ours that it imports, and what it needs installed."""
    sources = sources_of(SERVER)
    requirements = "".join(f"{line}\n" for _, line in sorted(sources.requirements.items()))
    files = {
        **sources.files,
        "serve.py": STARTER.encode(),
        "inference.py": INFERENCE.encode(),
        "requirements.txt": requirements.encode(),
    }
    lines = [f"{path} {hashlib.sha256(content).hexdigest()}" for path, content in sorted(files.items())]
    return ServingCode(files, hashlib.sha256("\n".join(lines).encode()).hexdigest())


def write_archive(
    target: IO[bytes], model: Iterable[ModelFile], code: ServingCode, about: Mapping[str, Any]
) -> None:
    """Sorted, without times and owners. Weights hardly shrink, so little is spent on trying."""
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=target, compresslevel=1, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for file in sorted(model, key=lambda each: each.path):
            with file.open() as content:
                archive.addfile(_member(file.path, file.size), content)
        own = {ABOUT: json.dumps(dict(about), sort_keys=True).encode()}
        for path, source in sorted({**code.files, **own}.items()):
            archive.addfile(_member(f"code/{path}", len(source)), io.BytesIO(source))


def _member(path: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(path)
    member.size, member.mode = size, 0o644
    return member
