"""Every page, by its route, with the addresses at which it is looked at in a full house.

``{runs[failed]}`` and the like are filled in from tests.programs.full_house.House. A page that is not here
fails tests/browser/test_axe_pages.py.
"""

import re
from collections.abc import Iterator

from fastapi import FastAPI

from tests.house.routes import all_routes
from tests.programs.full_house import House

RUN_TABS = ("logs", "metrics", "artifacts", "config", "attempts")
PAGES = {
    "/": ["/"],
    "/help": ["/help"],
    "/help/shortcuts": ["/help/shortcuts"],
    "/help/design": ["/help/design"],
    "/search": ["/search?q=clothing", "/search?q=nothing-like-it", "/search"],
    "/notices": ["/notices", "/notices?q=nothing-like-it"],
    "/settings": ["/settings"],
    "/settings/notices": ["/settings/notices"],
    "/settings/sessions": ["/settings/sessions"],
    "/settings/tokens": ["/settings/tokens"],
    "/settings/users": ["/settings/users"],
    "/settings/cloud": ["/settings/cloud"],
    "/settings/cloud/resources": [
        "/settings/cloud/resources",
        "/settings/cloud/resources?q=nothing-like-it",
        "/settings/cloud/resources?state=all",
    ],
    "/settings/cloud/resources/deletion": ["/settings/cloud/resources/deletion"],
    "/settings/cloud/prices": ["/settings/cloud/prices", "/settings/cloud/prices?region=eu-central-1"],
    "/system": ["/system"],
    "/system/collection": ["/system/collection"],
    "/audit": ["/audit", "/audit?action=nothing-like-it"],
    "/audit/verification": ["/audit/verification"],
    "/datasets": ["/datasets", "/datasets?q=nothing-like-it"],
    "/datasets/new": ["/datasets/new"],
    "/datasets/{dataset}": ["/datasets/clothing"],
    "/uploads/{upload_id}": ["/uploads/{uploads[waiting]}", "/uploads/{uploads[waiting]}?text="],
    "/datasets/{dataset}/v/{number}": [
        "/datasets/clothing/v/2",
        "/datasets/clothing/v/1",
        "/datasets/clothing/v/3",
        "/datasets/returns/v/1",
        "/datasets/survey-2025/v/1",
    ],
    "/datasets/{dataset}/v/{number}/rows": [
        "/datasets/clothing/v/2/rows",
        "/datasets/clothing/v/2/rows?q=nothing-like-it",
    ],
    "/datasets/{dataset}/v/{number}/rejects": ["/datasets/returns/v/1/rejects"],
    "/datasets/{dataset}/v/{number}/athena": [
        "/datasets/clothing/v/2/athena",
        "/datasets/clothing/v/1/athena",
        "/datasets/returns/v/1/athena",
    ],
    "/datasets/{dataset}/v/{number}/athena/{query_id}": [
        "/datasets/clothing/v/2/athena/{queries[answered]}",
        "/datasets/clothing/v/2/athena/{queries[failed]}",
    ],
    "/runs": ["/runs", "/runs?status=failed", "/runs?q=nothing-like-it"],
    "/runs/compare": ["/runs/compare?ids={runs[live]},{runs[replaced]},{runs[gate closed]}", "/runs/compare"],
    "/runs/{run_id}": [
        "/runs/{runs[live]}",
        *(f"/runs/{{runs[live]}}?step=train&tab={tab}" for tab in RUN_TABS),
        "/runs/{runs[failed]}?step=train",
        "/runs/{runs[gate closed]}",
        "/runs/{runs[cached]}?step=prepare",
        "/runs/{runs[live]}?step=prepare&tab=artifacts",
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
    "/runs/{run_id}/report/rows": ["/runs/{runs[live]}/report/rows"],
    "/launch": ["/launch", "/launch?dataset=clothing&recipe=best", "/launch?run={runs[live]}"],
    "/pipelines": ["/pipelines"],
    "/pipelines/{pipeline}": ["/pipelines/review-classifier", "/pipelines/dataset-import"],
    "/pipelines/{pipeline}/executions": ["/pipelines/review-classifier/executions"],
    "/models": ["/models"],
    "/models/{model}": ["/models/clothing"],
    "/models/{model}/versions/{number}": [f"/models/clothing/versions/{number}" for number in range(1, 6)],
    "/approvals": ["/approvals"],
    "/approvals/{version_id}": ["/approvals/{versions[pending]}", "/approvals/{versions[live]}"],
    "/approvals/{version_id}/examples": ["/approvals/{versions[pending]}/examples"],
    "/endpoints": ["/endpoints"],
    "/endpoints/{endpoint}": [
        "/endpoints/shop",
        "/endpoints/shop-cloud",
        "/endpoints/shop-coming",
        "/endpoints/shop-refused",
    ],
    "/predict/{endpoint}": ["/predict/shop", "/predict/shop?example=1", "/predict/shop-cloud"],
    "/keeping/{subject_id}": ["/keeping/{runs[live]}", "/keeping/{versions[pending]}"],
    "/keeping/{subject_id}/deletion": ["/keeping/{runs[live]}/deletion", "/keeping/{runs[failed]}/deletion"],
}
# Seen by nobody who has signed in.
DOORS = {"/login": ["/login"], "/setup": ["/setup?token={invitation}", "/setup?token=spent"]}
EMPTY = [
    *(
        "/",
        "/help",
        "/datasets",
        "/datasets/new",
        "/runs",
        "/runs/compare",
        "/launch",
        "/pipelines",
        "/models",
    ),
    *("/approvals", "/endpoints", "/notices", "/search", "/audit", "/system", "/system/collection"),
    *("/settings/notices", "/settings/sessions", "/settings/tokens", "/settings/users"),
    *("/settings/cloud", "/settings/cloud/resources", "/settings/cloud/resources/deletion"),
]
# What is asked for, and what stands on the page.
ERRORS = [("/nope", "404"), ("/runs/run_missing", "404"), ("/datasets/nothing/v/1", "404")]
# Every list there is; each answers under .csv and .json too. Those without a page of their own stand in one.
LISTS = {
    *("/runs", "/runs/compare", "/datasets", "/pipelines", "/models", "/approvals", "/endpoints", "/audit"),
    *("/notices", "/search", "/settings/users", "/settings/tokens", "/settings/sessions"),
    *("/settings/cloud/resources", "/settings/cloud/prices"),
    *("/datasets/{dataset}/v/{number}/rows", "/datasets/{dataset}/v/{number}/rejects"),
    "/datasets/{dataset}/v/{number}/athena/{query_id}",
    *("/runs/{run_id}/report/rows", "/approvals/{version_id}/examples"),
}
PARTS = {
    "/models/{model}/versions": "/models/clothing/versions",
    "/endpoints/{endpoint}/deployments": "/endpoints/shop/deployments",
    "/system/workers": "/system/workers",
    "/system/leases": "/system/leases",
    "/runs/{run_id}/metrics": "/runs/{runs[live]}/metrics",
}
# GET routes that answer with no page of their own, and why.
NOT_PAGES = {
    "/livez": "a word for whatever restarts the process",
    "/readyz": "a word for load balancers",
    "/metrics": "figures for Prometheus",
    "/runs/{run_id}/live": "the event stream of a run's page",
    "/runs/cells": "the moving part of the list",
    "/notices/unread": "the number on the bell",
    "/models/{model}/versions/{number}/files/{path:path}": "a file",
    "/models/{model}/versions/{number}/files.zip": "a file",
    "/models/{model}/versions/{number}/card.md": "a file",
    "/settings/cloud/policies/{name}.json": "a file",
}
FILES = re.compile(r"\.(csv|json|\{form\})$")


def page_routes(app: FastAPI) -> Iterator[str]:
    for route in all_routes(app):
        ours = route.method == "GET" and not route.path.startswith("/api/")
        if ours and route.path not in NOT_PAGES and not FILES.search(route.path):
            yield route.path


def addresses(house: House, route: str) -> list[str]:
    return [address.format(**vars(house)) for address in {**PAGES, **DOORS}[route]]
