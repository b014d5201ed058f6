# ruff: noqa: INP001 - a program by itself
"""Ask FastDeploy 20 times a second, each time anew, and count how it goes.

    asker.py URL COUNTS    until SIGTERM; then COUNTS is a JSON object

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

counts: Counter[str] = Counter()
stop = threading.Event()


def ask(url: str) -> None:
    """Ask once, and count the answer by its kind."""
    begun = time.monotonic()
    try:
        # The address is the one that the scenario names.
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:  # noqa: S310
            counts[f"answered {answer.status}"] += 1
    except urllib.error.HTTPError as error:
        counts[f"answered {error.code}"] += 1
    except urllib.error.URLError as error:
        counts[type(error.reason).__name__] += 1
    except OSError as error:
        counts[type(error).__name__] += 1
    counts["slowest ms"] = max(
        counts["slowest ms"], round(1000 * (time.monotonic() - begun))
    )


def main(url: str, written: str) -> None:
    """Ask until this is told to stop."""
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threads = []
    while not stop.wait(EVERY):
        threads.append(threading.Thread(target=ask, args=(url,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    Path(written).write_text(json.dumps(counts))


if __name__ == "__main__":
    main(*sys.argv[1:])
