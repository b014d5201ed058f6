"""The pages of one deployment: what they show, and where they lead."""

import html
import json
import re

import pytest

from app.cli.deployment_output import print_deployment
from app.domain.access import Role
from app.domain.events import TaskResult
from app.settings import Settings
from app.store.store import Store
from app.usecases import record
from app.web.schemas import DeploymentDetailBody
from testing.factories import (
    begins,
    ends,
    make_runner_line,
    make_schema,
    make_service,
    recaps,
    record_lines,
    start_deployment,
)
from testing.web_client import ClientFor

Capsys = pytest.CaptureFixture[str]
HOSTILE = "<script>alert(1)</script>\u202e\x1b]0;x\x07\"'&%00" + "x" * 400
FAILED = TaskResult.FAILED


@pytest.fixture
def number(store: Store, settings: Settings) -> int:
    """A deployment that failed, whose names and messages are hostile."""
    service = make_service(steps=[{"name": "prepare"}], variables={})
    found = start_deployment(store, settings, service).id
    item = {"item": HOSTILE, "changed": True, "msg": HOSTILE, "stdout": HOSTILE}
    told = {
        "msg": HOSTILE, "stdout": HOSTILE, "results": [item], "cmd": [HOSTILE],
        "invocation": {"module_args": {HOSTILE: HOSTILE}}, HOSTILE: HOSTILE,
        "diff": {"before": HOSTILE, "after": "", "before_header": HOSTILE},
    }  # fmt: skip
    record_lines(
        store, found, begins(f"prepare | {HOSTILE}"),
        ends(f"prepare | {HOSTILE}", HOSTILE, FAILED, **told),
        recaps(failures={HOSTILE: 1}),
    )  # fmt: skip
    record.finish(store, found, 2)
    return found


def test_no_page_renders_the_output_of_a_run_as_markup(
    client_for: ClientFor, number: int
) -> None:
    client = client_for(Role.VIEWER)
    page = f"/deployments/{number}"

    for path in (page, f"{page}/results", f"{page}/results/4",
                 f"{page}/search?text=%3Cscript&result=failed"):  # fmt: skip
        answer = client.get(path)
        assert 200 == answer.status_code, path
        assert "<script>alert" not in answer.text, path
        assert not re.search("[\x1b\u202e]", answer.text), path
        assert "&lt;script" in answer.text, path


def test_every_way_of_a_failure_leads_somewhere(
    client_for: ClientFor, number: int
) -> None:
    client = client_for(Role.VIEWER)
    for path in (f"/deployments/{number}", f"/deployments/{number}/results/4"):
        text = client.get(path).text
        links = set(re.findall(r'href="(/deployments/[^"#]+)', text))
        assert links
        for link in links:
            assert 200 == client.get(link.replace("&amp;", "&")).status_code, link


def test_the_line_of_a_failure_is_on_the_page_that_its_link_opens(
    client_for: ClientFor, number: int
) -> None:
    client = client_for(Role.VIEWER)
    text = client.get(f"/deployments/{number}").text

    found = re.search(r'href="(/deployments/\d+\?before=\d+)#(e4)">Line 4<', text)

    assert found
    assert f'id="{found[2]}"' in client.get(found[1]).text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("results/1", 404),
        ("results/999999999999999999", 404),
        ("results/x", 404),
        ("results?before=x", 422),
        ("results?hosts_after=%00", 200),
        ("results?before=0&hosts_after=zzz", 200),
        ("search", 200),
        ("search?text=%00&host=%00&result=%00", 200),
        ("search?step=-1", 422),
        ("search?after=99999999999", 422),
    ],
)
def test_an_invalid_path_is_not_a_server_error(
    client_for: ClientFor, number: int, path: str, status: int
) -> None:
    answer = client_for(Role.VIEWER).get(f"/deployments/{number}/{path}")

    assert status == answer.status_code


def test_what_is_looked_for_is_highlighted(client_for: ClientFor, number: int) -> None:
    text = client_for(Role.VIEWER).get(f"/deployments/{number}/search?text=alert").text

    assert "&lt;script&gt;</span><mark" in text
    assert ">alert</mark>" in text


def test_what_is_found_says_of_which_task_it_is(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    found = start_deployment(store, settings).id
    record_lines(
        store, found, begins("Copy"), ends("Copy", "a", TaskResult.CHANGED),
        ends("Copy", "b", TaskResult.CHANGED), begins("Look"), ends("Look", "a"),
        begins("Link"), ends("Link", "a", TaskResult.CHANGED),
        make_runner_line(stdout="", event_data={
            "task": "Loop", "host": "c", "res": {"changed": True, "results": []},
        }),
    )  # fmt: skip
    page = f"/deployments/{found}/search"
    client = client_for(Role.VIEWER)

    changed = client.get(f"{page}?result=changed").text
    all_of_it = client.get(f"{page}?text=playbook").text

    named = '<p class="output-task">(.+?)</p>'
    assert ["Copy", "Link", "Loop"] == re.findall(named, changed)
    assert "4 matches" in changed
    assert "changed: [c]" in changed
    assert f'href="/deployments/{found}/results/10"' in changed
    # Where the line that a task begins with is found, it is not named twice.
    assert [] == re.findall(named, all_of_it)


def test_the_stream_brings_rows_cells_and_what_comes_at_the_end(
    client_for: ClientFor, number: int
) -> None:
    text = client_for(Role.VIEWER).get(f"/deployments/{number}/events").text

    events = re.findall("^event: (.+?)\r?$", text, re.MULTILINE)
    assert {
        "status", "steps", "results", "output", "failures", "recap", "timing", "end",
    } == set(events)  # fmt: skip
    assert 'data-task="prepare |' in text
    assert 'data-status="failed"' in text
    assert "Failures</h2>" in text
    assert "Where time went" in text


@pytest.mark.parametrize("path", ["", "/events"], ids=["page", "stream"])
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"a": 2, "b": 1}, "3 changes on 2 hosts", id="some"),
        pytest.param({"a": 1}, "1 change on 1 host", id="one"),
        pytest.param({}, "no changes", id="none"),
    ],
)
def test_what_has_ended_says_which_version_it_brought_and_how_much_it_changed(
    client_for: ClientFor, store: Store, settings: Settings, path: str,
    changed: dict[str, int], said: str,
) -> None:  # fmt: skip
    version = {"type": "string", "default": "4.2.0"}
    service = make_service(variables=make_schema(version=version))
    found = start_deployment(store, settings, service).id
    record_lines(store, found, recaps(ok={"a": 5, "b": 5, "c": 5}, changed=changed))
    record.finish(store, found, 0)

    text = client_for(Role.VIEWER).get(f"/deployments/{found}{path}").text

    assert said in text
    assert "<dt>Version</dt><dd><code>4.2.0</code>" in text


def test_what_goes_on_says_nothing_of_changes(
    client_for: ClientFor, store: Store, settings: Settings
) -> None:
    found = start_deployment(store, settings, make_service()).id

    text = client_for(Role.VIEWER).get(f"/deployments/{found}").text

    assert "no changes" not in text
    assert "<dt>Version</dt>" not in text


@pytest.mark.parametrize("ended", [False, True], ids=["running", "ended"])
def test_what_was_chosen_for_a_run_is_on_its_page_in_the_api_and_the_command(
    client_for: ClientFor,
    store: Store,
    settings: Settings,
    capsys: Capsys,
    *,
    ended: bool,
) -> None:
    chosen = "no pipelining (ansible.cfg sets pipelining=<no>), 25 forks"
    service = make_service(deploy_script=None, playbook="site.yml")
    found = start_deployment(store, settings, service).id
    line = json.dumps({"speed": chosen, "runner_ident": str(found)})
    record_lines(store, found, line.encode(), make_runner_line())
    if ended:
        record.finish(store, found, 0)
    client = client_for(Role.VIEWER)

    page = client.get(f"/deployments/{found}").text
    body = client.get(f"/api/v1/deployments/{found}").json()
    print_deployment(DeploymentDetailBody.model_validate(body))

    shown = f"<dt>Speed</dt><dd>{html.escape(chosen)}</dd>"
    assert shown in page
    assert chosen == body["speed"]
    assert chosen in " ".join(capsys.readouterr().out.split())
    assert chosen not in client.get(f"/deployments/{found}/output").text
    if ended:
        assert shown in client.get(f"/deployments/{found}/events").text


def test_output_is_folded_by_step(client_for: ClientFor, number: int) -> None:
    text = client_for(Role.VIEWER).get(f"/deployments/{number}").text

    assert 1 == len(
        re.findall('<details class="output-step" data-step="1" open>', text)
    )
