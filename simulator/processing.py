"""Processing jobs: inputs brought to the request's paths, a container a host, outputs taken away."""

from pathlib import Path
from typing import Any

from simulator.containers import Container, inside
from simulator.core import Answer, Request, State, invalid, listed, now, operation
from simulator.jobs import (
    Failed,
    Job,
    Wish,
    add,
    discard,
    find,
    forget,
    hosts,
    message_in,
    present,
    write_json,
)
from simulator.transfers import Mirror, Source, download, send
from simulator.transfers import find as find_objects

A_DAY = 86_400
KEPT = (
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "StoppingCondition",
    "AppSpecification",
    "Environment",
    "NetworkConfig",
    "RoleArn",
    "ExperimentConfig",
)


class ProcessingJob(Job):
    kind = "processing-job"
    word = "processing"
    log_group = "/aws/sagemaker/ProcessingJobs"

    def __init__(self, state: State, name: str, request: Request) -> None:
        super().__init__(state, name, request)
        self.message = ""

    def _run(self) -> None:
        count = self.request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
        roots = self._roots(count)
        try:
            self._bring(roots)
            self._hold(roots)
        finally:
            self.message = message_in(roots, "message")
            discard(roots)

    def _bring(self, roots: list[Path]) -> None:
        for each in self.request.get("ProcessingInputs", []):
            wanted = each["S3Input"]
            source = Source(
                wanted["S3Uri"],
                wanted.get("S3DataType", "S3Prefix"),
                wanted.get("S3DataDistributionType", "FullyReplicated"),
            )
            objects = find_objects(self.state, source)
            for host, root in enumerate(roots):
                part = source.part(objects, host, len(roots))
                download(self.state, part, Path(inside(root, wanted["LocalPath"])))

    def _hold(self, roots: list[Path]) -> None:
        if self._wish:
            return
        outputs = self.request.get("ProcessingOutputConfig", {}).get("Outputs", [])
        for root in roots:
            for each in outputs:
                _directory(root, each).mkdir(parents=True, exist_ok=True)
        with self.state.lock:
            self.started = self.changed = now()
        mirrors = [
            Mirror(self.state, _directory(root, each), each["S3Output"]["S3Uri"])
            for root in roots
            for each in outputs
            if each["S3Output"]["S3UploadMode"] == "Continuous"
        ]
        containers = [
            self._container(root, host) for root, host in zip(roots, hosts(len(roots)), strict=True)
        ]
        limit = self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", A_DAY)
        codes = self._attend(containers, _nothing, mirrors, limit)
        if self._wish is Wish.BROKEN:
            raise Failed(self._broken_reason)
        if self._wish is None and any(codes):
            raise Failed(_reason(codes, roots))
        if self._wish is None:
            self._take(roots, outputs)

    def _container(self, root: Path, host: str) -> Container:
        resources = self.request["ProcessingResources"]["ClusterConfig"]
        config = root / "opt/ml/config"
        names = hosts(resources["InstanceCount"])
        write_json(config / "resourceconfig.json", {"current_host": host, "hosts": names})
        write_json(config / "processingjobconfig.json", {**self.request, "ProcessingJobArn": self.arn})
        (root / "opt/ml/output").mkdir(parents=True, exist_ok=True)
        what = self.request["AppSpecification"]
        command = [*what["ContainerEntrypoint"], *what.get("ContainerArguments", [])]
        return Container(
            self.state,
            root,
            command,
            {"PROCESSING_JOB_ARN": self.arn, **self.request.get("Environment", {})},
        )

    def _take(self, roots: list[Path], outputs: list[Any]) -> None:
        for each in outputs:
            if each["S3Output"]["S3UploadMode"] == "EndOfJob":
                for root in roots:
                    send(self.state, _directory(root, each), each["S3Output"]["S3Uri"])


def _directory(root: Path, output: Any) -> Path:
    return Path(inside(root, output["S3Output"]["LocalPath"]))


def _nothing(_line: str) -> None:
    """No metrics are read from a processing job's lines."""


def _reason(codes: list[int], roots: list[Path]) -> str:
    code = next(code for code in codes if code)
    told = message_in(roots, "failure") or message_in(roots, "message")
    return f"AlgorithmError: {told or 'See job logs for more information'}, exit code: {code}"


# --- operations -------------------------------------------------------------------------------------


def start_processing(state: State, request: Request) -> str:
    """The job's name. The request is one of CreateProcessingJob that was checked."""
    _check(request)
    name = str(request["ProcessingJobName"])
    add(
        state,
        ProcessingJob(state, name, request),
        "Job name must be unique within an AWS account and region, and a job with this name already exists",
    )
    return name


def _check(request: Request) -> None:
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise invalid(
            "The simulator runs no image's own program: AppSpecification.ContainerEntrypoint is needed."
        )
    inputs = request.get("ProcessingInputs", [])
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    for each in [*inputs, *outputs]:
        place = each.get("S3Input") or each.get("S3Output")
        if place is None or each.get("AppManaged"):
            raise invalid("The simulator knows processing inputs and outputs on S3 alone.")
        if place.get("S3InputMode", "File") != "File":
            raise invalid("The simulator knows the input mode File alone.")
        if not str(place.get("LocalPath", "")).startswith("/opt/ml/processing"):
            raise invalid("LocalPath must be below /opt/ml/processing")
    names = [each.get("InputName") or each.get("OutputName") for each in [*inputs, *outputs]]
    if len(set(names)) != len(names):
        raise invalid("Names of inputs and outputs must be unique within a processing job")


@operation("CreateProcessingJob")
def create_processing_job(state: State, request: Request) -> Answer:
    return {"ProcessingJobArn": state.arn(ProcessingJob.kind, start_processing(state, request))}


@operation("DescribeProcessingJob")
def describe_processing_job(state: State, request: Request) -> Answer:
    with state.lock:
        return described(_find(state, request))


@operation("StopProcessingJob")
def stop_processing_job(state: State, request: Request) -> Answer:
    _find(state, request).stop()
    return {}


@operation("DeleteProcessingJob")
def delete_processing_job(state: State, request: Request) -> Answer:
    forget(state, _find(state, request))
    return {}


@operation("ListProcessingJobs")
def list_processing_jobs(state: State, request: Request) -> Answer:
    with state.lock:
        jobs = list(state.table(ProcessingJob.kind).values())
        items = [(job.name, _summary(job)) for job in jobs]
    return listed(
        items, request, "ProcessingJobSummaries", status="ProcessingJobStatus", by_default="Ascending"
    )


def _find(state: State, request: Request) -> ProcessingJob:
    name = request["ProcessingJobName"]
    job: ProcessingJob = find(
        state, ProcessingJob.kind, name, f"Could not find requested job with name: {name}"
    )
    return job


def _summary(job: ProcessingJob) -> Answer:
    return present(
        {
            "ProcessingJobName": job.name,
            "ProcessingJobArn": job.arn,
            "CreationTime": job.created,
            "ProcessingEndTime": job.ended,
            "LastModifiedTime": job.changed,
            "ProcessingJobStatus": job.status,
            "FailureReason": job.reason,
            "ExitMessage": job.message,
        }
    )


def described(job: ProcessingJob) -> Answer:
    """As DescribeProcessingJob answers, which is also what a pipeline's steps refer to."""
    kept = {name: job.request[name] for name in KEPT if name in job.request}
    return {**kept, **_summary(job), **present({"ProcessingStartTime": job.started})}
