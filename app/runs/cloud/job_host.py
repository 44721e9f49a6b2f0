"""A step as a processing or training job of its own at SageMaker."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.core.services import Services
from app.integrations.aws.clients import Aws, aws_of
from app.integrations.aws.config import CloudConfig
from app.integrations.aws.errors import CloudAway, CloudMissing, CloudRefused, calling
from app.integrations.aws.images import job_image
from app.runs.cloud.downloads import download
from app.runs.cloud.hosts import JobLook, JobOrder, LogPage, Started
from app.runs.cloud.job_logs import page_of
from app.runs.cloud.looking import processing_look, training_look
from app.runs.cloud.tables import CloudJob
from app.runs.cloud.uploads import upload_code, upload_tree
from app.runs.spec import ComputeSpec
from ml.contract.faults import faultpoint
from ml.pipeline.resolve import as_strings
from ml.pipeline.sagemaker.jobs import JobSpec, create_request
from ml.pipeline.sagemaker.outputs import read_outputs

IN_USE = "ResourceInUse"
ENDED_ALREADY = "ValidationException"  # what SageMaker answers to a stop of what has ended


class BadOutput(CloudRefused):
    title = "The job left something else"


class JobHost:
    """Implements app.runs.cloud.hosts.CloudHost."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def ensure(self, order: JobOrder, unwanted: Callable[[], bool]) -> Started:
        aws = self._aws(order.job)
        found = self.look(order.job)
        if found.state != "missing":
            return Started(found.arn, created=False)
        request = create_request(self._spec(aws, order, unwanted))
        try:
            return Started(_create(aws, order.job, request))
        except CloudRefused as refusal:
            if refusal.aws_code != IN_USE:
                raise
            # Somebody created it since we looked: under this name that can only have been this attempt.
            return Started(self.look(order.job).arn, created=False)

    def look(self, job: CloudJob) -> JobLook:
        sagemaker = self._aws(job).sagemaker
        try:
            with calling("describe the job"):
                if job.kind == "training":
                    return training_look(sagemaker.describe_training_job(TrainingJobName=job.name))
                return processing_look(sagemaker.describe_processing_job(ProcessingJobName=job.name))
        except CloudMissing:
            return JobLook("missing", reason=f"AWS has no job {job.name}.")

    def logs(self, job: CloudJob, positions: Mapping[str, Any]) -> LogPage:
        return page_of(self._aws(job), job.kind, job.name, positions)

    def stop(self, job: CloudJob) -> None:
        sagemaker = self._aws(job).sagemaker
        try:
            with calling("stop the job"):
                faultpoint("job.stop")
                if job.kind == "training":
                    sagemaker.stop_training_job(TrainingJobName=job.name)
                else:
                    sagemaker.stop_processing_job(ProcessingJobName=job.name)
        except CloudRefused as refusal:
            if not isinstance(refusal, CloudMissing) and refusal.aws_code != ENDED_ALREADY:
                raise

    def fetch(self, job: CloudJob, into: Path, unwanted: Callable[[], bool]) -> dict[str, Path]:
        download(self._aws(job), job.output_uri, into, unwanted)
        try:
            return read_outputs(into, "training" if job.kind == "training" else "processing")
        except ValueError as error:
            raise BadOutput(
                f"What the job left can't be used: {error}", f"Look at {job.output_uri}."
            ) from error

    def _aws(self, job: CloudJob) -> Aws:
        with self._services.works.reading() as work:
            aws = aws_of(self._services, work)
        if aws.config.region != job.region:
            raise CloudAway(
                f"The job {job.name} is in {job.region}, and the settings name {aws.config.region}.",
                f"Set the region back to {job.region} until it has ended.",
            )
        return aws

    def _spec(self, aws: Aws, order: JobOrder, unwanted: Callable[[], bool]) -> JobSpec:
        config, compute, storage = aws.config, order.spec.compute, self._services.storage
        assert compute is not None, "its kind says that it runs at AWS"
        assert order.spec.program is not None, "a step at AWS runs a program"
        channels = {name: upload_tree(aws, storage, tree, unwanted) for name, tree in order.inputs.items()}
        return JobSpec(
            name=order.job.name,
            kind=compute.job,
            program=order.spec.program,
            arguments=as_strings(order.spec.arguments),
            channels=channels,
            code_uri=upload_code(aws, order.spec.program),
            output_uri=order.job.output_uri,
            # Of the step, not of the job: what an interrupted attempt left is where the next one looks.
            checkpoint_uri=config.uri("checkpoints", order.job.step_id),
            instance_type=compute.instance_type,
            instance_count=compute.instance_count,
            volume_gb=compute.volume_gb,
            max_seconds=compute.max_seconds,
            spot=compute.spot and compute.job == "training",
            image=image_of(config, compute),
            role_arn=config.role_arn,
            tags={tag["Key"]: tag["Value"] for tag in config.tags},
        )


def image_of(config: CloudConfig, compute: ComputeSpec) -> str:
    """The one that was set; where none was, the usual one for this type: with cards or without."""
    training = compute.job == "training"
    chosen = config.training_image if training else config.processing_image
    instance = config.training_instance if training else config.processing_instance
    usual = chosen == job_image(config.region, instance)
    return job_image(config.region, compute.instance_type) if usual else chosen


def _create(aws: Aws, job: CloudJob, request: Mapping[str, Any]) -> str:
    faultpoint("job.create")
    with calling(f"start the {job.kind} job"):
        if job.kind == "training":
            arn = aws.sagemaker.create_training_job(**request)["TrainingJobArn"]
        else:
            arn = aws.sagemaker.create_processing_job(**request)["ProcessingJobArn"]
    faultpoint("job.created")
    return arn
