"""Operations on training jobs."""

import re

from simulator.core import Answer, Request, State, invalid, listed, operation
from simulator.jobs import add, find, forget, present
from simulator.training_job import A_DAY, TrainingJob

OWN = ("TrainingJobName", "Tags", "SessionChainingConfig")


def start_training(state: State, request: Request) -> str:
    """The job's name. The request is one of CreateTrainingJob that was checked."""
    _check(request)
    name = str(request["TrainingJobName"])
    add(
        state,
        TrainingJob(state, name, request),
        "Training job names must be unique within an AWS account and region, and a training job with this "
        "name already exists",
    )
    return name


def _check(request: Request) -> None:
    what = request.get("AlgorithmSpecification", {})
    if not what.get("ContainerEntrypoint"):
        raise invalid("The simulator runs no image's own program: name a ContainerEntrypoint.")
    if "ResourceConfig" not in request or "OutputDataConfig" not in request:
        raise invalid("ResourceConfig and OutputDataConfig are needed.")
    for each in what.get("MetricDefinitions", []):
        try:
            re.compile(each["Regex"])
        except re.error as error:
            raise invalid(f"Invalid regex for metric {each['Name']}: {error}") from None
    for channel in request.get("InputDataConfig", []):
        _check_channel(channel, what["TrainingInputMode"])
    _check_spot(request)


def _check_channel(channel: Request, mode: str) -> None:
    if "S3DataSource" not in channel["DataSource"]:
        raise invalid("The simulator knows channels on S3 alone.")
    if channel.get("InputMode", mode) == "Pipe":
        raise invalid("The simulator knows the input modes File and FastFile alone.")


def _check_spot(request: Request) -> None:
    condition = request.get("StoppingCondition", {})
    longest = condition.get("MaxWaitTimeInSeconds")
    if not request.get("EnableManagedSpotTraining"):
        if longest is not None:
            raise invalid(
                "MaxWaitTimeInSeconds above 0 is not supported if EnableManagedSpotTraining is not set to "
                "true"
            )
        return
    if longest is None or longest < condition.get("MaxRuntimeInSeconds", A_DAY):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds"
        )


@operation("CreateTrainingJob")
def create_training_job(state: State, request: Request) -> Answer:
    return {"TrainingJobArn": state.arn(TrainingJob.kind, start_training(state, request))}


@operation("DescribeTrainingJob")
def describe_training_job(state: State, request: Request) -> Answer:
    with state.lock:
        return described(_find(state, request))


@operation("StopTrainingJob")
def stop_training_job(state: State, request: Request) -> Answer:
    _find(state, request).stop()
    return {}


@operation("DeleteTrainingJob")
def delete_training_job(state: State, request: Request) -> Answer:
    forget(state, _find(state, request))
    return {}


@operation("ListTrainingJobs")
def list_training_jobs(state: State, request: Request) -> Answer:
    with state.lock:
        jobs = list(state.table(TrainingJob.kind).values())
        items = [(job.name, _summary(job)) for job in jobs]
    return listed(items, request, "TrainingJobSummaries", status="TrainingJobStatus", by_default="Ascending")


def _find(state: State, request: Request) -> TrainingJob:
    name = request["TrainingJobName"]
    job: TrainingJob = find(state, TrainingJob.kind, name, "Requested resource not found.")
    return job


def _summary(job: TrainingJob) -> Answer:
    return present(
        {
            "TrainingJobName": job.name,
            "TrainingJobArn": job.arn,
            "CreationTime": job.created,
            "TrainingEndTime": job.ended,
            "LastModifiedTime": job.changed,
            "TrainingJobStatus": job.status,
            "SecondaryStatus": job.secondary,
        }
    )


def described(job: TrainingJob) -> Answer:
    """As DescribeTrainingJob answers, which is also what a pipeline's steps refer to."""
    kept = {name: value for name, value in job.request.items() if name not in OWN}
    seconds = job.seconds()
    metrics = [
        {"MetricName": name, "Value": value, "Timestamp": moment}
        for name, (value, moment) in job.metrics.items()
    ]
    told = {
        "TrainingStartTime": job.started,
        "FailureReason": job.reason,
        "FinalMetricDataList": metrics or None,
        "TrainingTimeInSeconds": seconds and seconds[0],
        "BillableTimeInSeconds": seconds and seconds[1],
    }
    return {
        "StoppingCondition": {"MaxRuntimeInSeconds": A_DAY},
        **kept,
        **_summary(job),
        **present(told),
        "ModelArtifacts": {"S3ModelArtifacts": job.model_uri},
        "SecondaryStatusTransitions": [dict(each) for each in job.transitions],
    }
