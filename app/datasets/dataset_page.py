"""A data set's page: its versions, and what people attach to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.accounts.queries import actor_names
from app.core.services import Services
from app.core.work import Work
from app.datasets import queries
from app.datasets.queries import NamedVersion
from app.datasets.tables import Dataset, VersionStatus
from app.datasets.version_page import Change, changes
from app.keeping.view import Panel, panel_of


@dataclass(frozen=True)
class DatasetPage:
    """``usable`` is the newest version that a run can be launched on."""

    dataset: Dataset
    changes: Sequence[Change]
    usable: NamedVersion | None
    names: Mapping[str, str]
    panel: Panel

    @property
    def newest(self) -> NamedVersion:
        return self.changes[0].named


def dataset_page(work: Work, services: Services, dataset: Dataset) -> DatasetPage:
    versions = queries.versions_of(work.session, dataset.id)
    ready = (named for named in versions if named.version.status == VersionStatus.READY)
    people = {dataset.created_by, *(named.version.created_by for named in versions)}
    return DatasetPage(
        dataset,
        changes(versions),
        next(ready, None),
        actor_names(work.session, people),
        panel_of(work, services, dataset.id),
    )
