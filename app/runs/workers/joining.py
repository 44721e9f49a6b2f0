"""Another machine joins: an administrator's one-time secret is exchanged for what its workers need.

The secret guards the hand-over of the connection settings, and names the machine from then on. Whoever has
those settings has the database: revoking a key stops an honest machine within seconds, a thief only when
the database's password is changed as well.
"""

from collections.abc import Mapping
from datetime import timedelta

from app.accounts import audit
from app.accounts.queries import hash_secret
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.ids import new_id
from app.core.security import Actor, new_secret
from app.core.services import Services
from app.core.settings import Settings
from app.core.work import Work
from app.runs import queries
from app.runs.tables import WorkerKey
from app.runs.workers import queries as worker_queries

GOOD_FOR = timedelta(hours=1)
LONGEST_NAME = 60


class NotToBeShared(Conflict):
    title = "No other machine can join this installation"


def missing_to_share(settings: Settings) -> list[str]:
    """What another machine could not reach."""
    lacks = []
    if not settings.database_url:
        lacks.append("its database is a file of this machine: set DATABASE_URL to a PostgreSQL")
    if not settings.redis_url:
        lacks.append("its broker listens on this machine only: set REDIS_URL to a Redis")
    if not settings.storage:
        lacks.append("its artifacts lie in its home: set FITTINGROOM_STORAGE to S3 or a shared directory")
    return lacks


def invite(work: Work, services: Services, actor: Actor, name: str) -> tuple[WorkerKey, str]:
    """The key, and the secret with which the machine of that name joins once, within an hour."""
    if lacks := missing_to_share(services.settings):
        raise NotToBeShared(f"Another machine can't join: {'; '.join(lacks)}.", "See docs/workers.md.")
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A machine needs a name of 1 to {LONGEST_NAME} printable characters.", field="name")
    secret = "fj_" + new_secret()
    key = WorkerKey(
        id=new_id("wk"),
        name=name,
        secret_hash=hash_secret(secret),
        created_by=actor.id,
        expires_at=queries.clock(work.session) + GOOD_FOR,
        joined_from="",
    )
    work.session.add(key)
    work.session.flush()
    audit.record(work.session, actor.id, "worker_key.created", key.id, {"name": name})
    return key, secret


def join(work: Work, services: Services, secret: str, address: str) -> Mapping[str, str]:
    """The settings of a worker there. The secret is spent with that."""
    key = worker_queries.key_by_secret(work.session, hash_secret(secret))
    now = queries.clock(work.session)
    if key is None or key.revoked_at or key.joined_at or key.expires_at <= now:
        raise Forbidden("This join token is not good any more.", "An administrator makes a new one.")
    key.joined_at, key.joined_from = now, address[:60]
    audit.record(
        work.session, key.created_by, "worker_key.joined", key.id, {"name": key.name, "from": address}
    )
    return {**settings_for_others(services.settings), "FITTINGROOM_WORKER_KEY": key.id}


def settings_for_others(settings: Settings) -> dict[str, str]:
    told = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "FITTINGROOM_STORAGE": settings.storage,
        "FITTINGROOM_S3_ENDPOINT": settings.s3_endpoint,
        "FITTINGROOM_LEASE_SECONDS": f"{settings.lease_seconds:g}",
        "FITTINGROOM_LIMITS": ",".join(f"{queue}={most}" for queue, most in settings.limits.items()),
    }
    return {name: value for name, value in told.items() if value}


def revoke(work: Work, actor: Actor, key_id: str) -> WorkerKey:
    key = work.session.get(WorkerKey, key_id)
    if key is None or key.revoked_at:
        raise NotFound(f"There is no key {key_id!r}.", "Perhaps it was revoked already.")
    key.revoked_at = queries.clock(work.session)
    audit.record(work.session, actor.id, "worker_key.revoked", key.id, {"name": key.name})
    return key
