"""Slow clients, and clients whose token is revoked."""

import hashlib
import random
import threading
import time

import httpx

from app.domain.access import Permission
from app.errors import FastDeployError
from app.usecases import tokens
from testing.installation import ACTOR
from testing.supervised import SupervisedInstallation

#: Seconds within which a client whose token was revoked must be disconnected. Web and
#: PostgreSQL may be down for a part of them.
ENDS_IN = 45.0
#: Bytes that a slow client reads at a time, and the seconds between two reads.
_PIECE, _BETWEEN = 64 * 1024, 0.05
_TRY_AGAIN = 0.5


class SlowReader:
    """Downloads the output of an ended deployment slowly."""

    def __init__(self, http: httpx.Client, deployment: int) -> None:
        self.deployment = deployment
        self.digest = ""
        self._http = http

    def read(self, over: threading.Event) -> None:
        """Read the whole output; retry whenever the connection is lost."""
        while not self.digest and not over.wait(_TRY_AGAIN):
            try:
                self.digest = self._read_once()
            except httpx.HTTPError:
                continue

    def _read_once(self) -> str:
        digest = hashlib.sha256()
        address = f"/api/v1/deployments/{self.deployment}/output"
        with self._http.stream("GET", address) as response:
            response.raise_for_status()
            for piece in response.iter_bytes(_PIECE):
                digest.update(piece)
                time.sleep(_BETWEEN)
        return digest.hexdigest()


class RevokedReader:
    """Follows a deployment with a separate token, which is then revoked."""

    def __init__(
        self, here: SupervisedInstallation, deployment: int, chance: random.Random
    ) -> None:
        self.deployment = deployment
        #: Whether it still had access long after the token was revoked.
        self.got_through = False
        self._here = here
        self._chance = chance
        self._name = f"revoked-{deployment}-{chance.randrange(10**9)}"

    def follow(self, over: threading.Event) -> None:
        """Follow, revoke the token, and check that access is denied in time."""
        try:
            secret = tokens.create_token(
                self._here.store, ACTOR, self._name, [Permission.VIEW]
            )
            gone = threading.Timer(self._chance.uniform(0.5, 4), self._revoke)
            gone.start()
        except FastDeployError:
            # PostgreSQL is down.
            return
        headers = {"Authorization": f"Bearer {secret}"}
        ends_by = time.monotonic() + ENDS_IN
        refused = False
        while not refused and not over.wait(_TRY_AGAIN):
            if time.monotonic() > ends_by:
                self.got_through = True
                break
            refused = self._watch(headers, ends_by)
        gone.join()

    def _watch(self, headers: dict[str, str], ends_by: float) -> bool:
        """Follow until the stream ends; return whether access was denied."""
        address = f"/api/v1/deployments/{self.deployment}/events"
        try:
            with self._here.api.stream(
                "GET", address, headers=headers, timeout=ENDS_IN
            ) as response:
                for _ in response.iter_bytes():
                    if time.monotonic() > ends_by:
                        return False
                return response.status_code == httpx.codes.UNAUTHORIZED
        except httpx.HTTPError:
            return False

    def _revoke(self) -> None:
        while True:
            try:
                return tokens.revoke_token(self._here.store, ACTOR, self._name)
            except FastDeployError:
                time.sleep(_TRY_AGAIN)
