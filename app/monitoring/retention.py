"""What is kept for a while only: telemetry of ended runs, and rows that have done their service.

Runs, attempts, versions, decisions and the audit are kept for ever, and notices go by themselves. Old uploads
and telemetry go in portions, each in a transaction of its own, so no writer waits for a year's leftovers.
"""

from collections.abc import Mapping, Sequence

from app.core.services import Services
from app.core.work import Work
from app.monitoring import sweep_queries as queries

RUNS_AT_ONCE = 50
UPLOADS_AT_ONCE = 100


def sweep(services: Services) -> Mapping[str, int]:
    """How many rows of each kind went."""
    settings = services.settings
    with services.works.writing() as work:
        gone = {
            "sessions": queries.forget_sessions(work.session),
            "links": queries.forget_links(work.session),
            "tokens": queries.forget_tokens(work.session),
            "failed_sign_ins": queries.forget_failures(work.session),
            "workers": queries.forget_workers(work.session),
        }
    if settings.upload_days:
        gone["uploads"] = _uploads(services, settings.upload_days)
    if settings.telemetry_days:
        gone["telemetry_of_runs"] = _telemetry(services, settings.telemetry_days)
    return gone


def _uploads(services: Services, days: int) -> int:
    gone = 0
    while True:
        with services.works.writing() as work:
            portion = queries.forget_uploads(work.session, days, UPLOADS_AT_ONCE)
        gone += portion
        if portion < UPLOADS_AT_ONCE:
            return gone


def _telemetry(services: Services, days: int) -> int:
    """The two databases share no transaction: what is asked of one is done in the other, again if need be."""
    swept, after = 0, ""
    while True:
        with services.works.telemetry_reading() as work:
            some = queries.runs_with_telemetry(work.session, after, RUNS_AT_ONCE)
        if not some:
            return swept
        after = some[-1]
        swept += _forget_telemetry(services, _ended(services, some, days))


def _ended(services: Services, run_ids: Sequence[str], days: int) -> Sequence[str]:
    with services.works.reading() as work:
        return queries.ended_or_gone(work.session, run_ids, days)


def _forget_telemetry(services: Services, run_ids: Sequence[str]) -> int:
    if not run_ids:
        return 0
    work: Work
    with services.works.telemetry_writing() as work:
        queries.forget_telemetry(work.session, run_ids)
    return len(run_ids)
