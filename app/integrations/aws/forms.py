"""What the cloud's settings take, from the page, from REST and from the command line alike."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Word = Annotated[str, Field(max_length=300)]


class CloudRequest(BaseModel):
    """Every field may be empty here: :mod:`app.integrations.aws.setup` says in words what is wrong with it.

    There is no field for a credential, and none is taken: unknown fields are refused.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    region: Word = ""
    role_arn: Word = ""
    bucket: Word = ""
    prefix: Word = "fittingroom"
    assume_role: Word = ""
    processing_instance: Word = "ml.c5.2xlarge"
    training_instance: Word = "ml.c5.9xlarge"
    serving_instance: Word = "ml.m5.large"
    processing_image: Word = ""
    training_image: Word = ""
    serving_image: Word = ""
    spot: bool = False


class PriceRequest(BaseModel):
    """``dollars_per_hour`` left out, or empty in a form: nobody knows what it costs."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    region: Word
    instance_type: Word
    usage: Word
    dollars_per_hour: Word | float | None = None
    as_of: Word = ""
    source: Word = ""
