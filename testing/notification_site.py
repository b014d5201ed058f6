"""An installation with a worker, and receivers of its messages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, update

from app import bootstrap
from app.domain.deployment import Deployment
from app.domain.notification import MessageState, Notification
from app.store import notifications
from app.store.service_tables import schedules as table
from app.usecases import channels, schedules
from app.usecases.channels import Change
from testing.installation import ACTOR, Installation, installed
from testing.postgres import Postgres
from testing.receivers import HttpServer, MailServer, http_server, mail_server
from testing.waiting import eventually

#: Fails if the variable `bad` is set, with a line that is hostile to a mail.
SCRIPT = """#!/bin/sh
echo '{"name": "switch", "state": "running"}'
echo '<b>@channel</b> http://example.org'
grep -q '"bad"' "$2" && exit 3
exit 0
"""
VARIABLES = {"properties": {"bad": {"type": "string"}}}
BOTH = ["failed", "recovered"]
#: A playbook that copies a page to a `target`.
COPY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Copy the page
      ansible.builtin.copy:
        content: hello
        dest: {target}
        mode: "0644"
"""


@dataclass(frozen=True, slots=True)
class Site:
    """An installation with a worker, and the receivers of its messages."""

    made: Installation
    mail: MailServer
    http: HttpServer

    def add(self, name: str, url: str, secret: str = "") -> None:
        """Add a channel; `{mail}` and `{http}` are the ports of the receivers."""
        url = url.format(mail=self.mail.port, http=self.http.port)
        secret_box = bootstrap.make_secret_box(self.made.settings)
        channels.put(
            self.made.store, secret_box, ACTOR, name, Change(url, secret), replace=False
        )

    def service(self, name: str, *to: str) -> None:
        """Write a service that notifies channels when it fails and recovers."""
        self.made.write_service(
            name,
            SCRIPT,
            variables=VARIABLES,
            notify=[{"on": BOTH, "to": each} for each in to],
        )

    def fire(self, service: str, schedule: str) -> Deployment:
        """Let a schedule be due, and return the deployment, which has ended."""
        before = self._last_of(service, schedule)
        with self.made.store.begin() as db:
            query = update(table).where(table.c.name == schedule)
            db.execute(query.values(next_at=func.now()))
        eventually(lambda: self._last_of(service, schedule) != before)
        number = self._last_of(service, schedule)
        assert number is not None
        return self.made.ended(number)

    def _last_of(self, service: str, schedule: str) -> int | None:
        """Return the last deployment of a schedule."""
        found = schedules.find_named(self.made.store, service, schedule)
        return found.stored.last_deployment

    def messages(self, number: int) -> list[Notification]:
        """Return the messages about a deployment."""
        with self.made.store.begin() as db:
            return notifications.of_deployment(db, number)

    def settled(self, number: int) -> list[Notification]:
        """Wait until the messages about a deployment are sent or given up."""
        active = {MessageState.PENDING, MessageState.SENDING}
        eventually(
            lambda: all(each.state not in active for each in self.messages(number))
        )
        return self.messages(number)


@contextmanager
def make_site(postgres: Postgres, folder: Path, networks: str) -> Iterator[Site]:
    """Yield an installation that may send to some private networks, no worker yet."""
    with (
        installed(
            postgres, folder, outgoing_private=networks, url="https://fd.example.org"
        ) as made,
        mail_server() as mail,
        http_server() as http,
    ):
        yield Site(made, mail, http)
