# ruff: noqa: INP001 - a standalone program
"""Send 20 requests per second, each on a new connection, and count the responses.

    poll_api.py URL ANSWERS    until SIGTERM; then ANSWERS is a JSON object

Each request has its own thread, so that a slow response doesn't delay the others.
"""

import json
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

EVERY = 0.05
PATIENCE = 60


class Asker:
    """Count the responses by kind, and the time of each version's first response."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._kinds: Counter[str] = Counter()
        self._slowest = 0.0
        self._first: dict[str, float] = {}

    def ask(self) -> None:
        """Send one request."""
        begun = time.monotonic()
        version = ""
        try:
            # The scenario sets the URL.
            with urllib.request.urlopen(self._url, timeout=PATIENCE) as answer:  # noqa: S310
                kind = str(answer.status)
                version = json.load(answer)["version"]
        except urllib.error.HTTPError as error:
            kind = str(error.code)
        except urllib.error.URLError as error:
            kind = type(error.reason).__name__
        except OSError as error:
            kind = type(error).__name__
        with self._lock:
            self._kinds[kind] += 1
            self._slowest = max(self._slowest, time.monotonic() - begun)
            if version:
                self._first.setdefault(version, time.time())

    def found(self) -> dict[str, object]:
        """Return the result."""
        return {
            "asked": self._kinds.total(),
            "not answered": self._kinds.total() - self._kinds["200"],
            "kinds": self._kinds,
            "slowest answer, ms": round(1000 * self._slowest),
            "first answer at": self._first,
        }


def main(url: str, written: str) -> None:
    """Send requests until SIGTERM."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    asker = Asker(url)
    threads = []
    while not stop.wait(EVERY):
        threads.append(threading.Thread(target=asker.ask))
        threads[-1].start()
    for thread in threads:
        thread.join()
    Path(written).write_text(json.dumps(asker.found()))


if __name__ == "__main__":
    main(*sys.argv[1:])
