"""Every row that names a stored file.

A test fills an installation and fails when a column holds the hash of a stored file and is neither read here
nor on its list of mere mentions.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.datasets.tables import Dataset, DatasetVersion, Upload
from app.registry.evidence import named_files
from app.registry.tables import Model, ModelVersion
from app.runs.tables import Run, Step, StorageProbe

READ_AT_ONCE = 1000


@dataclass(frozen=True)
class Root:
    """A file or a tree that a row names. ``what`` tells people which row, ``remedy`` how to get it back."""

    sha256: str
    what: str
    tree: bool = True
    remedy: str = "Restore it from a backup."


def roots(session: Session) -> Iterator[Root]:
    yield from _uploads(session)
    yield from _versions(session)
    yield from _runs(session)
    yield from _steps(session)
    yield from _models(session)
    for sha256 in session.scalars(select(StorageProbe.sha256)):
        yield Root(sha256, "the probe by which workers know the storage", tree=False)


def _uploads(session: Session) -> Iterator[Root]:
    query = select(Upload.tree_sha256, Upload.filename).where(Upload.tree_sha256 != "")
    for sha256, filename in session.execute(query.execution_options(yield_per=READ_AT_ONCE)):
        yield Root(sha256, f"the upload {filename}", remedy="Upload the file again.")


def _versions(session: Session) -> Iterator[Root]:
    query = select(DatasetVersion.tree_sha256, Dataset.name, DatasetVersion.number).join(
        Dataset, Dataset.id == DatasetVersion.dataset_id
    )
    for sha256, name, number in session.execute(query.where(DatasetVersion.tree_sha256.is_not(None))):
        yield Root(sha256 or "", f"data set {name} v{number}", remedy="Import the file again.")


def _runs(session: Session) -> Iterator[Root]:
    """What a run was launched with, and may be retried with, even after the data set's version is gone."""
    query = select(Run.number, Run.inputs).execution_options(yield_per=READ_AT_ONCE)
    for number, inputs in session.execute(query):
        for name, sha256 in inputs.items():
            yield Root(str(sha256), f"run #{number}, its input {name}", remedy="Launch on another version.")


def _steps(session: Session) -> Iterator[Root]:
    query = select(Step.artifact, Step.name, Run.number).join(Run, Run.id == Step.run_id)
    rows = session.execute(query.where(Step.artifact.is_not(None)).execution_options(yield_per=READ_AT_ONCE))
    for sha256, name, number in rows:
        yield Root(
            sha256 or "",
            f"run #{number}, step {name}",
            remedy="Launch the run again: what is missing is made anew.",
        )


def _models(session: Session) -> Iterator[Root]:
    query = select(ModelVersion.evidence, ModelVersion.number, Model.name)
    rows = session.execute(query.join(Model, Model.id == ModelVersion.model_id))
    for evidence, number, name in rows:
        what = f"model {name} v{number}"
        for part in ("dataset", "features", "evaluation"):
            yield Root(evidence[part]["tree_sha256"], f"{what}, its {part}")
        for file in named_files(evidence):
            yield Root(file.sha256, f"{what}, {file.path}", tree=False)
