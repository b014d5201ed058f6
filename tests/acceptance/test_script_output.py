"""The output of a script: all of it is kept, but for secrets."""

import sys

import httpx
from sqlalchemy import select, text

from app.domain.deployment import Status
from app.domain.events import EventKind
from app.store.metadata import metadata
from testing.installation import Installation
from testing.waiting import eventually

REOPENING = """#!/bin/sh
echo first
echo second >/dev/stderr
echo third >/dev/stdout
echo fourth | tee /dev/stderr
echo fifth >/proc/self/fd/2
printf sixth | dd of=/dev/stdout 2>/dev/null
"""


def test_a_script_may_open_its_output_again(fastdeploy: Installation) -> None:
    fastdeploy.write_service("reopening", REOPENING)

    ended = fastdeploy.run("reopening")

    assert Status.SUCCESSFUL is ended.status
    printed = fastdeploy.output(ended.id)
    assert b"first\nsecond\nthird\nfourth\nfourth\nfifth\nsixth" == printed


def test_what_a_script_leaves_behind_prints_into_nothing_and_lives(
    fastdeploy: Installation,
) -> None:
    folder = fastdeploy.write_service(
        "leaves-a-printer",
        "#!/bin/sh\nhere=${0%/*}\necho before\n"
        "(until [ -e $here/go ]; do sleep 0.05; done; echo behind; echo more\n"
        " echo $? >$here/said) &\n",
    )
    ended = fastdeploy.run("leaves-a-printer")

    (folder / "go").touch()

    eventually((folder / "said").exists)
    eventually(lambda: "0\n" == (folder / "said").read_text())
    journal = fastdeploy.run_folder(ended.id) / "journal"
    assert b"before\n" == journal.read_bytes() == fastdeploy.output(ended.id)


def test_all_that_a_script_printed_is_there_however_much_it_was(
    fastdeploy: Installation,
) -> None:
    fastdeploy.write_service("much", "#!/bin/sh\nseq 1 300000\n")

    ended = fastdeploy.run("much")

    assert b"".join(b"%d\n" % n for n in range(1, 300_001)) == fastdeploy.output(
        ended.id
    )


SECRET = "correct horse\tbattery/staple ü"
PRINTS_SECRET = f"""#!{sys.executable}
import json, sys
secret = json.load(open(sys.argv[2]))["context"]["variables"]["password"]
print("whole", secret, flush=True)
print(json.dumps({{"name": secret, "state": "success", "message": "m " + secret}}))
print("x" * (2 * 1024 * 1024 - 10) + secret + "y" * 100)
print("x" * (2 * 1024 * 1024 + 10) + secret * 3)
sys.stdout.flush()
sys.exit("failed with " + secret)
"""


def test_a_secret_that_a_run_prints_is_nowhere(
    fastdeploy: Installation, client: httpx.Client
) -> None:
    variables = {"properties": {"password": {"type": "string", "writeOnly": True}}}
    fastdeploy.write_service("prints-secret", PRINTS_SECRET, variables=variables)

    ended = fastdeploy.run("prints-secret", password=SECRET)

    path = f"deployments/{ended.id}"
    seen = {
        where: client.get(where).text
        for where in (
            f"/{path}", f"/{path}/events", f"/{path}/output", f"/api/v1/{path}",
            f"/api/v1/{path}/events", f"/{path}/artifacts/stdout?download=1",
            f"/{path}/artifacts/stdout", "/", "/api/v1/deployments",
        )
    }  # fmt: skip
    with fastdeploy.store.begin() as db:
        for table in metadata.sorted_tables:
            rows = db.execute(select(table)).all()
            seen[table.name] = "\n".join(map(repr, rows))
    assert "whole ********" in seen[f"/{path}/output"]
    assert "failed with ********" in ended.reason
    assert [] == [where for where, text in seen.items() if "horse" in text]
    assert [] == [where for where, text in seen.items() if "staple" in text]


def test_a_line_that_is_refused_is_kept_as_text_and_following_goes_on(
    installation: Installation,
) -> None:
    installation.write_service(
        "refused",
        "#!/bin/sh\necho one\n"
        """echo '{"name": "a", "state": "running", "message": "no"}'\n"""
        """echo '{"name": "b", "state": "success"}'\n""",
    )
    with installation.store.begin() as db:
        # PostgreSQL can refuse a row for a reason that no attempt changes.
        db.execute(
            text("ALTER TABLE events ADD CHECK (kind <> 'step' OR text <> 'no')")
        )
    installation.worker()
    number = installation.launch("refused")

    ended = installation.ended(number)

    assert (Status.SUCCESSFUL, 0) == (ended.status, ended.exit_code)
    found = [(event.kind, event.text) for event in installation.events(number)[2:-1]]
    assert (EventKind.OUTPUT, "one") == found[0]
    kind, notice = found[1]
    assert EventKind.NOTICE is kind
    assert "kept as text" in notice
    assert (
        EventKind.OUTPUT,
        '{"name": "a", "state": "running", "message": "no"}',
    ) == found[2]
    assert [EventKind.STEP] == [kind for kind, _ in found[3:]]
    assert {"b": "success"} == installation.states(number)
    journal = installation.run_folder(number) / "journal"
    assert journal.read_bytes() == installation.output(number)
