"""Starting a run on a data set: what the launch form and REST both call."""

import re
from collections.abc import Mapping

from app.core.errors import Invalid
from app.core.services import Services
from app.core.work import Work
from app.datasets.service import ready_version
from app.runs.launch import LaunchRequest, RunLauncher
from app.runs.launch_compute import LOCAL
from app.runs.tables import Run

CLASSIFIER = "review-classifier"
_MODEL_NAME = re.compile(r"[^\W_][\w .-]{0,99}")  # as a data set's: the one is named after the other


def launcher_of(services: Services) -> RunLauncher:
    """The launcher with all it can do; the protocol in core shows only what lower features need."""
    assert isinstance(services.launcher, RunLauncher), "connected in app.handlers"
    return services.launcher


def on_dataset(
    work: Work,
    services: Services,
    actor_id: str,
    *,
    dataset: str,
    version: int | None = None,
    pipeline: str = CLASSIFIER,
    recipe: str | None = None,
    parameters: Mapping[str, object] | None = None,
    model: str | None = None,
    idempotency_key: str | None = None,
    priority: str = "normal",
    device: str = "auto",
    compute: str = LOCAL,
    computes: Mapping[str, str] | None = None,
    instance_types: Mapping[str, str] | None = None,
) -> Run:
    """Start a run on a data set's version, by default its newest ready one. What forms and REST call."""
    named = ready_version(work, dataset, version)
    assert named.version.tree_sha256 is not None, "a ready version has its files"
    request = LaunchRequest(
        pipeline=pipeline,
        actor_id=actor_id,
        inputs={"dataset": named.version.tree_sha256},
        parameters=parameters or {},
        recipe=recipe,
        subject_id=named.version.id,
        label=f"{named.dataset.name} v{named.version.number}",
        model=model_name(model or named.dataset.name),
        idempotency_key=idempotency_key,
        priority=priority,
        device=device,
        compute=compute,
        computes=computes or {},
        instance_types=instance_types or {},
    )
    return launcher_of(services).start(work, request)


def model_name(text: str) -> str:
    if not _MODEL_NAME.fullmatch(text):
        raise Invalid(
            f"{text[:120]!r} can't name a model.",
            "Use up to 100 letters, digits, spaces, dots, dashes and underscores, starting with a letter.",
        )
    return text
