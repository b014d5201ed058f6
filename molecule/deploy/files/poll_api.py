# ruff: noqa: INP001 - a program by itself
"""Ask FastDeploy 20 times a second, each time anew, and count how it goes.

    poll_api.py URL ANSWERS    until SIGTERM; then ANSWERS is a JSON object

Every question has a connection and a thread of its own: a slow answer keeps no other
question waiting.
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
    """Counts answers by kind, and when which version answered first."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._kinds: Counter[str] = Counter()
        self._slowest = 0.0
        self._first: dict[str, float] = {}

    def ask(self) -> None:
        """Ask once."""
        begun = time.monotonic()
        version = ""
        try:
            # The address is the one that the scenario names.
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
        """What there is to say."""
        return {
            "asked": self._kinds.total(),
            "not answered": self._kinds.total() - self._kinds["200"],
            "kinds": self._kinds,
            "slowest answer, ms": round(1000 * self._slowest),
            "first answer at": self._first,
        }


def main(url: str, written: str) -> None:
    """Ask until this is told to stop."""
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
