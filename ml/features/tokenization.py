"""Review to token ids. Preparation and serving share this one function, so they can't drift apart.

It needs `tokenizers` only: the web process predicts through it without torch or transformers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from ml.features.composition import ReviewInput, compose


@dataclass(frozen=True)
class Encoded:
    """``tokens`` counts the whole review, of which the model reads ``len(ids)``."""

    ids: list[int]
    tokens: int

    @property
    def truncated(self) -> bool:
        return self.tokens > len(self.ids)


class ReviewTokenizer:
    def __init__(self, path: Path, fields: Sequence[str], limit: int) -> None:
        data = path.read_bytes()
        self.sha256 = hashlib.sha256(data).hexdigest()
        self.fields = tuple(fields)
        self.limit = limit
        self._whole = Tokenizer.from_str(data.decode("utf-8"))
        self._whole.no_padding()
        self._whole.no_truncation()
        self._cut = Tokenizer.from_str(self._whole.to_str())
        self._cut.enable_truncation(limit)  # cuts the longer segment, so a title outlives a long text

    @property
    def vocabulary(self) -> int:
        return int(self._whole.get_vocab_size())

    @property
    def pad_id(self) -> int:
        """What fills a row up, as two families of encoders call it. Who heeds the mask never reads it."""
        found = (self._whole.token_to_id(name) for name in ("<pad>", "[PAD]"))
        return next((each for each in found if each is not None), 0)

    def encode(self, reviews: Sequence[ReviewInput]) -> list[Encoded]:
        texts = [compose(review, self.fields) for review in reviews]
        cut = self._cut.encode_batch_fast(texts)
        return [
            Encoded(encoding.ids, self._length(text) if encoding.overflowing else len(encoding.ids))
            for text, encoding in zip(texts, cut, strict=True)
        ]

    def _length(self, text: str | tuple[str, str]) -> int:
        pair = text if isinstance(text, tuple) else (text,)
        return len(self._whole.encode(*pair).ids)
