"""``fittingroom run``: start runs, watch them, look into them, stop and repeat them."""

import json
import time
import uuid
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import typer

from app.cli.client import address
from app.cli.errands import add_to_runs
from app.cli.failures import Exit, Failure
from app.cli.keeping import add_keeping
from app.cli.output import Format, at, column, interval, print_json, show_list, show_one
from app.cli.session import Session, command

POLL_SECONDS = 0.5
ENDED = frozenset({"succeeded", "failed", "cancelled"})
WORDS = {"leased": "running", "remote": "running"}  # whoever does it, a worker or a job at AWS

app = typer.Typer(help="Executions of a pipeline.", no_args_is_help=True)
RunId = Annotated[str, typer.Argument(metavar="ID", help="The run's id, run_….")]

LIST = [
    column("id", "id"),
    column("pipeline", "pipeline"),
    column("recipe", "recipe"),
    column("status", "status"),
    column("data set", "dataset", "name"),
    ("macro-F1", lambda run: interval(at(run, "metrics", "macro_f1"))),
    column("created", "created_at"),
]
RUN = [
    column("id", "id"),
    column("pipeline", "pipeline"),
    column("recipe", "recipe"),
    column("status", "status"),
    column("message", "message"),
    column("data set", "dataset", "name"),
    column("data set version", "dataset", "version"),
    column("compute", "compute"),
    ("gate", lambda run: _gate_in_words(run)),
    ("accuracy", lambda run: interval(at(run, "metrics", "accuracy"))),
    ("  of the baseline", lambda run: interval(at(run, "baseline", "accuracy"))),
    ("macro-F1", lambda run: interval(at(run, "metrics", "macro_f1"))),
    ("  of the baseline", lambda run: interval(at(run, "baseline", "macro_f1"))),
    column("model", "model_version", "model"),
    column("model version", "model_version", "version"),
]
STEPS = [
    column("step", "name"),
    column("status", "status"),
    ("runs on", lambda step: _place(step)),
    column("attempts", "attempts"),
    column("cached", "cached"),
    column("seconds", "seconds"),
    column("error", "error"),
]
ARTIFACTS = [
    column("step", "step"),
    column("path", "path"),
    column("bytes", "size"),
    column("sha256", "sha256"),
]


@command(app, "start")
def start(
    session: Session,
    dataset: Annotated[str, typer.Option("--dataset", help="Name or id of the data set.")],
    recipe: Annotated[
        str | None, typer.Option("--recipe", help="A named set of parameters: quick, standard, best, labs.")
    ] = None,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="KEY=VALUE", help="Override one; may be repeated."),
    ] = None,
    version: Annotated[
        int | None, typer.Option("--version", help="Of the data set; else the newest ready one.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="The model to extend; else named as the data set."),
    ] = None,
    pipeline: Annotated[str, typer.Option("--pipeline", help="What to run.")] = "review-classifier",
    priority: Annotated[str | None, typer.Option("--priority", help="low, normal or high.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu or gpu.")] = None,
    compute: Annotated[
        str | None, typer.Option("--compute", help="local, sagemaker or sagemaker-pipeline.")
    ] = None,
    compute_step: Annotated[
        list[str] | None,
        typer.Option("--compute-step", metavar="STEP=COMPUTE", help="Of one step; may be repeated."),
    ] = None,
    instance_type: Annotated[
        list[str] | None,
        typer.Option("--instance-type", metavar="STEP=TYPE", help="At SageMaker; may be repeated."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended; a failed gate exits 3.")] = False,
) -> None:
    """Start a run of a pipeline on a data set."""
    wanted = {
        "dataset": dataset,
        "version": version,
        "recipe": recipe,
        "parameters": parameters_of(param or []),
        "model": model,
        "pipeline": pipeline,
        "priority": priority,
        "device": device,
        "compute": compute,
        "computes": _pairs(compute_step or [], "--compute-step", "train=sagemaker") or None,
        "instance_types": _pairs(instance_type or [], "--instance-type", "train=ml.m5.xlarge") or None,
    }
    body = {key: value for key, value in wanted.items() if value is not None}
    # The key makes a repeated request find the first one's run instead of starting a second.
    run = session.client.post("/runs", body, headers={"Idempotency-Key": uuid.uuid4().hex})
    session.log(f"{run['id']} on {session.client.url}/runs/{run['id']}")
    if wait:
        _follow(session, run["id"])
    else:
        _show(session, run)


@command(app, "watch")
def watch(session: Session, run_id: RunId) -> None:
    """Follow a run until it has ended; the exit code tells how."""
    _follow(session, run_id)


@command(app, "ls")
def ls(
    session: Session,
    status: Annotated[str | None, typer.Option("--status", help="Only runs in this status.")] = None,
    dataset: Annotated[str | None, typer.Option("--dataset", help="Only runs on this data set.")] = None,
    recipe: Annotated[str | None, typer.Option("--recipe", help="Only runs with this recipe.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Only runs that bear this tag.")] = None,
    text: Annotated[str | None, typer.Option("--search", help="In number, label, model and tags.")] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", help="launched, duration or macro_f1; -macro_f1: best first.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="At most this many.")] = 50,
) -> None:
    """List the runs, newest first."""
    narrowed = {"status": status, "dataset": dataset, "recipe": recipe, "tag": tag, "q": text, "sort": sort}
    answer = session.client.get("/runs", limit=limit, **narrowed)
    show_list(answer["items"], LIST, session.output, answer)


@command(app, "show")
def show(session: Session, run_id: RunId) -> None:
    """Show a run, its steps, its gate and its figures."""
    _show(session, session.client.get(address("runs", run_id)))


@command(app, "logs")
def logs(
    session: Session,
    run_id: RunId,
    step: Annotated[str | None, typer.Option("--step", help="Only this step's log.")] = None,
    attempt: Annotated[int | None, typer.Option("--attempt", help="Instead of the last one.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
) -> None:
    """Print what the run's steps wrote."""
    names = (
        [step] if step else [each["name"] for each in session.client.get(address("runs", run_id))["steps"]]
    )
    shown = dict.fromkeys(names, 0)
    while True:
        ended = session.client.get(address("runs", run_id))["status"] in ENDED
        for name in names:
            text = _log_of(session, run_id, name, attempt)
            typer.echo(text[shown[name] :], nl=False)
            shown[name] = len(text)
        if ended or not follow:
            break
        time.sleep(POLL_SECONDS)
    if not any(shown.values()):
        session.log("No log: these steps have not started, or came from the cache.")


@command(app, "cancel")
def cancel(session: Session, run_id: RunId) -> None:
    """Stop a run; its finished steps stay."""
    session.confirm(f"Cancel {run_id}?")
    session.client.post(address("runs", run_id, "cancellation"))
    _show(session, session.client.get(address("runs", run_id)))


@command(app, "retry")
def retry(
    session: Session,
    run_id: RunId,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended.")] = False,
) -> None:
    """Go on with a failed or cancelled run from the step where it stopped."""
    session.client.post(address("runs", run_id, "retry"))
    if wait:
        _follow(session, run_id)
    else:
        _show(session, session.client.get(address("runs", run_id)))


@command(app, "artifacts")
def artifacts(
    session: Session,
    run_id: RunId,
    download: Annotated[
        Path | None, typer.Option("--download", metavar="DIR", help="Fetch them: a directory a step.")
    ] = None,
) -> None:
    """List the files that a run's steps have left, or download them."""
    answer = session.client.get_all(address("runs", run_id, "artifacts"))
    for file in answer["items"] if download else []:
        target = _inside(download or Path(), file["step"], file["path"])
        session.client.download(
            address("runs", run_id, "artifacts", file["step"], *PurePosixPath(file["path"]).parts),
            target,
            file["sha256"],
        )
        session.log(str(target))
    show_list(answer["items"], ARTIFACTS, session.output, answer)


def parameters_of(pairs: list[str]) -> dict[str, Any]:
    return {key: _parsed(value) for key, value in _pairs(pairs, "--param", "epochs=2").items()}


def _pairs(pairs: list[str], option: str, example: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Failure(f"{option} {pair} is not KEY=VALUE.", f"Write {option} {example}.", Exit.USAGE)
        found[key.strip()] = value
    return found


def _parsed(value: str) -> Any:
    """Numbers and booleans as such; the server checks them against the pipeline's parameters."""
    try:
        parsed = json.loads(value)
    except ValueError:
        return value
    return parsed if isinstance(parsed, bool | int | float) else value


def _follow(session: Session, run_id: str) -> None:
    """Report each change of a step on standard error, then print the run and leave with its exit code."""
    known: dict[str, str] = {}
    while True:
        run = session.client.get(address("runs", run_id))
        for step in run["steps"]:
            state = "from the cache" if step.get("cached") else WORDS.get(step["status"], step["status"])
            if known.get(step["name"]) != state:
                known[step["name"]] = state
                session.log(f"{step['name']}: {state}")
        if run["status"] in ENDED:
            break
        time.sleep(POLL_SECONDS)
    _show(session, run)
    _leave(run)


def _leave(run: dict[str, Any]) -> None:
    if run["status"] != "succeeded":
        failed = [f"{step['name']}: {step['error']}" for step in run["steps"] if step.get("error")]
        advice = "\n".join([*failed, f"See: fittingroom run logs {run['id']}"])
        raise Failure(f"The run is {run['status']}. {run.get('message') or ''}".strip(), advice)
    if run.get("gate") and not run["gate"]["passed"]:
        raise Failure("The gate did not pass: nothing was registered.", _gate_in_words(run), Exit.GATE_FAILED)


def _show(session: Session, run: dict[str, Any]) -> None:
    if session.output is Format.JSON:
        print_json(run)
        return
    show_one(run, RUN, session.output)
    if session.output is Format.TABLE:
        print()
        show_list(run["steps"], STEPS, session.output, run)


def _gate_in_words(run: Any) -> str:
    gate = run.get("gate")
    if not gate:
        return ""
    return "passed" if gate["passed"] else "not passed: " + "; ".join(gate["reasons"])


def _place(step: Any) -> str:
    job = step.get("job")
    return f"SageMaker, {job['instance_type']}, {job['status'] or 'asked for'}" if job else ""


def _log_of(session: Session, run_id: str, step: str, attempt: int | None) -> str:
    return session.client.text(address("runs", run_id, "logs"), step=step, attempt=attempt)


def _inside(directory: Path, step: str, path: str) -> Path:
    """A path that the server names must not lead out of the directory that the user named."""
    relative = PurePosixPath(step, path)
    if relative.is_absolute() or ".." in relative.parts:
        raise Failure(
            f"The server names a file outside the directory: {relative}", "Nothing was written there."
        )
    return directory.joinpath(*relative.parts)


add_to_runs(app)
add_keeping(app, "runs", RunId, versions=False)
