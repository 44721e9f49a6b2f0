"""What AWS refuses or fails to answer, as one of ours: what happened, what was being done, what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError

from app.core.errors import Conflict, Unavailable
from app.core.storage.refusals import NO_CREDENTIALS, code_of, status_of
from app.integrations.aws.operations import permission_for

EXPIRED = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        "UnrecognizedClientException",
    }
)
THROTTLED = frozenset(
    {
        "InternalFailure",
        "InternalServerException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
FORBIDDEN = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "403",
        "Forbidden",
    }
)
MISSING = frozenset(
    {
        "404",
        "EntityNotFoundException",
        "NoSuchBucket",
        "NoSuchEntity",
        "NoSuchKey",
        "NotFound",
        "ResourceNotFound",
        "ResourceNotFoundException",
    }
)
# Calls that are about something that is there already say "invalid" where they mean that it is not.
INVALID = frozenset({"InvalidRequestException", "ValidationError", "ValidationException"})
NOT_THERE = re.compile(r"could not find|not found|does not exist", re.IGNORECASE)
NOT_THERE_CALLS = ("Delete", "Describe", "Get", "Invoke", "List", "Stop")
GIVE_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where the product is started, or "
    "AWS_SHARED_CREDENTIALS_FILE, or give the machine a role."
)
TRY_AGAIN = "It is tried again. If it stays so, look at the network and at the AWS service health page."


class CloudAway(Unavailable):
    """AWS did not answer, or asked to be left alone for a while: the same call may work later."""

    title = "AWS does not answer"

    def __init__(self, message: str, advice: str = "", code: str = "") -> None:
        super().__init__(message, advice)
        self.aws_code = code


class CloudExpired(Unavailable):
    """There are no credentials that AWS accepts. Nothing in the product can mend that; somebody must."""

    title = "AWS does not accept the credentials"


class CloudRefused(Conflict):
    """AWS understood and said no. ``aws_code`` is its word for why; ``permission`` what was missing."""

    title = "AWS refused"

    def __init__(self, message: str, advice: str = "", code: str = "", permission: str = "") -> None:
        super().__init__(message, advice)
        self.aws_code = code
        self.permission = permission


class CloudMissing(CloudRefused):
    """What was asked about is not there."""

    title = "Not there"


class CloudNotSetUp(Conflict):
    title = "The cloud is not set up"

    def __init__(self) -> None:
        super().__init__(
            "Amazon SageMaker is not set up.", "An administrator sets it up under Settings, Cloud."
        )


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Around every call: ``with calling("start the training job"):``."""
    try:
        yield
    except NO_CREDENTIALS as error:
        raise CloudExpired(
            f"AWS can't be asked to {what}: there are no credentials.", GIVE_CREDENTIALS
        ) from error
    except BotoCoreError as error:
        raise CloudAway(f"AWS does not answer when asked to {what}.", TRY_AGAIN) from error
    except ClientError as error:
        raise refusal(what, error) from error


def refusal(what: str, error: ClientError) -> CloudAway | CloudExpired | CloudRefused:
    code, said = code_of(error), str(error.response.get("Error", {}).get("Message", ""))
    status = status_of(error)
    if code in EXPIRED:
        return CloudExpired(f"AWS does not accept the credentials to {what} ({code}).", GIVE_CREDENTIALS)
    if code in THROTTLED or status >= 500 or status == 429:
        return CloudAway(f"AWS could not {what} now ({code}).", TRY_AGAIN, code)
    if code in FORBIDDEN:
        return _forbidden(what, code, said, error.operation_name)
    if _is_missing(code, said, error.operation_name):
        return CloudMissing(f"AWS can't {what}: {said or 'it is not there'}", "", code)
    if code == "ResourceLimitExceeded":
        return _no_quota(what, code, said)
    return CloudRefused(f"AWS refuses to {what} ({code}): {said}", "", code)


def _is_missing(code: str, said: str, operation: str) -> bool:
    unsaid = code in INVALID and operation.startswith(NOT_THERE_CALLS)
    return code in MISSING or (unsaid and NOT_THERE.search(said) is not None)


def _forbidden(what: str, code: str, said: str, operation: str) -> CloudRefused:
    """The message names the permission; S3 doesn't, so ours does."""
    named = re.search(r"not authorized to perform:?\s+([a-zA-Z0-9-]+:[A-Za-z*]+)", said)
    permission = named[1] if named else permission_for(operation)
    return CloudRefused(
        f"The credentials have no permission to {what}: {permission} is missing.",
        f"Allow {permission}; Settings, Cloud shows the whole policy.",
        code,
        permission,
    )


def _no_quota(what: str, code: str, said: str) -> CloudRefused:
    limit = re.search(r"limit '([^']+)'", said)
    return CloudRefused(
        f"The account's quota does not allow to {what}: {said}",
        f"Ask for more of {limit[1] if limit else 'it'} under Service Quotas, or choose another type.",
        code,
    )
