"""Scrapes of the metrics, as Prometheus makes them."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.testclient import TestClient

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
Sample = tuple[str, frozenset[tuple[str, str]]]


def scrape(prometheus: TestClient) -> dict[Sample, float]:
    """Scrape as Prometheus does; the parser also checks that buckets don't fall."""
    answer = prometheus.get("/metrics", headers=OPENMETRICS)
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)  # type: ignore[no-untyped-call] # prometheus_client has no types here
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> Sample:
    """Return the key of a sample in a scrape."""
    return f"fastdeploy_{name}", frozenset(labels.items())
