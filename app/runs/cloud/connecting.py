"""The hosts by the word in a step's spec. Only who submits and looks after jobs needs them: the workers."""

from collections.abc import Mapping

from app.core.services import Services
from app.runs.cloud.hosts import CloudHost
from app.runs.cloud.job_host import JobHost
from app.runs.cloud.pipelines import SageMakerPipelineHost


def cloud_hosts(services: Services) -> Mapping[str, CloudHost]:
    return {"sagemaker": JobHost(services), "sagemaker-pipeline": SageMakerPipelineHost(services)}
