"""What a prediction request may hold: limits first, then shapes; and what the pages' forms are read as."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from app.core.errors import Invalid
from ml.serving.wire import INPUT_LIMIT, TEXT_LIMIT, TITLE_LIMIT

METADATA_LIMIT = 50

Text = Annotated[str, StringConstraints(max_length=TEXT_LIMIT)]


class InvalidInput(Invalid):
    title = "The inputs can't be used"


class Review(BaseModel):
    """A string in ``inputs`` is short for this with only a text."""

    model_config = ConfigDict(extra="forbid")

    text: Text
    title: Annotated[str, StringConstraints(max_length=TITLE_LIMIT)] | None = None

    @field_validator("text")
    @classmethod
    def _not_empty(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("the text is empty")
        return text


class Parameters(BaseModel):
    """``top_k``: how many labels to name, all where it is absent. ``threshold``: below it, a person looks."""

    model_config = ConfigDict(extra="forbid")

    top_k: int | None = Field(default=None, ge=1, le=100)
    threshold: float | None = Field(default=None, ge=0, le=1)


class PredictionRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")

    inputs: Annotated[list[Review], Field(min_length=1, max_length=INPUT_LIMIT)]
    parameters: Parameters = Parameters()
    metadata: Annotated[dict[str, Any], Field(max_length=METADATA_LIMIT)] = {}

    @field_validator("inputs", mode="before")
    @classmethod
    def _strings_are_texts(cls, inputs: object) -> object:
        if not isinstance(inputs, list):
            return inputs
        return [{"text": one} if isinstance(one, str) else one for one in inputs]


class DeploymentRequest(BaseModel):
    """``compute`` is where it answers; without machines it keeps those it has."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    version: int = Field(ge=1, le=1_000_000_000)
    compute: Literal["local", "sagemaker"] = "local"
    instance_type: Annotated[str, StringConstraints(max_length=40)] = ""
    instance_count: int = Field(default=0, ge=0, le=1_000)


def parse_prediction(body: bytes) -> PredictionRequest:
    try:
        return PredictionRequest.model_validate_json(body)
    except ValidationError as error:
        raise _named(error) from None


def written_reviews(text: str, title: str, by_line: bool) -> list[Review]:
    """From the page's form: one review, or one a line. Refusals are in words for people, without places."""
    texts = [line.strip() for line in text.splitlines() if line.strip()] if by_line else [text]
    if not text.strip():
        raise InvalidInput("There is no text to read.", "Write a review, or take one of the examples.")
    if len(texts) > INPUT_LIMIT:
        raise InvalidInput(
            f"There are {len(texts):,} reviews, and {INPUT_LIMIT} at a time are the most.",
            "The command line takes a whole file: see API below.",
        )
    if (longest := max(map(len, texts))) > TEXT_LIMIT:
        raise InvalidInput(
            f"The review has {longest:,} characters, and {TEXT_LIMIT:,} are the most.", "Shorten it."
        )
    if len(title) > TITLE_LIMIT:
        raise InvalidInput(f"The title has {len(title):,} characters.", f"{TITLE_LIMIT:,} are the most.")
    named = None if by_line else title.strip() or None
    return [Review(text=each, title=named) for each in texts]


def threshold_of(text: str) -> float | None:
    """From the page's form; empty is none."""
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InvalidInput(f"{text[:20]!r} can't be a threshold.", "Use a number from 0 to 1, as 0.7.")
    return value


def moment_of(text: str) -> datetime | None:
    """``2026-11-22T10:00`` of the page's form, in UTC unless it names its zone; empty is none."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(f"{text[:40]!r} is no time.", "Write it as 2026-11-22T10:00, in UTC.") from None
    return in_utc(moment)


def in_utc(moment: datetime) -> datetime:
    """The databases hold years 1 to 9999 in UTC, and a zone may push a time over either end."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        return aware.astimezone(UTC)
    except OverflowError:
        raise InvalidInput("That time is too far away.", "Name one that an endpoint was live at.") from None


def picked(choice: str) -> tuple[str, int]:
    """``sentiment@5`` of a form's choice of versions."""
    model, _, number = choice.rpartition("@")
    if not model or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise InvalidInput(f"{choice[:80]!r} names no version.", "Choose one of the approved versions.")
    return model, int(number)


def _named(error: ValidationError) -> InvalidInput:
    """The first thing that is wrong, with its place: ``inputs.3.text: the text is empty``."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "the body"
    message = first["msg"].removeprefix("Value error, ")
    advice = (
        f"inputs takes 1 to {INPUT_LIMIT} strings or objects with text and title; "
        f"a text has at most {TEXT_LIMIT:,} characters."
    )
    return InvalidInput(f"{place}: {message}.", advice, place=place)
