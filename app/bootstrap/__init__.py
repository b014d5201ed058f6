"""Assemble the processes: these modules alone know all their parts.

`web` and `worker` are modules of their own, so that no process and no command imports
what only another one needs.
"""

from app.encryption import SecretBox, key_for
from app.settings import Settings
from app.store.engine import make_engine
from app.store.store import Store


def make_store(settings: Settings, connections: int = 2) -> Store:
    """Make the store for a number of threads that is equal to its connections."""
    return Store(make_engine(settings, connections=connections))


def make_secret_box(settings: Settings) -> SecretBox:
    """Make the encryption of secret variables; all processes share its key."""
    return SecretBox(key_for(settings.secret_key.get_secret_value(), settings.var))
