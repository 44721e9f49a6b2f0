"""The one place where clients of AWS are made: endpoint, region, patience and credentials in one form.

Credentials come from boto3's own chain (environment, shared file, the machine's role) and are never kept
anywhere; a role to assume is assumed from them.
"""

import threading
import time
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials
from botocore.exceptions import NoCredentialsError

from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.config import CloudConfig, config_of
from app.integrations.aws.errors import CloudNotSetUp, calling

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_sts import STSClient

# A client keeps the credentials that it found; renewed ones count after this long, without a restart.
RENEWED_SECONDS = 300
PATIENCE = Config(
    connect_timeout=5,
    read_timeout=60,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=16,
    tcp_keepalive=True,
    user_agent_extra="fittingroom",
    # Servers that merely speak S3 refuse the additional checksum; ours are compared by SHA-256 anyway.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class Aws:
    """Clients of one configuration, made when first asked for; each may be used by any thread."""

    def __init__(self, config: CloudConfig) -> None:
        self.config = config
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        self._session: boto3.session.Session | None = None

    @property
    def sagemaker(self) -> "SageMakerClient":
        client: SageMakerClient = self._client("sagemaker")
        return client

    @property
    def runtime(self) -> "SageMakerRuntimeClient":
        client: SageMakerRuntimeClient = self._client("sagemaker-runtime")
        return client

    @property
    def s3(self) -> "S3Client":
        client: S3Client = self._client("s3")
        return client

    @property
    def logs(self) -> "CloudWatchLogsClient":
        client: CloudWatchLogsClient = self._client("logs")
        return client

    @property
    def glue(self) -> "GlueClient":
        client: GlueClient = self._client("glue")
        return client

    @property
    def athena(self) -> "AthenaClient":
        client: AthenaClient = self._client("athena")
        return client

    @property
    def sts(self) -> "STSClient":
        client: STSClient = self._client("sts")
        return client

    @property
    def iam(self) -> "IAMClient":
        client: IAMClient = self._client("iam")
        return client

    def _client(self, service: str) -> Any:
        """A session must not make two clients at once; the clients themselves don't mind threads."""
        with self._lock, calling(f"use {service}"):
            if service not in self._clients:
                self._session = self._session or _session(self.config)
                make = partial(self._session.client, region_name=self.config.region, config=PATIENCE)
                self._clients[service] = make(service, endpoint_url=self.config.endpoint)
            return self._clients[service]


def aws_of(services: Services, work: Work) -> Aws:
    config = config_of(work, services.settings)
    if config is None:
        raise CloudNotSetUp
    return aws_for(config)


def aws_for(config: CloudConfig) -> Aws:
    return _kept(config, int(time.monotonic() // RENEWED_SECONDS))


def aws_in(aws: Aws, region: str) -> Aws:
    """The same, where something was made while the settings named another region."""
    return aws if aws.config.region == region else aws_for(replace(aws.config, region=region))


def forget_clients() -> None:
    """The next call finds credentials anew."""
    _kept.cache_clear()


@lru_cache(maxsize=4)
def _kept(config: CloudConfig, _period: int) -> Aws:
    """Making a client takes 50 ms and reads megabytes of descriptions."""
    return Aws(config)


def _session(config: CloudConfig) -> boto3.session.Session:
    own = botocore.session.Session()
    if not config.assume_role:
        return boto3.session.Session(botocore_session=own, region_name=config.region)
    source = own.get_credentials()
    if source is None:
        raise NoCredentialsError
    create = partial(own.create_client, endpoint_url=config.endpoint, config=PATIENCE)
    fetcher = AssumeRoleCredentialFetcher(
        client_creator=partial(create, region_name=config.region),
        source_credentials=source,
        role_arn=config.assume_role,
        extra_args={"RoleSessionName": "fittingroom"},
    )
    assumed = botocore.session.Session()
    # botocore offers no public door for this; it is what its own profiles with a role_arn do.
    assumed._credentials = DeferredRefreshableCredentials(  # type: ignore[attr-defined]
        method="assume-role", refresh_using=fetcher.fetch_credentials
    )
    return boto3.session.Session(botocore_session=assumed, region_name=config.region)
