"""Connects the features: opens what a process stands on, and gives each protocol its implementation."""

from collections.abc import Mapping
from functools import partial

from app.accounts.audit import ANCHOR, anchor_sender
from app.core.changes import Watcher
from app.core.database import COMMAND, Databases
from app.core.outbox import Sender
from app.core.services import Handlers, Keeper, RunMove, Services
from app.core.settings import Settings
from app.core.storage import open_storage
from app.core.work import Work, Works
from app.datasets import subject as dataset_subject
from app.datasets.aws import asking, sending
from app.datasets.service import import_moved, publish_version
from app.endpoints import subject as endpoint_subject
from app.endpoints.cloud import tending, wishes
from app.integrations.aws import deeds
from app.integrations.errands.doing import Doer
from app.notices import events as notices
from app.registry import subject as model_subject
from app.registry.cloud import from_pipelines, syncing
from app.registry.cloud import service as registry_cloud
from app.registry.service import register_version
from app.runs import subject as run_subject
from app.runs.cloud import following
from app.runs.features import sending as features
from app.runs.launch import RunLauncher
from app.runs.messaging import CeleryMessenger
from ml.pipeline.catalogue import PIPELINES
from ml.pipeline.dataset_import import DATASET_IMPORT

KEEPERS: Mapping[str, Keeper] = {
    "ds": dataset_subject.DATASETS,
    "dv": dataset_subject.VERSIONS,
    "run": run_subject.RUNS,
    "md": model_subject.MODELS,
    "mv": model_subject.VERSIONS,
    "ep": endpoint_subject.ENDPOINTS,
}


def open_services(settings: Settings, role: str = COMMAND) -> Services:
    settings.home.mkdir(parents=True, exist_ok=True)
    databases = Databases.open(settings, role)
    works = Works(databases)
    messenger = CeleryMessenger(settings.broker_url)
    return Services(
        settings=settings,
        databases=databases,
        works=works,
        storage=open_storage(settings),
        watcher=Watcher(works),
        messenger=messenger,
        launcher=RunLauncher(PIPELINES, messenger),
        handlers=Handlers(
            native={"publish": publish_version, "register": register_version},
            moved=(_follow_import, notices.run_moved, following.run_moved, from_pipelines.run_moved),
            version_moved=(notices.version_moved, registry_cloud.version_moved),
            keepers=KEEPERS,
        ),
    )


def _follow_import(work: Work, move: RunMove) -> None:
    if move.pipeline == DATASET_IMPORT.name:
        import_moved(work, status=move.status, subject_id=move.subject_id, message=move.message)


def outbox_senders(services: Services) -> Mapping[str, Sender]:
    """By the message's kind; the workers' dispatchers deliver."""
    return {
        ANCHOR: anchor_sender(services.settings.home),
        run_subject.TELEMETRY: run_subject.telemetry_remover(services.works),
    }


def far_senders(services: Services) -> Mapping[str, Sender]:
    """Of what goes to the cloud and may take minutes; the workers' couriers deliver."""
    return {
        registry_cloud.SYNC: partial(syncing.package_sender, services),
        wishes.TEND: partial(tending.endpoint_sender, services),
        following.STOP: partial(following.execution_stopper, services),
    }


def errand_doers() -> Mapping[str, Doer]:
    """By the errand's kind; the workers' errand threads do them."""
    of_datasets = {sending.SEND: sending.send, sending.REMOVE: sending.remove, asking.ASK: asking.ask}
    of_features = {features.SEND: features.send, features.REMOVE: features.remove}
    return {**of_datasets, **of_features, **deeds.DOERS}
