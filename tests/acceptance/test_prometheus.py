"""A real Prometheus scrapes FastDeploy, and an alert fires."""

import json
import re
import subprocess
from pathlib import Path

import httpx

from app.domain.access import Permission
from app.domain.deployment import Status
from testing.healthchecks import serving
from testing.installation import Installation
from testing.prometheus import OBSERVABILITY, program, scraping
from testing.scripts import HELLO
from testing.waiting import eventually

#: It fails, if it isn't healthy.
FAILS = "#!/bin/sh\necho broken\nexit 3\n"


def promtool(*arguments: str, given: bytes | None = None) -> str:
    """Run promtool; return what it printed. It has to be successful."""
    done = subprocess.run(
        [program("promtool"), *arguments], input=given, cwd=OBSERVABILITY,
        check=False, capture_output=True, timeout=120,
    )  # fmt: skip
    said = (done.stdout + done.stderr).decode()
    assert 0 == done.returncode, said
    return said


def test_the_alert_rules_are_valid_and_fire_when_they_should() -> None:
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")


def test_a_failed_deployment_fires_an_alert_in_prometheus(
    installation: Installation, tmp_path: Path
) -> None:
    installation.write_service("shop", FAILS)
    installation.write_service("hello", HELLO)
    installation.web()
    installation.worker()
    token = installation.token(Permission.METRICS)
    (tmp_path / "token").write_text(token)
    scrape = {
        "job_name": "fastdeploy",
        "authorization": {"credentials_file": str(tmp_path / "token")},
        "static_configs": [{"targets": [installation.url.removeprefix("http://")]}],
    }

    with scraping(tmp_path, scrape, OBSERVABILITY / "alerts.yml") as prometheus:
        failed = 'fastdeploy_deployments_total{service="shop",outcome="failed"}'
        eventually(lambda: prometheus.value(failed) == 0, every=0.2)
        assert Status.FAILED is installation.run("shop").status
        assert Status.SUCCESSFUL is installation.run("hello").status
        eventually(
            lambda: [a for a in prometheus.firing() if "shop" in str(a)], every=0.2
        )
        (alert,) = prometheus.firing()
        assert "FastDeployDeploymentFailed" == alert["labels"]["alertname"]
        assert "A deployment of shop failed." == alert["annotations"]["summary"]
        query = "sum(fastdeploy_deployment_duration_seconds_count)"
        eventually(lambda: prometheus.value(query) == 2, every=0.2)
        dashboard = json.loads((OBSERVABILITY / "dashboard.json").read_text())
        for panel in dashboard["panels"]:
            for target in panel["targets"]:
                asked = _filled(target["expr"])
                # These have no value until there are two samples of a rate.
                if "topk" not in asked and "quantile" not in asked:
                    assert prometheus.value(asked) is not None, asked

    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=installation.url, headers=headers) as client:
        metrics = client.get("/metrics")
        assert 403 == client.get("/api/v1/nodes").status_code
    promtool("check", "metrics", given=metrics.content)


def _filled(expression: str) -> str:
    """Return the query that Grafana makes of an expression with variables."""
    filled = re.sub(r"\$(project|service|environment)", ".*", expression)
    return filled.replace("$__rate_interval", "1m").replace("$__range", "1m")


def test_a_healthcheck_that_hangs_delays_no_run_and_no_other_ping(
    installation: Installation,
) -> None:
    with serving() as hanging, serving() as healthy:
        hanging.answers.clear()
        for name, server in (("one", hanging), ("two", healthy)):
            url = f"{server.url}/{name}"
            schedule = {"name": "now", "cron": "0 3 * * *", "healthcheck_url": url}
            installation.write_service(name, HELLO, schedules=[schedule])
        installation.worker(FASTDEPLOY_OUTGOING_PRIVATE="127.0.0.0/8")
        installation.web()
        with installation.client() as client:
            for schedule in client.get("/api/v1/schedules").json():
                client.post(f"/schedules/{schedule['id']}/run")
            eventually(lambda: hanging.paths)
            eventually(lambda: healthy.paths == ["/two/start", "/two"])
            ran = client.get("/api/v1/deployments").json()

    assert ["successful", "successful"] == [each["status"] for each in ran]
    assert ["/one/start"] == hanging.paths
