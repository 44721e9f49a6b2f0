"""One execution of a pipeline: a thread walks its steps, each of which has a thread of its own.

As at AWS: a step begins when all that it needs has succeeded; after a failure nothing new begins, what runs
is let go on, and the execution fails; a step that never began is not listed.
"""

import json
import secrets
import string
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import BotoCoreError, ClientError

from simulator.core import AwsError, State, invalid, now
from simulator.pipelines.definition import Definition, Step, values
from simulator.pipelines.expressions import Path, duration, walk
from simulator.pipelines.steps import KINDS, Context, Done, StepFailed, StepStopped, cache_key

FAILED = "Step failure: One or multiple steps failed."


@dataclass
class StepRun:
    name: str
    status: str = "Executing"
    started: datetime = field(default_factory=now)
    ended: datetime | None = None
    reason: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    taken_from: str = ""
    """The execution whose work this step was given, empty when it did its own."""
    attempts: int = 1

    def summary(self, step: Step) -> dict[str, Any]:
        optional = {
            "EndTime": self.ended,
            "FailureReason": self.reason or None,
            "CacheHitResult": {"SourcePipelineExecutionArn": self.taken_from} if self.taken_from else None,
            "StepDisplayName": step.raw.get("DisplayName"),
            "StepDescription": step.raw.get("Description"),
        }
        return {
            "StepName": self.name,
            "StartTime": self.started,
            "StepStatus": self.status,
            "AttemptCount": self.attempts,
            "Metadata": dict(self.metadata),
            **{name: value for name, value in optional.items() if value is not None},
        }


class Execution:
    def __init__(self, state: State, pipeline: Mapping[str, Any], request: Mapping[str, Any]) -> None:
        self.state = state
        self.id = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))
        self.pipeline: Mapping[str, Any] = dict(pipeline)  # as it stood when this began
        self.arn = f"{pipeline['PipelineArn']}/execution/{self.id}"
        self.definition: Definition = pipeline["definition"]
        self.given: list[dict[str, str]] = request.get("PipelineParameters", [])
        self.values = values(self.definition, self.given)
        self.request = request
        self.status = "Executing"
        self.reason = ""
        self.created = self.changed = now()
        self.runs: dict[str, StepRun] = {}
        self.stopping = threading.Event()
        self._moved = threading.Condition(state.lock)

    def start(self) -> None:
        threading.Thread(target=self._walk, name=f"execution-{self.id}", daemon=True).start()

    # --- asked from outside, under the state's lock ---------------------------------------------------

    def stop(self) -> None:
        if self.status != "Executing":
            raise invalid(
                f"Pipeline execution with ARN {self.arn} status {self.status}; "
                "only executions that are Executing can be stopped"
            )
        self.stopping.set()
        self._move("Stopping")
        for run in self.runs.values():
            if run.status == "Executing":
                run.status = "Stopping"

    def retry(self) -> None:
        """What succeeded stands; what failed or was stopped is done again, as a further attempt."""
        if self.status not in ("Failed", "Stopped"):
            raise invalid(
                f"Pipeline execution with ARN {self.arn} status {self.status}; "
                "only executions that Failed or were Stopped can be retried"
            )
        self.stopping.clear()
        self.reason = ""
        self._move("Executing")
        self.start()

    def _move(self, status: str) -> None:
        self.status, self.changed = status, now()
        self._moved.notify_all()

    # --- walking --------------------------------------------------------------------------------------

    def _walk(self) -> None:
        with self._moved:
            failed = False
            begun: set[str] = set()
            while True:
                for step in [] if failed or self.stopping.is_set() else self._ready(begun)[: self._room()]:
                    begun.add(step.name)
                    self._begin(step)
                if not any(run.ended is None for run in self.runs.values()):
                    if failed or self.stopping.is_set() or not self._ready(begun):
                        break
                    continue
                self._moved.wait()
                failed = any(self.runs[name].status == "Failed" for name in begun)
            self.reason = FAILED if failed else ""
            self._move("Failed" if failed else "Stopped" if self.stopping.is_set() else "Succeeded")

    def _ready(self, begun: set[str]) -> list[Step]:
        return [
            step
            for step in self.definition.steps.values()
            if step.name not in begun
            and not self._succeeded(step.name)
            and all(self._succeeded(name) for name in step.needs)
            and (step.branch is None or self.runs[step.branch[0]].properties["Outcome"] == step.branch[1])
        ]

    def _room(self) -> int:
        """How many more steps may run beside those that do."""
        most = (self.request.get("ParallelismConfiguration") or {}).get("MaxParallelExecutionSteps", 1000)
        return max(0, int(most) - sum(run.ended is None for run in self.runs.values()))

    def _succeeded(self, name: str) -> bool:
        return name in self.runs and self.runs[name].status == "Succeeded"

    def _begin(self, step: Step) -> None:
        before = self.runs.pop(step.name, None)
        run = StepRun(step.name, attempts=before.attempts + 1 if before else 1)
        self.runs[step.name] = run
        threading.Thread(target=self._do, args=(step, run), name=f"step-{step.name}", daemon=True).start()

    def _do(self, step: Step, run: StepRun) -> None:
        context = self._context(step, run)
        try:
            run.key = cache_key(context)
            earlier = self._earlier(step, run.key)
            if earlier:
                run.taken_from, done, run.attempts = earlier[0], earlier[1], 0
            else:
                done = KINDS[step.kind](context)
        except StepStopped:
            self._end(run, "Stopped")
        except StepFailed as failure:
            run.metadata = failure.metadata or run.metadata
            self._end(run, "Failed", failure.reason)
        except AwsError as error:
            self._end(run, "Failed", f"ClientError: {error.message}")
        except (LookupError, TypeError, ValueError, AttributeError, ClientError, BotoCoreError) as error:
            self._end(run, "Failed", f"InternalServerError: {type(error).__name__}: {error}")
        else:
            run.metadata, run.properties = done.metadata, done.properties
            self._end(run, "Succeeded")

    def _end(self, run: StepRun, status: str, reason: str = "") -> None:
        with self._moved:
            run.status, run.reason, run.ended = status, reason, now()
            self._moved.notify_all()

    def _context(self, step: Step, run: StepRun) -> Context:
        def tell(metadata: Mapping[str, Any]) -> None:
            with self.state.lock:
                run.metadata = metadata

        role = self.pipeline["RoleArn"]
        return Context(self.state, step, self, self.id, self.arn, role, self.stopping, tell)

    def _earlier(self, step: Step, key: str | None) -> tuple[str, Done] | None:
        """The most recent work of the same step with the same attributes, in this pipeline."""
        if key is None:
            return None
        expires = step.cache.get("ExpireAfter")
        oldest = now() - duration(expires) if expires else None
        with self.state.lock:
            found = [
                (run.ended, each.arn, run)
                for each in self.state.table("pipeline-execution").values()
                if each.pipeline["PipelineArn"] == self.pipeline["PipelineArn"]
                and (run := each.runs.get(step.name))
                and (run.status, run.key, run.taken_from) == ("Succeeded", key, "")
                and (oldest is None or run.ended > oldest)
            ]
        if not found:
            return None
        _, arn, run = max(found, key=lambda each: each[0])
        return arn, Done(run.metadata, run.properties)

    # --- what expressions refer to --------------------------------------------------------------------

    def get(self, path: Path) -> Any:
        root, name, *rest = path
        if root == "Parameters":
            return self.values[str(name)]
        if root == "Execution":
            return self._variable(str(name))
        return walk(self.runs[str(name)].properties, tuple(rest), ".".join(map(str, path)))

    def _variable(self, name: str) -> str:
        found = {
            "PipelineName": self.pipeline["PipelineName"],
            "PipelineArn": self.pipeline["PipelineArn"],
            "PipelineExecutionId": self.id,
            "PipelineExecutionArn": self.arn,
            "StartDateTime": self.created.isoformat(),
        }[name]
        return str(found)

    def document(self, path: Path) -> Any:
        step, wanted = str(path[1]), path[3]
        files = {each["PropertyFileName"]: each for each in self.definition.steps[step].raw["PropertyFiles"]}
        if wanted not in files:
            raise invalid(f"Step '{step}' has no property file '{wanted}'")
        file = files[str(wanted)]
        output = walk(
            self.runs[step].properties, ("ProcessingOutputConfig", "Outputs", file["OutputName"]), str(path)
        )
        return self.stored(f"{output['S3Output']['S3Uri'].rstrip('/')}/{file['FilePath']}")

    def stored(self, uri: str) -> Any:
        place = urlparse(uri)
        try:
            stored = self.state.s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
            return json.loads(stored["Body"].read())
        except (ClientError, ValueError) as error:
            raise invalid(f"Unable to read the property file {uri}: {error}") from None
