"""What the account interface takes. Unknown fields are refused, so none can be smuggled in."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.core.security import Role

Name = Annotated[str, Field(min_length=1, max_length=60)]


class TokenRequest(BaseModel):
    """``role`` defaults to the caller's own and can't exceed it; without ``days`` it lasts until revoked."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role | None = None
    days: Annotated[int, Field(ge=1, le=3650)] | None = None


class UserRequest(BaseModel):
    """Without a password the answer holds a one-time link by which the user chooses one."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role
    password: Annotated[str, Field(max_length=1100)] | None = None


class UserChange(BaseModel):
    """What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    role: Role | None = None
    disabled: bool | None = None
