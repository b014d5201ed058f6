"""Launch a stream of deployments of all kinds, each with clients that follow it."""

import random
import threading
import time
from concurrent.futures import Executor, Future

import httpx

from testing.supervised import SupervisedInstallation
from tools.chaos.client import Client
from tools.chaos.kinds import Kind, kinds
from tools.chaos.slow import RevokedReader, SlowReader

#: The maximum number of deployments that are followed at a time; more would only wait.
OPEN = 14
#: The maximum number of clients of one deployment.
CLIENTS = 3
#: Concurrent slow downloads: more than web has connections to PostgreSQL.
SLOW = 30
#: The share of deployments with a client whose token is revoked.
_REVOKED = 0.3
#: The maximum number of seconds between two launches.
_BETWEEN = 2.0
#: Seconds between two attempts to launch, and the timeouts of one and of all attempts.
_TRY_AGAIN, _PATIENCE, _LONG = 0.2, 10.0, 180.0


class Stream:
    """Launches deployments through the API and lets clients follow them."""

    def __init__(
        self,
        here: SupervisedInstallation,
        pool: Executor,
        chance: random.Random,
        over: threading.Event,
    ) -> None:
        self.launched: dict[int, Kind] = {}
        self.clients: list[Client] = []
        self.slow: list[SlowReader] = []
        self.revoked: list[RevokedReader] = []
        self._here = here
        self._http = here.api
        self._pool = pool
        self._chance = chance
        self._over = over
        self._following: list[Future[None]] = []
        self._kinds = kinds()
        for kind in self._kinds:
            kind.add_to(here)

    def work(self, seconds: float) -> None:
        """Launch deployments for a number of seconds."""
        ends_at = time.monotonic() + seconds
        left: list[Kind] = []
        while time.monotonic() < ends_at:
            if len(self.followed) < OPEN:
                # Every kind is launched before one is launched again.
                left = left or self._chance.sample(self._kinds, len(self._kinds))
                self._launch(left.pop())
            if self._over.wait(self._chance.uniform(0, _BETWEEN)):
                return

    @property
    def followed(self) -> set[int]:
        """The deployments with clients that have not received the end yet."""
        return {client.deployment for client in self.clients if not client.complete}

    def finish(self) -> None:
        """Stop the clients, and raise the exception of one, if there is any."""
        self._over.set()
        for future in self._following:
            future.result()

    def _launch(self, kind: Kind) -> None:
        """Launch once; retry with the same idempotency key. Raises TimeoutError."""
        deadline = time.monotonic() + _LONG
        key = f"chaos-{self._chance.randrange(10**12)}"
        while not self._over.wait(_TRY_AGAIN):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{kind.name} could not be launched in {_LONG} s")
            try:
                answer = self._http.post(
                    "/api/v1/deployments",
                    json={"service": kind.name, "variables": dict(kind.variables)},
                    headers={"Idempotency-Key": key},
                    timeout=_PATIENCE,
                )
            except httpx.TransportError:
                continue
            if answer.is_server_error:
                continue
            answer.raise_for_status()
            self._follow(answer.json()["id"], kind)
            return

    def _follow(self, number: int, kind: Kind) -> None:
        self.launched[number] = kind
        for _ in range(self._chance.randint(1, CLIENTS)):
            chance = random.Random(self._chance.random())
            client = Client(self._http, number, chance)
            self.clients.append(client)
            self._following.append(self._pool.submit(client.follow, self._over))
        if self._chance.random() < _REVOKED:
            revoked = RevokedReader(
                self._here, number, random.Random(self._chance.random())
            )
            self.revoked.append(revoked)
            self._following.append(self._pool.submit(revoked.follow, self._over))

    def read_slowly(self) -> None:
        """Download the output of the newest deployments slowly and concurrently."""
        readers = [SlowReader(self._http, number) for number in sorted(self.launched)]
        self.slow = readers[-SLOW:]
        list(self._pool.map(lambda reader: reader.read(self._over), self.slow))
