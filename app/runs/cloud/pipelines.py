"""A run's steps as the steps of one execution of a SageMaker pipeline.

The service drives them; we mirror. Whichever of our steps is claimed first begins the execution, and each
follows the step of its name there. Our gate and our registration stay here, and what the service decided is
kept beside them, so that a difference can be said.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.clients import Aws, aws_of
from app.integrations.aws.errors import CloudAway, CloudMissing, calling
from app.integrations.aws.resources import note_resource
from app.runs import queries
from app.runs.cloud import execution_queries
from app.runs.cloud import mirroring as mirror
from app.runs.cloud.downloads import download
from app.runs.cloud.executions import Executions, planned
from app.runs.cloud.hosts import JobLook, JobOrder, LogPage, Started
from app.runs.cloud.job_host import BadOutput
from app.runs.cloud.job_logs import page_of
from app.runs.cloud.looking import processing_look, training_look
from app.runs.cloud.tables import CloudJob
from app.runs.spec import StepSpec
from app.runs.starting import launcher_of
from app.runs.tables import Run
from ml.contract.faults import faultpoint
from ml.pipeline.sagemaker.compile import step_name
from ml.pipeline.sagemaker.outputs import read_outputs

EXECUTION, STEP, LAST = "execution", "step", "last"  # among a job's facts
HOST = "sagemaker-pipeline"


@dataclass(frozen=True)
class SageMakerPipelineHost:
    """Implements app.runs.cloud.hosts.CloudHost."""

    services: Services

    def ensure(self, order: JobOrder, unwanted: Callable[[], bool]) -> Started:
        executions = self._executions(order.job)
        with self.services.works.reading() as work:
            plan = planned(work, launcher_of(self.services).pipelines, order.job.run_id)
            last = self._is_last(work, order)
        arn, created = self._unless_done(executions, order, plan.arn)
        if not arn:
            again = f"{order.job.step_id}/{order.job.fence}"
            arn, created = executions.ensure(plan, again, unwanted)
        facts = {EXECUTION: arn, STEP: step_name(order.step_name), LAST: last}
        return Started(arn, created, facts=facts)

    def look(self, job: CloudJob) -> JobLook:
        executions = self._executions(job)
        arn = self._execution_of(executions, job)
        try:
            execution = executions.describe(arn) if arn else None
        except CloudMissing:
            execution = None
        if execution is None:
            return JobLook("missing", reason="AWS has no such execution of the pipeline.")
        steps = executions.steps(arn)
        step = steps.get(str(job.facts.get(STEP, "")))
        real = mirror.job_arn(step, job.kind)
        own = _described(executions.aws, job.kind, real)[0] if real else None
        look = mirror.looked(execution, step, own, last=bool(job.facts.get(LAST)))
        facts = {EXECUTION: arn, mirror.CACHED: mirror.cached_from(step), **mirror.decided(execution, steps)}
        if real:
            facts[mirror.JOB] = real.rpartition("/")[2]
        self._note_made(executions.aws, job, facts)
        return replace(look, arn=real or arn, facts=facts)

    def logs(self, job: CloudJob, positions: Mapping[str, Any]) -> LogPage:
        """Of work that the service's cache gave, the log is the earlier job's and stands with that."""
        name = str(job.facts.get(mirror.JOB, ""))
        if not name or job.facts.get(mirror.CACHED):
            return LogPage((), positions)
        return page_of(self._executions(job).aws, job.kind, name, positions)

    def stop(self, job: CloudJob) -> None:
        """Another job of the run may follow the same execution in this one's place: then it goes on."""
        executions = self._executions(job)
        arn = self._execution_of(executions, job)
        if arn and not self._followed_by_another(job):
            try:
                executions.stop(arn)
            except CloudMissing:
                return

    def fetch(self, job: CloudJob, into: Path, unwanted: Callable[[], bool]) -> dict[str, Path]:
        executions = self._executions(job)
        _, uri = _described(executions.aws, job.kind, job.arn)
        download(executions.aws, uri, into, unwanted)
        try:
            return read_outputs(into, "training" if job.kind == "training" else "processing")
        except ValueError as error:
            executions.stop(job.facts[EXECUTION])  # the run fails here: nothing there goes on for nobody
            raise BadOutput(f"What the job left can't be used: {error}", f"Look at {uri}.") from error

    # --- which execution ------------------------------------------------------------------------------

    def _unless_done(self, executions: Executions, order: JobOrder, arn: str) -> tuple[str, bool]:
        """A step that has succeeded there already is only brought back, however the execution ended."""
        if not arn:
            return "", False
        try:
            step = executions.steps(arn).get(step_name(order.step_name))
        except CloudMissing:
            return "", False
        done = step is not None and step["StepStatus"] == "Succeeded"
        return (arn, False) if done else ("", False)

    def _execution_of(self, executions: Executions, job: CloudJob) -> str:
        """Also of a job whose submitter died before it could say which: nothing may run there unseen."""
        if known := job.facts.get(EXECUTION):
            return str(known)
        with self.services.works.reading() as work:
            if work.session.get(Run, job.run_id) is None:
                return ""
            plan = planned(work, launcher_of(self.services).pipelines, job.run_id)
        return plan.arn or (executions.search(plan) if plan.display else "")

    def _followed_by_another(self, job: CloudJob) -> bool:
        with self.services.works.reading() as work:
            run = work.session.get(Run, job.run_id)
            others = execution_queries.jobs_named(work.session, job.run_id)
        if run is None or run.cancel_requested:
            return False
        return any(
            other.id != job.id and other.ended_at is None and other.stop_requested_at is None
            for other in others
        )

    def _is_last(self, work: Work, order: JobOrder) -> bool:
        """Whether no other program of the run comes after it."""
        steps = queries.steps_of(work.session, order.job.run_id)
        programs = [step for step in steps if step.runs_program]
        return not any(order.step_name in StepSpec.from_json(step.spec).needs for step in programs)

    # --- the rest -------------------------------------------------------------------------------------

    def _note_made(self, aws: Aws, job: CloudJob, facts: Mapping[str, Any]) -> None:
        """What the pipeline registered and made stands in the ledger, too, from when it is first seen."""
        made: list[tuple[Any, str]] = [
            ("model-package", str(facts.get(mirror.PACKAGE, ""))),
            ("model", str(facts.get(mirror.MODEL, ""))),
        ]
        fresh = [(kind, arn) for kind, arn in made if arn and arn not in job.facts.values()]
        for kind, arn in fresh:
            with self.services.works.writing() as work:
                faultpoint("cloud.note_made")
                name = arn if kind == "model-package" else arn.rpartition("/")[2]
                note_resource(work, kind, name, arn=arn, region=aws.config.region, subject_id=job.run_id)

    def _executions(self, job: CloudJob) -> Executions:
        with self.services.works.reading() as work:
            aws = aws_of(self.services, work)
        if aws.config.region != job.region:
            raise CloudAway(
                f"The pipeline's execution is in {job.region}, and the settings name {aws.config.region}.",
                f"Set the region back to {job.region} until it has ended.",
            )
        return Executions(self.services, aws)


def _described(aws: Aws, kind: str, arn: str) -> tuple[JobLook, str]:
    """The job that the service made, and the prefix below which it leaves its files."""
    name = arn.rpartition("/")[2]
    with calling("describe the job"):
        if kind == "training":
            trained = aws.sagemaker.describe_training_job(TrainingJobName=name)
            model = trained.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")
            return training_look(trained), model.rpartition("/")[0]
        said = aws.sagemaker.describe_processing_job(ProcessingJobName=name)
        outputs = said.get("ProcessingOutputConfig", {}).get("Outputs", [])
        return processing_look(said), next((each["S3Output"]["S3Uri"] for each in outputs), "")
