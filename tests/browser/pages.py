"""Every page, by its route, with the addresses at which it is looked at in a full house.

``{runs[failed]}`` and the like are filled in from tests.programs.full_house.House. A page that is not here
fails tests/browser/test_axe_pages.py.
"""

import re
from collections.abc import Iterator

from fastapi import FastAPI

from tests.house.routes import all_routes
from tests.programs.full_house import House

PAGES = {
    "/": ["/"],
    "/help": ["/help"],
    "/help/shortcuts": ["/help/shortcuts"],
    "/help/design": ["/help/design"],
    "/settings": ["/settings"],
    "/settings/tokens": ["/settings/tokens"],
    "/settings/users": ["/settings/users"],
    "/audit": ["/audit", "/audit?action=nothing-like-it"],
    "/audit/verification": ["/audit/verification"],
    "/datasets": ["/datasets", "/datasets?q=nothing-like-it"],
    "/datasets/new": ["/datasets/new"],
    "/uploads/{upload_id}": ["/uploads/{uploads[waiting]}", "/uploads/{uploads[waiting]}?text="],
    "/datasets/{dataset}/v/{number}": [
        "/datasets/clothing/v/2",
        "/datasets/clothing/v/1",
        "/datasets/clothing/v/3",
        "/datasets/returns/v/1",
        "/datasets/survey-2025/v/1",
    ],
    "/runs": ["/runs", "/runs?status=failed", "/runs?q=nothing-like-it"],
    "/runs/{run_id}": [
        "/runs/{runs[live]}",
        "/runs/{runs[failed]}?step=train",
        "/runs/{runs[gate closed]}",
        "/runs/{runs[cached]}",
        "/runs/{runs[cancelled]}",
        "/runs/{runs[cancelling]}",
        "/runs/{runs[running]}",
        "/runs/{runs[no worker]}",
        "/runs/{runs[queued]}",
        "/runs/{runs[import doubtful]}",
        "/runs/{runs[import useless]}",
        "/runs/{runs[import importing]}",
    ],
    "/runs/{run_id}/report": ["/runs/{runs[live]}/report"],
    "/launch": ["/launch", "/launch?dataset=clothing&recipe=best"],
    "/models": ["/models"],
    "/models/{model}": ["/models/clothing"],
    "/models/{model}/versions/{number}": [f"/models/clothing/versions/{number}" for number in range(1, 6)],
    "/approvals": ["/approvals"],
    "/approvals/{version_id}": ["/approvals/{versions[pending]}", "/approvals/{versions[live]}"],
    "/endpoints": ["/endpoints"],
    "/endpoints/{endpoint}": ["/endpoints/shop"],
    "/predict/{endpoint}": ["/predict/shop"],
}
# Seen by nobody who has signed in.
DOORS = {"/login": ["/login"], "/setup": ["/setup?token={invitation}", "/setup?token=spent"]}
EMPTY = [
    *("/", "/help", "/datasets", "/datasets/new", "/runs", "/launch", "/models", "/approvals", "/endpoints"),
    *("/audit", "/settings/tokens", "/settings/users"),
]
# What is asked for, and what stands on the page.
ERRORS = [("/nope", "404"), ("/runs/run_missing", "404"), ("/datasets/nothing/v/1", "404")]
LISTS = ["/runs", "/datasets", "/models", "/approvals", "/endpoints", "/audit"]
# GET routes that answer with no page of their own, and why.
NOT_PAGES = {
    "/livez": "a word for whatever restarts the process",
    "/readyz": "a word for load balancers",
    "/datasets/{dataset}": "sends on to the newest version",
    "/runs/{run_id}/live": "the event stream of a run's page",
    "/models/{model}/versions/{number}/files/{path:path}": "a file",
}
FILES = re.compile(r"\.(csv|json|\{form\})$")


def page_routes(app: FastAPI) -> Iterator[str]:
    for route in all_routes(app):
        ours = route.method == "GET" and not route.path.startswith("/api/")
        if ours and route.path not in NOT_PAGES and not FILES.search(route.path):
            yield route.path


def addresses(house: House, route: str) -> list[str]:
    return [address.format(**vars(house)) for address in {**PAGES, **DOORS}[route]]
