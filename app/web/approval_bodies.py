"""The bodies of the API about approvals."""

from pydantic import BaseModel, ConfigDict, Field

from app.domain.approval import COMMENT, MAX_COMMENT, Approval
from app.web.schemas import ApprovalBody


class DecisionRequest(BaseModel):
    """A decision about a deployment that waits for an approval."""

    model_config = ConfigDict(extra="forbid")

    comment: str = Field("", max_length=MAX_COMMENT, pattern=COMMENT)
    """A line for the record; empty: none."""


def approval_body(approval: Approval) -> ApprovalBody:
    """Return the body of an approval."""
    return ApprovalBody(
        expires_at=approval.expires_at,
        decision=approval.decision,
        decided_by=approval.decided_by,
        decided_at=approval.decided_at,
        comment=approval.comment,
    )
