"""What a decision may be sent as."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from app.core.errors import Invalid
from app.registry.tables import ApprovalStatus

DECISIONS = {
    "approve": ApprovalStatus.APPROVED,
    "approved": ApprovalStatus.APPROVED,
    "reject": ApprovalStatus.REJECTED,
    "rejected": ApprovalStatus.REJECTED,
}


class DecisionRequest(BaseModel):
    """``decision`` is approve or reject; SageMaker's words Approved and Rejected are taken as well."""

    model_config = ConfigDict(extra="forbid")

    decision: str
    comment: Annotated[str, StringConstraints(max_length=20_000)] = ""
    row_version: int = Field(ge=1)

    @field_validator("decision")
    @classmethod
    def _known(cls, decision: str) -> str:
        if decision.lower() not in DECISIONS:
            raise ValueError("decision is approve or reject")
        return decision.lower()

    @property
    def status(self) -> ApprovalStatus:
        return DECISIONS[self.decision]


def decision_of(word: str) -> ApprovalStatus:
    """From the page's form."""
    try:
        return DECISIONS[word.lower()]
    except KeyError:
        raise Invalid(f"{word[:40]!r} is no decision.", "Approve or reject.") from None
