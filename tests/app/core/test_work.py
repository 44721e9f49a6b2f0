"""Units of work, the outbox, topics and counters on real databases."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, InternalError, OperationalError

from app.core import changes, lineage, numbers, outbox
from app.core.database import now
from app.core.ids import new_id
from app.core.work import Works

pytestmark = pytest.mark.both_databases


def test_a_failed_statement_does_not_tell_its_values(works: Works) -> None:
    """The text of the error stands in the log afterwards."""
    with works.writing() as work:
        numbers.next_number(work.session, "password-hash")
    with pytest.raises(IntegrityError) as refused, works.writing() as work:
        work.session.add(numbers.Counter(name="password-hash", value=1))
    assert "unique" in str(refused.value).lower()
    assert "password-hash" not in str(refused.value)


def test_nothing_is_sent_before_the_commit_and_nothing_at_all_after_a_rollback(works: Works) -> None:
    sent: list[str] = []
    with works.writing() as work:
        work.after_commit(lambda: sent.append("kept"))
        assert sent == []
    with contextlib.suppress(ZeroDivisionError), works.writing() as work:
        numbers.next_number(work.session, "lost")
        work.after_commit(lambda: sent.append("lost"))
        raise ZeroDivisionError
    assert sent == ["kept"]
    with works.reading() as work:
        assert work.session.get(numbers.Counter, "lost") is None


def test_a_failing_after_commit_action_does_not_undo_the_commit(works: Works) -> None:
    with works.writing() as work:
        numbers.next_number(work.session, "run")
        work.after_commit(lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    with works.reading() as work:
        assert work.session.get_one(numbers.Counter, "run").value == 1


def test_a_reading_unit_of_work_cannot_write(works: Works) -> None:
    with pytest.raises((OperationalError, InternalError), match=r"read-?only"), works.reading() as work:
        numbers.next_number(work.session, "run")


def test_all_that_a_reading_unit_of_work_reads_is_of_one_moment(works: Works) -> None:
    with works.reading() as work:
        before = work.session.scalar(select(func.count()).select_from(numbers.Counter))
        with works.writing() as other:
            numbers.next_number(other.session, "meanwhile")
        assert work.session.scalar(select(func.count()).select_from(numbers.Counter)) == before


def test_concurrent_writers_never_get_the_same_number(works: Works) -> None:
    taken: list[int] = []

    def take() -> None:
        for _ in range(20):
            with works.writing() as work:
                number = numbers.next_number(work.session, "run")
            taken.append(number)

    at_once(take)
    assert sorted(taken) == list(range(1, 161))


def test_the_first_of_all_is_made_once_by_whoever_comes_first(works: Works) -> None:
    """Both looked and found nothing; the barrier keeps them so until both have."""
    together = threading.Barrier(8)
    taken: list[tuple[int, int]] = []

    def take() -> None:
        with works.writing() as work:
            if work.session.get_bind().dialect.name == "postgresql":  # SQLite lets in one after the other
                work.session.get(numbers.Counter, "run")
                together.wait(30)
            number = numbers.next_number(work.session, "run")
            taken.append((number, changes.bump(work.session, "run_1")))

    at_once(take)
    assert sorted(taken) == [(number, number) for number in range(1, 9)]


def at_once(act: Callable[[], None]) -> None:
    threads = [threading.Thread(target=act) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_databases_clock_is_utc_and_offsets_are_not_mixed_up(works: Works) -> None:
    with works.reading() as work:
        present, later = (work.session.scalar(select(now(seconds))) for seconds in (0, 90))
    assert present is not None
    assert later is not None
    assert timedelta(seconds=89) < later - present < timedelta(seconds=91)
    assert abs(datetime.now(UTC) - present) < timedelta(seconds=30)


def test_a_message_stays_until_its_sender_took_it(works: Works) -> None:
    with works.writing() as work:
        outbox.enqueue(work.session, "anchor", {"head": "a"})
        outbox.enqueue(work.session, "anchor", {"head": "b"})
    taken: list[str] = []

    def refuse(_payload: object) -> None:
        raise OSError("disk away")

    assert outbox.deliver(works, {"anchor": refuse}) == 0
    with works.reading() as work:
        oldest = work.session.scalars(select(outbox.Message).order_by(outbox.Message.id)).first()
        assert oldest is not None
        assert (oldest.attempts, "disk away" in (oldest.last_error or "")) == (1, True)
    assert outbox.deliver(works, {"anchor": lambda payload: taken.append(payload["head"])}) == 2
    assert taken == ["a", "b"]
    with works.reading() as work:
        assert work.session.scalar(select(func.count(outbox.Message.id))) == 0


def test_the_same_edge_twice_is_one_edge(works: Works) -> None:
    with works.writing() as work:
        for _ in range(2):
            lineage.record_edge(work.session, "dv_1", "mv_1", "trained_on")
    with works.reading() as work:
        assert [edge.target_id for edge in lineage.used_by(work.session, "dv_1")] == ["mv_1"]
        assert [edge.source_id for edge in lineage.made_from(work.session, "mv_1")] == ["dv_1"]


def test_a_listener_hears_of_a_change_in_its_topic_only(works: Works) -> None:
    async def listen() -> list[int]:
        watcher = changes.Watcher(works)
        async with watcher.listening("run_1") as queue:
            await asyncio.to_thread(bump, "run_2")
            await asyncio.to_thread(bump, "run_1")
            heard = [await asyncio.wait_for(queue.get(), 10)]
            await asyncio.to_thread(bump, "run_1")
            while heard[-1] != 2:
                heard.append(await asyncio.wait_for(queue.get(), 10))
        await watcher.close()
        return heard

    def bump(topic: str) -> None:
        with works.writing() as work:
            changes.bump(work.session, topic)

    assert asyncio.run(listen())[-1] == 2


def test_ids_sort_by_the_time_of_their_making() -> None:
    ids = [new_id("run") for _ in range(2000)]
    assert len(set(ids)) == 2000
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)
