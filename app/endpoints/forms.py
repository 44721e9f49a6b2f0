"""What a prediction request may hold: limits first, then shapes."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from app.core.errors import Invalid

TEXT_LIMIT = 20_000
TITLE_LIMIT = 1_000
INPUT_LIMIT = 64
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
    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    model: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    version: int = Field(ge=1, le=1_000_000_000)


def parse_prediction(body: bytes) -> PredictionRequest:
    try:
        return PredictionRequest.model_validate_json(body)
    except ValidationError as error:
        raise _named(error) from None


def parse_review(text: str, title: str) -> Review:
    """From the page's form."""
    try:
        return Review(text=text, title=title.strip() or None)
    except ValidationError as error:
        raise _named(error) from None


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
