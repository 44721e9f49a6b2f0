"""A job's log and figures, from CloudWatch into the telemetry database, as a program's here are recorded."""

from dataclasses import dataclass

from app.core.work import Works
from app.runs import leases
from app.runs.cloud import jobs, log_queries
from app.runs.cloud.hosts import CloudHost, LogPage
from app.runs.cloud.tables import CloudJob
from app.runs.leases import Lease
from ml.contract.faults import faultpoint
from workers.reported import Reported
from workers.tailing import clean

LINES_LIMIT = 1_000_000  # of one job; who writes more is not worth the database
STREAMS, LINES, POINTS, LAST_POINT = "streams", "lines", "points", "last_point"


@dataclass(frozen=True)
class LogTaker:
    works: Works
    host: CloudHost
    lease: Lease
    step_name: str

    def take(self, job: CloudJob, *, whole: bool) -> CloudJob | None:
        """What was written since the last time, one page, or all of it. None: the job is another keeper's."""
        while True:
            positions = job.log_positions
            if positions.get(LINES, 0) >= LINES_LIMIT:
                return job
            page = self.host.logs(job, positions.get(STREAMS, {}))
            if dict(page.positions) == positions.get(STREAMS, {}) and not page.lines:
                return job
            noted = self._write(job, page)
            if noted is None or not (whole and page.more):
                return noted
            job = noted

    def _write(self, job: CloudJob, page: LogPage) -> CloudJob | None:
        before = job.log_positions
        reported = Reported(written_lines=before.get(LINES, 0), written_points=before.get(POINTS, 0))
        reported.take([clean(line.encode(errors="replace")) for line in page.lines])
        last_point = before.get(LAST_POINT, 0)
        if reported.lines or reported.points:
            with self.works.telemetry_writing() as work:
                log_queries.forget_beyond(work.session, self.lease, reported.written_lines, last_point)
                reported.write(work.session, self.lease)
                work.session.flush()
                last_point = log_queries.last_point(work.session, self.lease)
            reported.written()
        faultpoint("job.log")
        after = {
            STREAMS: dict(page.positions),
            LINES: reported.written_lines,
            POINTS: reported.written_points,
            LAST_POINT: last_point,
        }
        return self._note(job, after, reported)

    def _note(self, job: CloudJob, after: dict[str, object], reported: Reported) -> CloudJob | None:
        """The run's row first, then the job's: in this order everybody locks them."""
        with self.works.writing() as work:
            event = reported.event(self.step_name, self.lease.attempt)
            leases.note_progress(work, self.lease, reported.shown(), event)
            return jobs.note_positions(work, job, after)
