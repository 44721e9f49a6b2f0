"""An endpoint on SageMaker as the prediction form and REST see it: the same call as for one of this server.

Nothing is kept but a few threads: each call asks the database what is live, and whether it still may be.
"""

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import ClientError

from app.core.errors import Invalid, TooMany, Unavailable
from app.core.services import Services
from app.core.storage.refusals import code_of
from app.endpoints.loaded import WAITING_LIMIT, Serves
from app.integrations.aws.clients import Aws
from app.integrations.aws.errors import THROTTLED, CloudAway, calling
from ml.serving.predictor import Prediction, ReviewInput
from ml.serving.wire import JSON, NotReadable, read_answer

THREADS = 8  # each waits for SageMaker, and computes nothing
AGAIN_SECONDS = 2


class EndpointThrottled(TooMany):
    title = "SageMaker is busy"


class ContainerRefused(Invalid):
    title = "The model refused the inputs"


class ContainerFailed(Unavailable):
    title = "The model failed"


class Remotes:
    """The threads of one process in which SageMaker is waited for, and how many reviews wait in them."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.waiting = 0
        self._executor = ThreadPoolExecutor(THREADS, thread_name_prefix="sagemaker")

    def close(self) -> None:
        self._executor.shutdown(wait=False)

    async def run(self, remote: "Remote", inputs: Sequence[ReviewInput]) -> list[Prediction]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, remote.invoke, inputs)


class Remote:
    def __init__(self, serves: Serves, name: str, aws: Aws, remotes: Remotes) -> None:
        self.serves = serves
        self._name = name
        self._aws = aws
        self._remotes = remotes

    def admit(self, count: int = 1) -> None:
        if self._remotes.waiting and self._remotes.waiting + count > WAITING_LIMIT:
            raise EndpointThrottled(
                f"{self._remotes.waiting} reviews wait for SageMaker already.",
                f"Try again in {AGAIN_SECONDS} s.",
                retry_after=AGAIN_SECONDS,
            )

    async def predict(self, inputs: Sequence[ReviewInput]) -> list[Prediction]:
        self.admit(len(inputs))
        self._remotes.waiting += len(inputs)
        try:
            return await self._remotes.run(self, inputs)
        finally:
            self._remotes.waiting -= len(inputs)

    def invoke(self, inputs: Sequence[ReviewInput]) -> list[Prediction]:
        given = [{"text": each.text, "title": each.title} for each in inputs]
        body = json.dumps({"inputs": given}).encode()
        try:
            with calling(f"ask {self.serves.endpoint}"):
                return read_answer(self._answer(body))
        except NotReadable as error:
            raise ContainerFailed(f"{self.serves.endpoint} answers otherwise than agreed: {error}.") from None
        except CloudAway as away:
            if away.aws_code not in THROTTLED:
                raise
            raise EndpointThrottled(
                f"SageMaker lets {self.serves.endpoint} answer no more at once ({away.aws_code}).",
                "Try again in a moment; more instances, or a higher quota, answer more.",
                retry_after=AGAIN_SECONDS,
            ) from None

    def _answer(self, body: bytes) -> bytes:
        try:
            answer = self._aws.runtime.invoke_endpoint(
                EndpointName=self._name, ContentType=JSON, Accept=JSON, Body=body
            )
        except ClientError as error:
            if code_of(error) != "ModelError":
                raise
            raise self._failed(error) from None
        return answer["Body"].read()

    def _failed(self, error: ClientError) -> Invalid | Unavailable:
        """The container's own words, which SageMaker hands on."""
        status = int(error.response.get("OriginalStatusCode", 500))  # type: ignore[call-overload]
        said = _words(str(error.response.get("OriginalMessage", "")))
        if status in (400, 413, 415):
            return ContainerRefused(said or "The model can't read the inputs.", "Change the inputs.")
        return ContainerFailed(
            f"{self.serves.endpoint} failed at SageMaker ({status}): {said or 'it said nothing'}",
            "The endpoint's log in CloudWatch says more.",
            retry_after=AGAIN_SECONDS,
        )


def _words(message: str) -> str:
    try:
        found = json.loads(message)
    except ValueError:
        return message[:500]
    return str(found.get("error", message))[:500] if isinstance(found, dict) else message[:500]
