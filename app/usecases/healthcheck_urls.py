"""Encrypt the healthcheck URLs of schedules, since anyone with one can ping it."""

from collections.abc import Callable

from app.domain.healthcheck import is_hidden
from app.domain.schedule import Schedule
from app.encryption import SecretBox
from app.errors import BadSetting
from app.store.schedules import StoredSchedule

#: Returns the encryption; it is only called if there is a healthcheck URL.
Box = Callable[[], SecretBox]
_URL = "url"


def no_box() -> SecretBox:
    """Stand for the encryption where no schedule has a healthcheck URL."""
    raise AssertionError("a schedule has a healthcheck URL: pass the encryption")


def seal(box: Box, schedule: Schedule) -> bytes | None:
    """Return the encrypted URL of a schedule; None if it has none."""
    url = schedule.healthcheck_url.get_secret_value()
    return box().seal({_URL: url}) if url and not is_hidden(url) else None


def unseal(secret_box: SecretBox, sealed: bytes | None) -> str:
    """Return a URL; empty without one. Raises BadSetting if no key fits."""
    return str(secret_box.open(sealed).get(_URL, ""))


def is_stored(box: Box, stored: StoredSchedule, schedule: Schedule) -> bool:
    """Return whether the URL of a schedule is already stored, and can be decrypted."""
    url = schedule.healthcheck_url.get_secret_value()
    if not url or stored.healthcheck is None:
        return not url and stored.healthcheck is None
    try:
        return unseal(box(), stored.healthcheck) == url
    except BadSetting:
        return False
