"""A client of a live stream, which disconnects and resumes after the last event."""

import json
import random
import threading
import time
from array import array

import httpx

from testing.event_stream import Message, messages

#: The maximum number of seconds that a client stays connected.
STAYS = 6.0
#: The maximum number of seconds before it reconnects.
AWAY = 1.0


class Client:
    """Follows one deployment to its end and keeps the received events."""

    def __init__(
        self, http: httpx.Client, deployment: int, chance: random.Random
    ) -> None:
        self.deployment = deployment
        self.complete = False
        #: How often it disconnected, and how often the server did.
        self.drops = self.breaks = 0
        self._http = http
        self._chance = chance
        self._last_id = ""
        self._numbers, self._texts = array("q"), array("q")

    @property
    def received(self) -> list[tuple[int, int]]:
        """The number of each event and the hash of its text, in the received order."""
        return list(zip(self._numbers, self._texts, strict=True))

    def follow(self, over: threading.Event) -> None:
        """Follow until the stream's message `end`, or until `over` is set."""
        while not over.is_set():
            try:
                self._watch()
            except httpx.ReadTimeout:
                # The time to disconnect has come while the stream was idle.
                self.drops += 1
            except httpx.HTTPError:
                self.breaks += 1
            if self.complete:
                return
            over.wait(self._chance.uniform(0, AWAY))

    def _watch(self) -> None:
        stays = self._chance.uniform(0, STAYS)
        leaves_at = time.monotonic() + stays
        with self._http.stream(
            "GET",
            f"/api/v1/deployments/{self.deployment}/events",
            headers={"Last-Event-ID": self._last_id} if self._last_id else {},
            timeout=httpx.Timeout(STAYS, read=max(stays, 0.1)),
        ) as response:
            response.raise_for_status()
            for message in messages(response.iter_bytes()):
                self._take(message)
                if self.complete:
                    return
                if time.monotonic() > leaves_at:
                    self.drops += 1
                    return
        # The stream ended without the message `end`.
        self.breaks += 1

    def _take(self, message: Message) -> None:
        if message.event == "end":
            self.complete = True
        elif message.event == "events":
            for event in json.loads(message.data):
                self._numbers.append(event["number"])
                self._texts.append(hash(event["text"]))
        self._last_id = message.id or self._last_id
