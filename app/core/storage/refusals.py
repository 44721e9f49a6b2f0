"""What S3 and its client say, in words that tell a person what to do. Never with a key or a token in them."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)

from app.core.storage.trees import StorageAway, StorageRefused

NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    TokenRetrievalError,
)
MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
CREDENTIALS = frozenset(
    {
        "AuthFailure",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    }
)
FORBIDDEN = frozenset({"AccessDenied", "AllAccessDisabled", "AccountProblem", "403", "Forbidden"})
ELSEWHERE = frozenset({"301", "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect"})
GIVE_CREDENTIALS = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE, or give the machine "
    "a role."
)
TRY_AGAIN = "Try again in a moment. If it stays so, look at the network and at FITTINGROOM_S3_ENDPOINT."


@contextmanager
def plainly(bucket: str) -> Iterator[None]:
    """Around everything that speaks to S3. A missing file passes: only the caller knows what that means."""
    try:
        yield
    except NO_CREDENTIALS as error:
        raise StorageRefused("There are no usable credentials for S3.", GIVE_CREDENTIALS) from error
    except BotoCoreError as error:
        raise StorageAway("S3 does not answer.", TRY_AGAIN) from error
    except ClientError as error:
        if is_missing(error):
            raise
        raise _refusal(bucket, code_of(error), status_of(error)) from error


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_missing(error: ClientError) -> bool:
    return code_of(error) in MISSING


def status_of(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _refusal(bucket: str, code: str, status: int) -> StorageAway:
    if code == "NoSuchBucket":
        return StorageRefused(
            f"S3 has no bucket {bucket!r}.", "Create it, or name another one in FITTINGROOM_STORAGE."
        )
    if code in CREDENTIALS:
        return StorageRefused(f"S3 does not accept the credentials ({code}).", GIVE_CREDENTIALS)
    if code in FORBIDDEN:
        return StorageRefused(
            f"The credentials give no right to the bucket {bucket!r}.",
            "They need s3:ListBucket on it, and s3:GetObject, s3:PutObject, s3:DeleteObject on its objects.",
        )
    if code in ELSEWHERE:
        return StorageRefused(
            f"The bucket {bucket!r} is in another region.", "Set AWS_REGION to the bucket's."
        )
    if code == "RequestTimeTooSkewed":
        return StorageRefused("The clock of this machine is wrong: S3 refuses it.", "Set the clock.")
    if status >= 500 or status in (408, 429) or code in ("SlowDown", "RequestTimeout", "BadDigest"):
        return StorageAway(f"S3 could not do it now ({code}).", TRY_AGAIN)
    return StorageRefused(f"S3 refuses ({code}).", "Look its code up in the documentation of S3.")
