"""The card of a version: what it is for, from what, how good, where it ends. Only what is recorded.

Nobody has to write it, so it is never out of date; what people add is the note beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.charts.notation import interval, score
from app.core.pages import when
from app.registry.risks import limits
from app.registry.views import VersionDetail
from ml.data.labels import display_name


@dataclass(frozen=True)
class Section:
    title: str
    lines: Sequence[str]


def card_of(detail: VersionDetail) -> list[Section]:
    return [
        Section("Intended use", _use(detail)),
        Section("Data", _data(detail)),
        Section("Training", _training(detail)),
        Section("Evaluation", _evaluation(detail)),
        Section("Limits", _limits(detail)),
    ]


def as_markdown(detail: VersionDetail, note: str) -> str:
    """The same as a file that travels with the weights."""
    version = detail.version
    parts = [
        f"# {detail.model.name} v{version.number}",
        f"{version.status}, {version.validity}. {version.id}",
    ]
    for section in card_of(detail):
        parts += [f"## {section.title}", *(f"- {line}" for line in section.lines)]
    if note:
        parts += ["## Note", note]
    if detail.decisions:
        parts.append("## Decisions")
    for decision in detail.decisions:
        said = decision.comment.replace("\n", " ")
        parts.append(f"- {decision.after} by {detail.name(decision.actor_id)}, {when(decision.at)}: {said}")
    parts.append(f"Evidence sha256: `{version.evidence_sha256}`")
    return "\n\n".join(parts) + "\n"


def _use(detail: VersionDetail) -> list[str]:
    version = detail.version
    labels = ", ".join(display_name(label, version.labels) for label in version.labels[:12])
    more = f" and {len(version.labels) - 12} more" if len(version.labels) > 12 else ""
    return [
        f"Reads the {' and the '.join(version.fields)} of a customer’s review and answers with one of "
        f"{len(version.labels)} labels: {labels}{more}.",
        "Made for reviews like those of its data set. Other shops, other languages and texts that are no "
        "reviews were not tested.",
        "Its answer is an estimate: let a person read what it is not sure of.",
    ]


def _data(detail: VersionDetail) -> list[str]:
    version, parameters = detail.version, detail.version.evidence["parameters"]
    named = f"{detail.dataset['name']} v{detail.dataset['version']}" if detail.dataset else "no longer here"
    sha256 = version.evidence["dataset"].get("content_sha256") or ""
    lines = [f"Data set {named}" + (f", content sha256 {sha256[:12]}…" if sha256 else ".")]
    shares = [
        (part, parameters.get(f"{name}_split_percentage"))
        for part, name in (("training", "train"), ("validation", "validation"), ("test", "test"))
    ]
    split = [f"{part} {share * 100:.0f} %" for part, share in shares if isinstance(share, int | float)]
    if split:
        lines.append(f"Split: {', '.join(split)}; no text stands in two parts.")
    if cut := version.evaluation.get("truncated"):
        lines.append(f"At most {cut['limit']} tokens of a review are read.")
    return lines


TOLD = {
    "encoder": "encoder",
    "epochs": "epochs",
    "learning_rate": "learning rate",
    "train_batch_size": "batch size",
    "max_seq_length": "tokens read",
    "class_weights": "class weights",
    "seed": "seed",
}


def _training(detail: VersionDetail) -> list[str]:
    version, run = detail.version, detail.run
    parameters = version.evidence["parameters"]
    told = [f"{word} {parameters[name]}" for name, word in TOLD.items() if name in parameters]
    recipe = f", recipe {run.recipe}" if run and run.recipe else ""
    started = f"Run #{run.number}{recipe}" if run else f"Run {version.run_id}"
    lines = [f"{started}, started by {detail.author}."]
    if told:
        told[0] = told[0][0].upper() + told[0][1:]
        lines.append(f"{', '.join(told)}.")
    programs = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in version.evidence["programs"].items())
    return [*lines, f"Programs by their hash: {programs}."] if programs else lines


def _evaluation(detail: VersionDetail) -> list[str]:
    evaluation = detail.version.evaluation
    metrics, baseline = evaluation.get("metrics", {}), evaluation.get("baseline") or {}
    lines = []
    for name, title in (("accuracy", "Accuracy"), ("macro_f1", "Macro-F1")):
        if found := metrics.get(name):
            beside = baseline.get(name)
            than = f"; word counting {score(beside['value'])}" if beside else ""
            ends = interval(found["low"], found["high"])
            lines.append(f"{title} {score(found['value'])}, 95 % interval {ends}, n = {found['n']:,}{than}.")
    if verdict := evaluation.get("verdict"):
        lines.append(str(verdict))
    return lines


def _limits(detail: VersionDetail) -> list[str]:
    found = [f"{risk.title}. {risk.text}" for risk in limits(detail.version)]
    return found or ["None were found by the tests. That is not the same as none."]
