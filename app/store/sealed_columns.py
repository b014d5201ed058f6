"""The columns whose values are encrypted, so that another key can encrypt them."""

from dataclasses import dataclass

from sqlalchemy import Column, Connection, select, update

from app.store.deployment_tables import deployments
from app.store.notification_tables import channels
from app.store.second_factor_tables import totp_secrets
from app.store.service_tables import credentials, schedules
from app.store.webhook_tables import webhooks


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column of encrypted values, and the column that identifies its rows."""

    id: Column[int]
    sealed: Column[bytes]
    #: The id of the key of each value. Without it, any value may be of another key.
    key_id: Column[str] | None = None

    def of_other_keys(self, db: Connection, key_id: str) -> list[int]:
        """Return the ids of the rows that another key encrypts, or may encrypt."""
        query = select(self.id).where(self.sealed.is_not(None))
        if self.key_id is not None:
            query = query.where(self.key_id != key_id)
        return list(db.scalars(query))

    def lock(self, db: Connection, number: int) -> bytes | None:
        """Lock a row and return its value; None if the row or the value was removed."""
        return db.scalar(select(self.sealed).where(self.id == number).with_for_update())

    def put(self, db: Connection, number: int, sealed: bytes, key_id: str) -> None:
        """Store the value of a row as another key encrypts it."""
        values: dict[Column[bytes] | Column[str], object] = {self.sealed: sealed}
        if self.key_id is not None:
            values[self.key_id] = key_id
        db.execute(update(self.id.table).where(self.id == number).values(values))


CREDENTIALS = SealedColumn(credentials.c.id, credentials.c.sealed, credentials.c.key_id)
#: What the run of a deployment needs.
DEPLOYMENTS = SealedColumn(deployments.c.id, deployments.c.secrets)
CHANNELS = SealedColumn(channels.c.id, channels.c.sealed, channels.c.key_id)
WEBHOOKS = SealedColumn(webhooks.c.id, webhooks.c.sealed, webhooks.c.key_id)
#: The healthcheck URLs.
SCHEDULES = SealedColumn(schedules.c.id, schedules.c.healthcheck)
TOTP_SECRETS = SealedColumn(
    totp_secrets.c.user_id, totp_secrets.c.sealed, totp_secrets.c.key_id
)
