"""Checks of the nodes together, as the database knows them."""

from collections.abc import Sequence

from app.domain.finding import Finding, Level
from app.domain.node import Node, with_other_keys


def secret_keys(nodes: Sequence[Node]) -> list[Finding]:
    """Check that the nodes can decrypt each other's secrets; nothing for one node."""
    present = [node for node in nodes if node.encrypts]
    if len(present) < 2:
        return []
    about, names = "secret keys", with_other_keys(present)
    if not names:
        return [Finding(Level.OK, about, f"{len(present)} nodes know the same key.")]
    return [Finding(
        Level.WARNING, about,
        f"{', '.join(names)} have different secret keys: a secret that one of them or "
        "its web process encrypts fails the deployments that need it on another one. "
        "Set FASTDEPLOY_SECRET_KEY to the same value for all of them, and enter again "
        "the credentials, channels and webhooks that were added with another key.",
    )]  # fmt: skip
