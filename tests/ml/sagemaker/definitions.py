"""The pipeline as docs/sagemaker-pipeline.{json,md} show it, and what is needed to look into one.

``python -m tests.ml.sagemaker.definitions`` writes both anew.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ml.pipeline.review_classifier import REVIEW_CLASSIFIER
from ml.pipeline.sagemaker.compile import Target, pipeline_definition

SHOWN = Path(__file__).parents[3] / "docs/sagemaker-pipeline.json"
DRAWN = SHOWN.with_suffix(".md")
FENCE = "```"
_STEP = re.compile(r"Steps\.([A-Za-z0-9-]+)\.")
STORE = "s3://amzn-s3-demo-bucket/fittingroom"
REGISTRY = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
TARGET = Target(
    input_data=f"{STORE}/inputs/DATASET/",
    code={
        program: f"{STORE}/code/{program}/"
        for program in ("ml.steps.prepare", "ml.steps.train", "ml.steps.evaluate")
    },
    output_uri=f"{STORE}/pipelines/review-classifier",
    role_arn="arn:aws:iam::111122223333:role/FittingRoom",
    processing_image=f"{REGISTRY}/pytorch-training:2.10-cpu-py313",
    training_image=f"{REGISTRY}/pytorch-training:2.10-cpu-py313",
    serving_image=f"{REGISTRY}/huggingface-pytorch-inference:2.6.0-transformers5.5.3-cpu-py312",
    package_group="reviews",
)
NAMED_BY = ("Name", "InputName", "OutputName", "ChannelName", "PropertyFileName")


def shown_definition() -> dict[str, Any]:
    return pipeline_definition(REVIEW_CLASSIFIER, TARGET)


def written(definition: dict[str, Any]) -> str:
    return json.dumps(definition, indent=1) + "\n"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Each leaf under its path; members of lists by their name, where they have one."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from leaves(each, f"{path}/{name}")
    elif isinstance(value, list) and value:
        for position, each in enumerate(value):
            yield from leaves(each, f"{path}/{_name(each, position)}")
    else:
        yield path, value


def _name(value: Any, position: int) -> str:
    found = [value[name] for name in NAMED_BY if name in value] if isinstance(value, dict) else []
    return str(found[0]) if found else str(position)


def drawing(definition: dict[str, Any]) -> str:
    """The steps as Mermaid: an arrow is a reference, a dotted one a condition's outcome."""
    lines = ["flowchart LR", "    InputData([InputData]) --> Processing"]
    for step in definition["Steps"]:
        branch = step["Arguments"].get("IfSteps", []) if step["Type"] == "Condition" else []
        own = {**step, "Arguments": {k: v for k, v in step["Arguments"].items() if k != "IfSteps"}}
        lines += _arrows(own)
        for each in branch:
            lines += [f"    {step['Name']} -. passed .-> {_node(each)}"]
    return "\n".join(lines)


def _arrows(step: dict[str, Any]) -> list[str]:
    before = dict.fromkeys(_STEP.findall(json.dumps(step)))
    return [f"    {name} --> {_node(step)}" for name in before]


def _node(step: dict[str, Any]) -> str:
    return f"{step['Name']}[{step['Name']}<br>{step['Type']}]"


def drawn(text: str, definition: dict[str, Any]) -> str:
    """``text`` with its drawing made anew."""
    head, _, rest = text.partition(f"{FENCE}mermaid\n")
    return f"{head}{FENCE}mermaid\n{drawing(definition)}\n{FENCE}{rest.partition(FENCE)[2]}"


if __name__ == "__main__":
    SHOWN.write_text(written(shown_definition()), encoding="utf-8")
    DRAWN.write_text(drawn(DRAWN.read_text(encoding="utf-8"), shown_definition()), encoding="utf-8")
