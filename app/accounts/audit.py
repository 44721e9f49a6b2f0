"""The audit: rows that are only ever added, each bound to the one before by its hash.

Changing or deleting a row breaks the chain. Cutting off its end does not, so the newest hash is also
written to a file outside the database, by way of the outbox.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.accounts import audit_queries
from app.accounts.queries import database_time
from app.accounts.tables import AuditEntry
from app.core.numbers import next_number
from app.core.outbox import Sender, enqueue
from ml.contract.faults import faultpoint

ANCHOR = "audit.anchor"
GENESIS = "0" * 64


def record(
    session: Session, actor_id: str, action: str, subject_id: str, details: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Write down one deed, within the transaction that does it. The counter's row lock orders writers."""
    seq = next_number(session, "audit")
    before = audit_queries.audit_entry(session, seq - 1)
    entry = AuditEntry(
        seq=seq,
        at=database_time(session),
        actor_id=actor_id,
        action=action,
        subject_id=subject_id,
        details=json.loads(json.dumps(dict(details or {}), default=str)),
        previous_hash=before.hash if before else GENESIS,
    )
    entry.hash = _hash(entry)
    session.add(entry)
    enqueue(session, ANCHOR, {"seq": seq, "hash": entry.hash})
    session.flush()
    return entry


def anchor_sender(home: Path) -> Sender:
    """The outbox's sender: appends the head to a file. A line twice, or after a later one, does no harm.

    The message is forgotten once this returns, so by then the line is on the disk.
    """

    def send(payload: Mapping[str, Any]) -> None:
        line = json.dumps({"seq": payload["seq"], "hash": payload["hash"]})
        with anchor_file(home).open("ab") as file:
            faultpoint("anchor.write")
            # What a full disk cut off ends here, else the line after it would be lost with it.
            file.write(f"\n{line}\n".encode() if _torn(home) else f"{line}\n".encode())
            file.flush()
            faultpoint("anchor.fsync")
            os.fsync(file.fileno())

    return send


def _torn(home: Path) -> bool:
    with anchor_file(home).open("rb") as file:
        if not file.seek(0, os.SEEK_END):
            return False
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"


def anchor_file(home: Path) -> Path:
    return home / ANCHOR


def verify(session: Session, anchors: Path | None = None) -> str | None:
    """None when the chain holds from its first row to the anchored head; else what is wrong, in words."""
    hashes: dict[int, str] = {}
    previous = GENESIS
    with closing(audit_queries.whole_audit(session)) as entries:  # else the server keeps what is not read
        for expected, entry in enumerate(entries, start=1):
            if entry.seq != expected:
                return f"Entry {expected} is missing."
            if entry.previous_hash != previous or entry.hash != _hash(entry):
                return f"Entry {entry.seq} was changed after it was written."
            hashes[entry.seq] = previous = entry.hash
    return _against_anchors(hashes, anchors) if anchors and anchors.exists() else None


def _against_anchors(hashes: Mapping[int, str], anchors: Path) -> str | None:
    for line in anchors.read_text(encoding="utf-8").splitlines():
        try:
            anchored = json.loads(line)
        except json.JSONDecodeError:
            continue  # torn by a full disk; it was sent again, and a later anchor covers what it covered
        if anchored["seq"] not in hashes:
            return f"The end of the audit is missing: entry {anchored['seq']} was anchored outside."
        if hashes[anchored["seq"]] != anchored["hash"]:
            return f"Entry {anchored['seq']} differs from its anchor outside the database."
    return None


def _hash(entry: AuditEntry) -> str:
    covered = [
        entry.seq,
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor_id,
        entry.action,
        entry.subject_id,
        entry.details,
        entry.previous_hash,
    ]
    return hashlib.sha256(json.dumps(covered, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
