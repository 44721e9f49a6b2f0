"""The chain of the audit: what was done stands there, and tampering shows."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from app.accounts import audit, audit_queries
from app.accounts.audit_queries import AuditFilter
from app.core import outbox
from app.core.services import Services

pytestmark = pytest.mark.both_databases

Clients = Callable[..., TestClient]


@pytest.fixture
def whole(services: Services) -> Services:
    """Five entries, anchored outside."""
    with services.works.writing() as work:
        for number in range(5):
            audit.record(work.session, "usr_1", "test.done", f"thing_{number}", {"number": number, "ü": "é"})
    outbox.deliver(services.works, {audit.ANCHOR: audit.anchor_sender(services.settings.home)})
    # Whoever owns the file can drop the triggers; the chain is for them.
    engine = services.databases.main.engine
    sqlite = ("audit_entry_no_UPDATE", "audit_entry_no_DELETE")
    triggers = sqlite if engine.dialect.name == "sqlite" else ("audit_entry_only_grows ON audit_entry",)
    with engine.begin() as connection:
        for trigger in triggers:
            connection.execute(text(f"DROP TRIGGER {trigger}"))
    return services


def _verdict(services: Services) -> str | None:
    with services.works.reading() as work:
        return audit.verify(work.session, audit.anchor_file(services.settings.home))


def test_an_untouched_chain_holds(whole: Services) -> None:
    assert _verdict(whole) is None
    assert len(audit.anchor_file(whole.settings.home).read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ("UPDATE audit_entry SET details = '{}' WHERE seq = 3", "Entry 3 was changed"),
        ("UPDATE audit_entry SET actor_id = 'usr_2' WHERE seq = 1", "Entry 1 was changed"),
        ("UPDATE audit_entry SET at = '2020-01-01 00:00:00.000000' WHERE seq = 5", "Entry 5 was changed"),
        ("DELETE FROM audit_entry WHERE seq = 3", "Entry 3 is missing"),
        ("DELETE FROM audit_entry WHERE seq > 3", "The end of the audit is missing: entry 4"),
        ("DELETE FROM audit_entry", "The end of the audit is missing: entry 1"),
    ],
)
def test_tampering_is_named(whole: Services, change: str, verdict: str) -> None:
    with whole.databases.main.engine.begin() as connection:
        connection.execute(text(change))
    assert verdict in str(_verdict(whole))


def test_anchors_may_come_twice_out_of_order_and_torn(whole: Services) -> None:
    """Delivery is at least once, by any number of workers, on a disk that may be full."""
    anchors = audit.anchor_file(whole.settings.home)
    lines = anchors.read_text().splitlines()
    anchors.write_text("\n".join([*lines, lines[1], lines[4][:20] + lines[4], lines[4], lines[0]]) + "\n")
    assert _verdict(whole) is None
    with whole.databases.main.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entry WHERE seq > 3"))
    assert "The end of the audit is missing" in str(_verdict(whole))


def test_a_chain_that_was_written_anew_differs_from_its_anchor(whole: Services) -> None:
    with whole.databases.main.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entry"))
        connection.execute(text("UPDATE counter SET value = 0 WHERE name = 'audit'"))
    with whole.works.writing() as work:
        for number in range(5):
            audit.record(work.session, "usr_1", "test.forged", f"thing_{number}")
    assert "differs from its anchor" in str(_verdict(whole))


def test_deeds_are_listed_filtered_and_paged(as_role: Clients) -> None:
    admin = as_role("admin")
    for number in range(4):
        admin.post("/api/v1/users", json={"name": f"user{number}", "role": "viewer"})
    created: dict[str, Any] = admin.get("/api/v1/audit?action=user.created&limit=3").json()
    assert created["total"] == 5
    assert len(created["items"]) == 3
    rest = admin.get(f"/api/v1/audit?action=user.created&limit=3&cursor={created['next']}").json()
    assert [entry["details"]["name"] for entry in created["items"] + rest["items"]] == [
        "user3",
        "user2",
        "user1",
        "user0",
        "admin-program",
    ]
    assert rest["next"] is None
    assert created["items"][0]["actor"]["name"] == "admin-program"


def test_pages_and_csv_show_the_same_and_no_formula_runs(browser_as: Clients) -> None:
    admin = browser_as("admin", "anna")
    admin.post("/api/v1/tokens", json={"name": "=cmd|'/c calc'!A1"})
    assert "token.created" in admin.get("/audit").text
    assert "The audit is whole" in admin.get("/audit/verification").text
    lines = admin.get("/audit.csv").text.splitlines()
    assert lines[0] == "seq,at,actor,action,subject,details,hash,actor_id"
    assert not any(cell.startswith("=") for line in lines for cell in line.split(","))
    assert admin.get("/audit.json").json()["total"] == len(lines) - 1


def test_a_deed_that_fails_leaves_no_entry(services: Services) -> None:
    with contextlib.suppress(ZeroDivisionError), services.works.writing() as work:
        audit.record(work.session, "usr_1", "test.done", "thing", {"after": timedelta(1)})
        raise ZeroDivisionError
    with services.works.reading() as work:
        assert audit_queries.list_audit(work.session, AuditFilter()).total == 0


def test_an_anchor_after_a_line_that_a_full_disk_cut_off_counts(whole: Services) -> None:
    """It once went onto the end of the torn line and could be read no more than that."""
    anchors = audit.anchor_file(whole.settings.home)
    with whole.works.writing() as work:
        audit.record(work.session, "usr_1", "test.done", "thing_5")
    with anchors.open("a") as file:
        file.write('{"seq": 6, "ha')
    outbox.deliver(whole.works, {audit.ANCHOR: audit.anchor_sender(whole.settings.home)})
    assert _verdict(whole) is None
    with whole.databases.main.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entry WHERE seq = 6"))
    assert "entry 6" in (_verdict(whole) or "")
