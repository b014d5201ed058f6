"""Fuzzing: whatever a run prints is kept, masked and shown, and stops nobody.

`just fuzz SECONDS` goes on for as long as one likes. An input that failed once is an
`@example` from then on.
"""

import io
import json
import os
import tarfile
import threading
import time
from collections.abc import Callable

from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.domain.access import Role
from app.domain.deployment import Outcome
from app.runner.masking import Masker
from app.settings import Settings
from app.store.store import Store
from app.usecases import artifacts, deploy, output, record
from app.worker.journal_follower import Follower
from app.worker.run import run_of
from app.worker.run_processes import RunProcesses
from app.worker.termination import Termination
from testing.factories import UUID, start_deployment
from testing.web_client import ClientFor

#: Seconds that are spent; `just fuzz` and CI say how many.
SECONDS = float(os.environ.get("FASTDEPLOY_FUZZ_SECONDS", "3"))
#: A short one is a part of many lines by chance.
SECRETS = ['s3cret-"\\hunter', "90125.50", "1234"]

KEYS = st.sampled_from(
    ["event", "state", "status", "name", "message", "uuid", "counter", "event_data",
     "stdout", "runner_ident", "env", "res", "created", "task", "host", "a"]
)  # fmt: skip
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from([*SECRETS, 90125.5, 1234, UUID, "runner_on_ok", "running",
                     "success", "failure", "\0", "\x1b[31m", "<script>"]),
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=10,
)
STEPS = st.fixed_dictionaries(
    {"name": LEAVES, "state": LEAVES}, optional={"message": VALUES, "a": VALUES}
)
EVENTS = st.fixed_dictionaries(
    {
        "event": st.sampled_from(
            ["runner_on_ok", "runner_on_failed", "playbook_on_stats", "verbose", "x"]
        ),
        "uuid": st.just(UUID) | LEAVES,
        "counter": st.integers(1, 5) | LEAVES,
        "event_data": st.dictionaries(KEYS, VALUES, max_size=4),
    },
    optional={"stdout": LEAVES, "created": LEAVES, "stdout_open": st.booleans()},
)
STATUSES = st.fixed_dictionaries(
    {"status": st.sampled_from(["starting", "running"]), "runner_ident": LEAVES},
    optional={"a": VALUES},
)


def _deep(depth: int, form: str) -> bytes:
    return form.replace("%", "[" * depth + '"1234"' + "]" * depth).encode()


DEEP = st.builds(
    _deep,
    st.sampled_from([99, 254, 255, 500, 1000, 1023, 1024, 3000]),
    st.sampled_from(
        [
            "%",
            '{"a":%}',
            '{"name":"a","state":"success","message":%}',
            '{"event":"runner_on_ok","uuid":"%s","counter":1,"event_data":{"res":%}}'
            .replace("%s", UUID),
        ]
    ),
)  # fmt: skip
JSON_LINES = (VALUES | STEPS | EVENTS | STATUSES).map(
    lambda value: json.dumps(value, ensure_ascii=False).encode(errors="replace")
)
LINES = st.one_of(
    st.binary(max_size=40),
    JSON_LINES,
    DEEP,
    st.sampled_from([s.encode() for s in SECRETS]),
    st.integers(1, 40).map(lambda n: b"1234567890" * n * 1000),
).map(lambda line: line.replace(b"\n", b" "))
JOURNALS = st.builds(
    lambda lines, end: b"\n".join(lines) + end,
    st.lists(LINES, max_size=12),
    st.sampled_from([b"", b"\n"]),
)


_ROUND = hypothesis_settings(
    max_examples=8,
    deadline=None,
    # Every round takes other examples, in CI too.
    derandomize=False,
    database=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


def for_seconds(seconds: float, check: Callable[[], None]) -> None:
    """Call a test of Hypothesis again and again, with other examples each time."""
    until = time.monotonic() + seconds
    check()
    while time.monotonic() < until:
        check()


def test_every_journal_is_kept_shown_and_masked(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    client = client_for(Role.VIEWER)

    @_ROUND
    @given(JOURNALS, st.sampled_from([SECRETS, []]))
    @example(
        b'{"name":"a","state":"success","message":' + b"[" * 900 + b"]" * 900 + b"}",
        SECRETS,
    )
    @example(b'{"status":"running","runner_ident":"1","secret":"1234"}', [])
    def check(journal: bytes, secrets: list[str]) -> None:
        masked = bool(secrets)
        number = follow(store, settings, journal, secrets)

        printed = b"".join(output.whole(store, number))
        if not masked:
            assert journal == printed
        for address in addresses(number):
            answer = client.get(address)
            # Not every event is a result or an artifact.
            expected = {200, 404} if "results/" in address or "-" in address else {200}
            assert answer.status_code in expected, address
            if masked:
                assert_masked(address, answer.content)
        deployment = deploy.find(store, number)
        packed = b"".join(artifacts.archive(store, settings, deployment))
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            name = f"{deployment.service_name}-{number}/stdout"
            stdout = archive.extractfile(name)
            assert stdout is not None
            assert b"".join(output.displayed(store, number)) == stdout.read()
        if masked:
            with store.begin() as db:
                query = text(
                    "SELECT events::text FROM events WHERE deployment_id = :id"
                )
                rows = db.scalars(query, {"id": number})
                assert_masked("rows", "".join(rows).encode())
            assert_masked("printed", printed)

    for_seconds(SECONDS, check)


def addresses(number: int) -> list[str]:
    """Every page and answer that shows what a run printed."""
    page, api = f"/deployments/{number}", f"/api/v1/deployments/{number}"
    events = (f"{page}/results/{event}" for event in range(1, 15))
    names = ("stdout", f"job_events/1-{UUID}.json")
    files = (f"{page}/artifacts/{name}" for name in names)
    return [page, f"{page}/results", *events, f"{page}/search?text=1",
            f"{page}/artifacts", *files,
            api, f"{api}/events", f"{api}/output", f"{api}/artifacts"]  # fmt: skip


def follow(store: Store, settings: Settings, journal: bytes, secrets: list[str]) -> int:
    """Follow a run that printed a journal and ended."""
    deployment = start_deployment(store, settings)
    run = run_of(settings, deployment.id)
    run.folder.mkdir(parents=True)
    run.journal.write_bytes(journal)
    (run.folder / "rc").write_text("0 \n")

    def end(outcome: Outcome) -> Termination:
        raise AssertionError(outcome)

    follower = Follower(
        store, run, deployment, Masker(secrets), threading.Event(),
        end=end, processes=RunProcesses(settings, run),
    )  # fmt: skip
    code, ended = follower.follow()
    record.finish(store, deployment.id, code, ended)
    return deployment.id


def assert_masked(where: str, content: bytes) -> None:
    """Assert that no secret that is long enough to be no coincidence is there."""
    assert b"hunter" not in content, where
    assert b"90125.5" not in content, where
