# ruff: noqa: INP001 - a standalone program
"""Watch a deployment like its page does: reconnect to the event stream when it ends.

watcher.py URL DEPLOYMENT TOKEN_FILE SEEN    until its end; then SEEN is a JSON object
"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE = 600
AGAIN = 0.5


class Watcher:
    """Follow the events of a deployment, and resume after the last one."""

    def __init__(self, url: str, token: str) -> None:
        self._request = urllib.request.Request(url)  # noqa: S310 - the scenario's
        self._request.add_header("Authorization", f"Bearer {token}")
        self._last = "0"
        self.connections = 0
        self.numbers: list[int] = []

    def watch(self) -> bool:
        """Read one stream to its end; return whether the deployment has ended."""
        self._request.add_header("Last-Event-ID", self._last)
        sent: dict[str, str] = {}
        try:
            with urllib.request.urlopen(self._request, timeout=PATIENCE) as stream:  # noqa: S310
                self.connections += 1
                for line in stream:
                    name, _, value = line.decode().rstrip("\r\n").partition(": ")
                    if name:
                        sent[name] = value
                        continue
                    # Ignore an incomplete event.
                    if sent.get("event") == "end":
                        return True
                    self._take(sent)
                    sent = {}
        except (OSError, http.client.HTTPException):
            pass
        return False

    def _take(self, sent: dict[str, str]) -> None:
        if sent.get("event") == "events":
            self.numbers += [event["number"] for event in json.loads(sent["data"])]
        self._last = sent.get("id", self._last)


def main(url: str, deployment: str, token_file: str, written: str) -> None:
    """Watch until the deployment has ended."""
    watcher = Watcher(
        f"{url}/api/v1/deployments/{deployment}/events", Path(token_file).read_text()
    )
    deadline = time.monotonic() + PATIENCE
    while not watcher.watch() and time.monotonic() < deadline:
        time.sleep(AGAIN)
    seen = {
        "streams": watcher.connections,
        "events": len(watcher.numbers),
        "each once": watcher.numbers == sorted(set(watcher.numbers)),
    }
    Path(written).write_text(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
