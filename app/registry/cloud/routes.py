"""The switch on a model's page, and the button that has it compared now."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from app.core.pages import redirect
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Writing
from app.registry.cloud import service

router = APIRouter(include_in_schema=False)


@router.post("/models/{model}/sagemaker")
@requires(Role.APPROVER)
def switch(
    work: Writing, services: AppServices, actor: CurrentActor, model: str, on: Annotated[bool, Form()]
) -> Response:
    found = service.switch(work, services, actor, model, on=on)
    told = (
        "Its versions are being registered at SageMaker." if on else "What stands at SageMaker stays there."
    )
    return redirect(f"/models/{found.name}", told)


@router.post("/models/{model}/sagemaker/comparison")
@requires(Role.EDITOR)
def compare(work: Writing, model: str) -> Response:
    return redirect(
        f"/models/{service.ask(work, model).name}", "It is compared with SageMaker within seconds."
    )
