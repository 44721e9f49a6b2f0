"""The real encoder cut to its lowest layers: real weights and a real tokenizer, in a fraction of the time."""

import json
import re
import shutil
from pathlib import Path

from safetensors.numpy import load_file, save_file

from ml.training.encoders import resolve_encoder


def write_small_encoder(directory: Path, layers: int = 2) -> Path:
    source = resolve_encoder("bundled")
    directory.mkdir(parents=True, exist_ok=True)
    config = {**source.config, "num_hidden_layers": layers}
    (directory / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(source.directory / name, directory / name)
    weights = load_file(source.directory / "model.safetensors")
    kept = {name: value for name, value in weights.items() if _layer(name) < layers}
    save_file(kept, directory / "model.safetensors", {"format": "pt"})
    return directory


def _layer(name: str) -> int:
    found = re.search(r"layer\.(\d+)\.", name)
    return int(found[1]) if found else -1
