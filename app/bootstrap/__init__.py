"""Assemble the processes: these modules alone know all their parts.

`web` and `worker` are modules of their own, so that no process and no command imports
what only another one needs.
"""

from app.encryption import SecretBox, key_file, read_keys
from app.settings import Settings
from app.store.engine import make_engine
from app.store.store import Store


def make_store(settings: Settings, connections: int = 2) -> Store:
    """Make the store for a number of threads that is equal to its connections."""
    return Store(make_engine(settings, connections=connections))


def make_secret_box(settings: Settings) -> SecretBox:
    """Make the encryption of secrets; all processes share its keys. Raises BadSetting.

    The keys of the settings don't change while a process runs, those of the file may.
    """
    given = settings.secret_key.get_secret_value()
    keys = read_keys(given, settings.previous_secret_keys, settings.var)
    return SecretBox(keys, None if given else key_file(settings.var))
