import json
import shutil
from pathlib import Path

import pytest

from ml.contract.outcome import StepRefused
from ml.training.encoders import BUNDLED_WEIGHTS_SHA256, check_weights, resolve_encoder


@pytest.fixture
def encoder(small_encoder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_encoder, tmp_path / "encoder"))


def change_config(encoder: Path, name: str = "config.json", **changes: object) -> None:
    path = encoder / name
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refusal_of(name: object) -> StepRefused:
    with pytest.raises(StepRefused) as refusal:
        resolve_encoder(str(name))
    assert refusal.value.advice
    return refusal.value


def test_the_bundled_encoder_is_the_published_one() -> None:
    encoder = resolve_encoder("bundled")
    assert encoder.config["num_hidden_layers"] == 6
    assert len(BUNDLED_WEIGHTS_SHA256) == 64


def test_a_local_directory_is_an_encoder(encoder: Path) -> None:
    assert resolve_encoder(str(encoder)).config["num_hidden_layers"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"auto_map": {"AutoModel": "evil.Model"}},
        {"trust_remote_code": True},
        {"text_config": {"inner": [{"auto_map": {"AutoModel": "evil.Model"}}]}},
    ],
)
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_configuration_that_asks_for_code_is_refused(encoder: Path, name: str, changes: object) -> None:
    change_config(encoder, name, **dict(changes))  # type: ignore[call-overload]
    (encoder / "evil.py").write_text("raise SystemExit('executed')")
    assert "asks for code of its own" in refusal_of(encoder).message


def test_an_unknown_type_is_refused_and_the_known_ones_are_named(encoder: Path) -> None:
    change_config(encoder, model_type="llama")
    refusal = refusal_of(encoder)
    assert "llama" in refusal.message
    assert "roberta" in refusal.advice


def test_pickled_weights_are_never_opened(encoder: Path) -> None:
    (encoder / "model.safetensors").rename(encoder / "pytorch_model.bin")
    assert "pickled" in refusal_of(encoder).message


@pytest.mark.parametrize("damage", ["truncated", "giant header", "no header", "overlap"])
def test_damaged_weights_are_refused(tmp_path: Path, damage: str) -> None:
    entry = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = json.dumps({"a": entry, "b": entry} if damage == "overlap" else {"a": entry}).encode()
    length = {"giant header": 2**40, "no header": 0}.get(damage, len(header))
    body = b"\0" * (4 if damage == "truncated" else 8)
    (tmp_path / "model.safetensors").write_bytes(length.to_bytes(8, "little") + header + body)
    with pytest.raises(StepRefused, match="damaged"):
        check_weights(tmp_path)


@pytest.mark.parametrize("name", ["/nowhere/at/all", "no such name!", "a/b/c"])
def test_a_name_that_is_no_encoder_is_refused(name: str) -> None:
    assert "bundled" in refusal_of(name).advice


def test_a_directory_without_a_tokenizer_is_refused(encoder: Path) -> None:
    (encoder / "tokenizer.json").unlink()
    assert "no tokenizer.json" in refusal_of(encoder).message
