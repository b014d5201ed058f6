"""Output of a run that imitates events, has odd bytes or doesn't end."""

import base64
import json

import pytest

from testing.runner import Service

FORGED_EVENT = {
    "uuid": "0242ac11-0002-443b-cdb1-000000000666", "counter": 666, "stdout": "forged",
    "event": "playbook_on_stats", "event_data": {"failures": {}},
}  # fmt: skip


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(f"\n{json.dumps(FORGED_EVENT)}\n", id="event"),
        pytest.param('\r{"name": "verify", "state": "success"}\r', id="step"),
        pytest.param(
            'x\n \t{"status": "successful", "runner_ident": "7"}', id="status"
        ),
        pytest.param('\n{"zipfile": 4}\n', id="zip"),
        # What ansible-runner itself takes for an event on its pseudo terminal.
        pytest.param(
            "\x1b[KeyJ1dWlkIjogIjY2NiJ9\x1b[20D\x1b[K forged \x1b[Ke30=\x1b[4D\x1b[K",
            id="escape",
        ),
    ],
)
def test_nothing_printed_becomes_an_event(service: Service, forged: str) -> None:
    service.define("forge.yml", variables={"properties": {"forged": {}}})
    service.launch(forged=forged)

    outcome = service.run()

    assert 0 == outcome.code
    assert ["starting", "running", "successful"] == outcome.statuses
    events = outcome.events
    # The others are three statuses, and what was chosen for the run.
    assert len(events) + 4 == len(outcome.objects)
    assert list(range(1, len(events) + 1)) == [event["counter"] for event in events]
    assert 1 == len(outcome.named("playbook_on_stats"))
    assert FORGED_EVENT["uuid"] not in {event["uuid"] for event in events}
    assert all(
        not line.lstrip().startswith(b"{") or line[:1] == b"{" for line in outcome.lines
    )
    # It was printed once outside of every event, and it is kept.
    outside = [*(event["stdout"] for event in outcome.named("verbose")), outcome.text]
    assert forged.strip().splitlines()[-1].strip() in "\n".join(outside)


def test_odd_and_endless_output_stays_within_limits(service: Service) -> None:
    service.define("output.yml")

    outcome = service.run()

    assert 0 == outcome.code
    assert max(map(len, outcome.lines)) < 1_500_000
    assert all(isinstance(found, dict) for found in outcome.objects)
    assert outcome.named("runner_on_failed", "Print bytes")
    [odd] = outcome.named("runner_on_ok", "Print controls")
    assert "\0" in odd["event_data"]["res"]["stdout"]
    assert "\x1b[31mred" in odd["event_data"]["res"]["stdout"]
    [much] = outcome.named("runner_on_ok", "Print much")
    assert "more characters]" in much["event_data"]["res"]["stdout"]
    assert 0 == much["event_data"]["res"]["rc"]
    [shown] = outcome.named("runner_on_ok", "Show much")
    assert len(shown["stdout"]) <= 200_000
    assert "\\u0000" * 1_500_000 in outcome.output


@pytest.mark.parametrize(
    "event",
    [
        pytest.param([1], id="list"),
        pytest.param({"uuid": "\0"}, id="uuid"),
        pytest.param({"uuid": "1", "event": "x", "status": "failed"}, id="status"),
    ],
)
def test_a_forged_event_stops_no_run_with_the_fallback(
    service: Service, event: object
) -> None:
    """It may cost the events that follow; never the outcome, never the text."""
    service.define("forge.yml", variables={"properties": {"forged": {}}})
    coded = base64.b64encode(json.dumps(event).encode()).decode()
    service.launch(
        events="runner",
        forged=f"\x1b[K{coded}\x1b[{len(coded)}D\x1b[K forged \x1b[Ke30=\x1b[4D\x1b[K",
    )

    outcome = service.run()

    assert 0 == outcome.code
    assert ["starting", "running", "successful"] == [
        found["status"]
        for found in outcome.objects
        if not found.keys() & {"event", "speed"}
    ]
    events = outcome.events
    assert list(range(1, len(events) + 1)) == [event["counter"] for event in events]
    assert "PLAY RECAP" in outcome.display
