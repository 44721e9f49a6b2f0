from pathlib import Path

import pytest

from ml.contract.outcome import StepRefused
from ml.features.composition import ReviewInput, fields_of
from ml.features.tokenization import ReviewTokenizer

CLS, SEP = 101, 102


def tokenizer(encoder: Path, fields: str = "title_and_text", limit: int = 32) -> ReviewTokenizer:
    return ReviewTokenizer(encoder / "tokenizer.json", fields_of(fields), limit)


def test_title_and_text_are_two_segments_and_a_missing_title_an_empty_one(small_encoder: Path) -> None:
    with_title, without, empty = tokenizer(small_encoder).encode(
        [ReviewInput("Runs small", "Lovely"), ReviewInput("Runs small"), ReviewInput("Runs small", "")]
    )
    assert [with_title.ids[0], with_title.ids[2], with_title.ids[-1]] == [CLS, SEP, SEP]
    assert without.ids[:2] == [CLS, SEP]
    assert without == empty
    assert without.ids[2:] == with_title.ids[3:]


def test_a_model_of_texts_never_sees_a_title(small_encoder: Path) -> None:
    one, other = tokenizer(small_encoder, "text").encode(
        [ReviewInput("Runs small", "Lovely"), ReviewInput("Runs small", "Awful")]
    )
    assert one == other
    assert one.ids.count(SEP) == 1


def test_a_long_text_is_cut_its_title_kept_and_its_length_told(small_encoder: Path) -> None:
    long, fits = tokenizer(small_encoder).encode(
        [ReviewInput("soft " * 100, "Lovely"), ReviewInput("soft " * 20, "Lovely")]
    )
    assert (len(long.ids), long.tokens, long.truncated) == (32, 104, True)
    assert (len(fits.ids), fits.tokens, fits.truncated) == (24, 24, False)
    assert long.ids[2] == long.ids[-1] == SEP


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(StepRefused, match="fields is 'body'") as refusal:
        fields_of("body")
    assert "title_and_text" in refusal.value.advice


def test_the_token_that_fills_rows_up_is_known(small_encoder: Path) -> None:
    assert tokenizer(small_encoder).pad_id == 0
