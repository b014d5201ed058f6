"""Secrets of a run are masked in its journal, and its environment stays unseen."""

import json
from typing import Any

import pytest

from testing.runner import Service

TOKEN = 'tok "quoted" pässword\\'


SECRETS: dict[str, dict[str, Any]] = {
    "properties": {
        "token": {"type": "string", "writeOnly": True},
        "pin": {"type": "integer", "writeOnly": True},
    }
}


def test_secrets_reach_no_line_of_the_journal(service: Service) -> None:
    service.define("secrets.yml", variables=SECRETS)
    service.launch(secret=SECRETS["properties"], token=TOKEN, pin=918273)

    outcome = service.run()

    forms = {
        TOKEN,
        json.dumps(TOKEN)[1:-1],
        json.dumps(TOKEN, ensure_ascii=False)[1:-1],
    }
    forms |= {json.dumps(form)[1:-1] for form in forms}
    assert [] == [form for form in forms if form.encode() in outcome.journal]
    assert b"918273" not in outcome.journal
    assert b"canary" not in outcome.journal
    assert 2 == outcome.code
    assert outcome.named("runner_on_ok", "Use ******** in a name")
    [shown, *_] = outcome.named("runner_on_ok", "Print the token")
    assert "********" == shown["event_data"]["res"]["msg"][0]
    assert '{"inner": "********"}' == shown["event_data"]["res"]["msg"][1]


def test_a_secret_that_is_part_of_the_journal_breaks_no_line(service: Service) -> None:
    service.define("secrets.yml", variables=SECRETS)
    service.launch(secret=SECRETS["properties"], token="event", pin=2026)

    outcome = service.run()

    events = outcome.events
    assert list(range(1, len(events) + 1)) == [event["counter"] for event in events]
    assert all(line.startswith(b"{") for line in outcome.lines)
    assert outcome.named("runner_on_failed", "Fail with the token")


@pytest.mark.parametrize("token", [TOKEN, "01234567", {"any": ["hunter2222"]}])
def test_a_secret_is_masked_and_logged_nowhere_whatever_its_schema(
    service: Service, token: Any
) -> None:
    """The worker says which variables are secret; the runner needs no schema."""
    service.define("secret_log.yml", variables={"properties": {"token": {}}})
    (service.folder / "ansible.cfg").write_text("[defaults]\nlog_path = run.log\n")
    service.launch(secret=["token"], token=token)

    outcome = service.run()

    assert 0 == outcome.code
    [shown] = outcome.named("runner_on_ok", "Print the token")
    masked = {"any": ["********"]} if isinstance(token, dict) else "********"
    assert masked == shown["event_data"]["res"]["msg"]
    assert "syslog=True" in outcome.display
    assert "log_path" in outcome.text
    assert not (service.folder / "run.log").exists()


def test_nothing_of_the_environment_or_the_variables_is_seen(service: Service) -> None:
    variables = {"properties": {"plain": {"type": "string"}}}
    service.define("environment.yml", variables=variables)
    service.launch(plain="in-a-file-only")
    env = {"CANARY": "canary", "ANSIBLE_CACHE_PLUGIN": "jsonfile", "LC_TIME": "C.UTF-8",
           "SSL_CERT_FILE": "/kept", "FASTDEPLOY_DATABASE_URL": "canary"}  # fmt: skip

    outcome = service.run(env)

    assert b"canary" not in outcome.journal
    assert b"in-a-file-only" not in outcome.journal
    assert b"FASTDEPLOY_EVENT_PIPE" not in outcome.journal
    printed = outcome.named("runner_on_ok", "environment")[0]["event_data"]["res"]
    assert {"SSL_CERT_FILE=/kept", "LC_TIME=C.UTF-8"} <= set(printed["stdout_lines"])
    assert all(
        {"status", "runner_ident"} == found.keys()
        for found in outcome.objects
        if "status" in found
    )


def test_the_fallback_masks_secrets_too(service: Service) -> None:
    service.define("secrets.yml", variables=SECRETS)
    service.launch("runner", SECRETS["properties"], token=TOKEN, pin=918273)

    outcome = service.run()

    assert 2 == outcome.code
    assert TOKEN.encode() not in outcome.journal
    assert json.dumps(TOKEN)[1:-1].encode() not in outcome.journal
    assert b"918273" not in outcome.journal
    assert b"canary" not in outcome.journal
    assert outcome.named("runner_on_ok", "Use ******** in a name")
    assert all(line.startswith(b"{") for line in outcome.lines)
