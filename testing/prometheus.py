"""Prometheus and promtool of Debian's package, which tools/prepare-tests unpacks."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from testing.paths import ROOT
from testing.ports import free_port
from testing.processes import Process
from testing.waiting import eventually

#: The dashboard and the alert rules.
OBSERVABILITY = ROOT / "docs" / "observability"
_UNPACKED = ROOT / ".tools" / "prometheus" / "usr" / "bin"


def program(name: str) -> str:
    """Return the path of `prometheus` or `promtool`."""
    found = shutil.which(name) or shutil.which(name, path=str(_UNPACKED))
    assert found, f"{name} is missing: run tools/prepare-tests"
    return found


class Prometheus:
    """A running Prometheus."""

    def __init__(self, url: str) -> None:
        """Use the server at this address."""
        self._client = httpx.Client(base_url=url, timeout=60)

    def is_ready(self) -> bool:
        """Return whether it answers."""
        with suppress(httpx.TransportError):
            return self._client.get("/-/ready").is_success
        return False

    def value(self, query: str) -> float | None:
        """Return the first value of a query; None if it has none."""
        answer = self._client.get("/api/v1/query", params={"query": query})
        found = answer.json()["data"]["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> list[dict[str, Any]]:
        """Return the alerts that fire."""
        alerts = self._client.get("/api/v1/alerts").json()["data"]["alerts"]
        return [alert for alert in alerts if alert["state"] == "firing"]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextmanager
def scraping(
    folder: Path, scrape: Mapping[str, Any], rules: Path
) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes and evaluates each second."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": [dict(scrape)],
    }
    # JSON is YAML.
    file = folder / "prometheus.json"
    file.write_text(json.dumps(config))
    port = free_port()
    process = Process(
        [
            program("prometheus"),
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        {"HOME": str(folder)},
        folder / "prometheus.log",
    )
    found = Prometheus(f"http://127.0.0.1:{port}")
    try:

        def ready() -> bool:
            assert process.exit_code is None, process.log
            return found.is_ready()

        eventually(ready, every=0.1)
        yield found
    finally:
        found.close()
        process.kill()
