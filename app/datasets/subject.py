"""Data sets and their versions as things that people keep, see app.keeping.

A deleted version leaves its row, which says what it was, who deleted it and when: runs that used it go on
naming it, and its number is never given again. A data set goes only when nothing was made from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from app.core.changes import bump
from app.core.errors import Conflict
from app.core.services import Keeper, Services, Subject
from app.core.work import Work
from app.datasets import forms, queries
from app.datasets.queries import NamedVersion
from app.datasets.subject_queries import (
    datasets_by_id,
    living_versions_of,
    remove_dataset,
    with_files_in_aws,
)
from app.datasets.tables import Dataset, Upload, VersionStatus

# What a deleted upload still says of itself: nothing that could be imported again.
EMPTY_PEEK: dict[str, Any] = {"columns": [], "rows": [], "mapping": {}}


class NameTaken(Conflict):
    title = "The name is taken"


def describe_datasets(work: Work, ids: Sequence[str]) -> dict[str, Subject]:
    found = {}
    for dataset in datasets_by_id(work.session, ids):
        versions = [named.version for named in queries.versions_of(work.session, dataset.id)]
        away = with_files_in_aws(work.session, [version.id for version in versions])
        runs = [version.run_id for version in versions if version.run_id]
        parts = [*runs, *(version.id for version in versions)]
        found[dataset.id] = _dataset(dataset, parts, [each.number for each in versions if each.id in away])
    return found


def _dataset(dataset: Dataset, parts: Sequence[str], in_aws: Sequence[int]) -> Subject:
    return Subject(
        id=dataset.id,
        kind="data set",
        title=dataset.name,
        url=f"/datasets/{dataset.id}",
        list_url="/datasets",
        owner_id=dataset.created_by,
        name=dataset.name,
        renaming="Programs and commands that upload to it by its name, or train on it, need the new one. "
        "Addresses of its pages stay as they are.",
        parts=parts,
        refusals=[f"The rows of v{each} are in AWS, too: remove them there first." for each in in_aws],
        alone=True,
        goes="All of its versions with their rows, the uploaded files and the runs that imported them.",
    )


def describe_versions(work: Work, ids: Sequence[str]) -> dict[str, Subject]:
    away = with_files_in_aws(work.session, ids)
    found = queries.named_versions(work.session, ids)
    return {each: _version(named, each in away) for each, named in found.items()}


def _version(named: NamedVersion, in_aws: bool) -> Subject:
    dataset, version = named.dataset, named.version
    return Subject(
        id=version.id,
        kind="data set version",
        title=f"{dataset.name} v{version.number}",
        state=version.status,
        url=f"/datasets/{quote(dataset.id)}/v/{version.number}",
        owner_id=version.created_by,
        parent_id=dataset.id,
        parts=[version.run_id] if version.run_id else [],
        goes="Its rows, its rejected rows, the uploaded file and the run that imported it. Its number, its "
        "counts and who deleted it stay. Runs that were made from it keep what they prepared of it.",
        refusals=["Its rows are in AWS, too: remove them there first."] if in_aws else [],
        deleted=version.status == VersionStatus.DELETED,
    )


def rename_dataset(work: Work, subject_id: str, name: str) -> None:
    wanted = forms.dataset_name(name)
    other = queries.dataset_by_name(work.session, wanted)
    if other is not None and other.id != subject_id:
        raise NameTaken(f"There is a data set {wanted!r} already.", "Choose another name.")
    work.session.get_one(Dataset, subject_id).name = wanted


def delete_version(work: Work, _services: Services, actor_id: str, subject_id: str) -> Mapping[str, Any]:
    """The row stays and names no files any more; the upload's neither, unless another version needs it."""
    version = queries.locked_version(work.session, subject_id)
    assert version is not None, "app.keeping has just described it"
    taken = {"rows": version.rows, "tree_sha256": version.tree_sha256, "upload_id": version.upload_id}
    version.status = VersionStatus.DELETED
    version.message = ""
    version.tree_sha256 = version.run_id = None
    version.deleted_by, version.deleted_at = actor_id, queries.clock(work.session)
    work.session.flush()
    if not living_versions_of(work.session, version.upload_id):
        upload = work.session.get_one(Upload, version.upload_id)
        upload.tree_sha256, upload.peek = "", EMPTY_PEEK
    bump(work.session, version.id)
    return taken


def delete_dataset(work: Work, _services: Services, _actor_id: str, subject_id: str) -> Mapping[str, Any]:
    """After its versions, which are its parts."""
    return {"versions": remove_dataset(work.session, subject_id)}


DATASETS = Keeper(describe_datasets, delete_dataset, rename_dataset)
VERSIONS = Keeper(describe_versions, delete_version)
