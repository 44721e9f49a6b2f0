"""What instances cost by the hour: the list that came with the product, and own prices above it."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from app.core import lists
from app.core.errors import FittingRoomError
from app.core.lists import Column, list_file
from app.core.pages import redirect, render
from app.core.security import CurrentActor, Role, requires
from app.core.services import AppServices, Reading
from app.core.snippets import Call, snippets
from app.core.work import Work
from app.integrations.aws.config import row_of
from app.integrations.aws.forms import PriceRequest
from app.integrations.aws.prices import USAGES
from app.integrations.aws.pricing import PriceRow, forget_price, price_rows, set_price

router = APIRouter(include_in_schema=False)

PAGE = "/settings/cloud/prices"
COLUMNS = (
    Column[PriceRow]("region", lambda row: row.region),
    Column[PriceRow]("instance_type", lambda row: row.instance_type),
    Column[PriceRow]("usage", lambda row: row.usage),
    Column[PriceRow]("dollars_per_hour", lambda row: row.dollars_per_hour),
    Column[PriceRow]("as_of", lambda row: row.as_of.isoformat()),
    Column[PriceRow]("source", lambda row: row.source),
    Column[PriceRow]("own", lambda row: row.own),
)
Word = Annotated[str, Query(max_length=60)]
Name = Annotated[str, Form(max_length=60)]


@router.get("/settings/cloud/prices")
@requires(Role.ADMIN)
def prices_page(request: Request, work: Reading, region: Word = "", q: Word = "") -> Response:
    return _page(request, work, region, q.strip(), PriceRequest(region="", instance_type="", usage=""), None)


@router.get("/settings/cloud/prices.{form}")
@requires(Role.ADMIN)
def prices_file(work: Reading, form: lists.Form, region: Word = "", q: Word = "") -> Response:
    return list_file(form, "cloud-prices", COLUMNS, price_rows(work, region, q.strip()))


@router.post("/settings/cloud/prices")
@requires(Role.ADMIN)
def save_price(
    request: Request, services: AppServices, actor: CurrentActor, wanted: Annotated[PriceRequest, Form()]
) -> Response:
    try:
        with services.works.writing() as work:
            set_price(work, actor.id, wanted)
    except FittingRoomError as error:
        with services.works.reading() as work:
            return _page(request, work, wanted.region, "", wanted, error)
    return redirect(f"{PAGE}?region={wanted.region}", f"The price of {wanted.instance_type} was saved.")


@router.post("/settings/cloud/prices/deletion")
@requires(Role.ADMIN)
def delete_price(
    services: AppServices, actor: CurrentActor, region: Name, instance_type: Name, usage: Name
) -> Response:
    with services.works.writing() as work:
        forget_price(work, actor.id, region, instance_type, usage)
    return redirect(f"{PAGE}?region={region}", "The price as it came with the product counts again.")


def _page(
    request: Request, work: Work, region: str, q: str, typed: PriceRequest, error: FittingRoomError | None
) -> Response:
    settings = row_of(work)
    regions = sorted({row.region for row in price_rows(work)} | ({settings.region} if settings else set()))
    return render(
        request,
        "settings/cloud_prices.html",
        status=error.status if error else 200,
        rows=price_rows(work, region, q),
        regions=regions,
        region=region,
        q=q,
        usages=USAGES,
        typed=typed,
        home=settings.region if settings else "",
        error=error,
        snippets=snippets(
            request,
            Call("All prices", "GET", "/api/v1/cloud/prices"),
            Call("Enter a price", "PUT", "/api/v1/cloud/prices", EXAMPLE),
        ),
    )


EXAMPLE = {
    "region": "eu-central-1",
    "instance_type": "ml.c5.2xlarge",
    "usage": "training",
    "dollars_per_hour": 0.5,
    "as_of": "2026-11-22",
    "source": "aws.amazon.com/sagemaker/pricing",
}
