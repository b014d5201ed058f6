"""A run gets the answers of its launch, and never continues without one."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from testing.browser import deployment_on, log_in, visit
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.runner import Service, define
from testing.seeding import make_user

#: The hosts run with the Python of the tests.
_PLAY = """- hosts: localhost
  gather_facts: false
  vars:
    name_of_file: gate
  vars_prompt:
    - {name: who, prompt: "Who are you:", private: no}
    - {name: colour, private: no, default: blue}
    - {name: hidden, default: "from {{ name_of_file }}"}
    - {name: word, prompt: Password, confirm: yes}
  tasks:
    - debug: {msg: "{{ who }} likes {{ colour }}, {{ hidden }}, {{ word | length }}"}
"""


_OPEN = "    - debug: {msg: the gate is open}\n"
#: Playbooks that name the file with the prompt by a template.
_HIDDEN = {
    "pause": "- hosts: all\n  gather_facts: false\n  vars: {f: pausing}\n  tasks:\n"
    f"    - include_tasks: '{{{{ f }}}}.yml'\n{_OPEN}",
    "vars_prompt": "- import_playbook: \"{{ 'required' }}.yml\"\n",
}


@pytest.mark.parametrize("task", _HIDDEN)
def test_a_prompt_that_no_search_finds_fails_the_run(
    service: Service, task: str
) -> None:
    define(service, "gate.yml")
    (service.folder / "gate.yml").write_text(_HIDDEN[task])

    outcome = service.run()

    assert outcome.code not in {0, 64}
    assert "nobody can answer in a deployment" in outcome.output
    assert "the gate is open" not in outcome.output
    assert "answer=" not in outcome.output


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """An installation with a playbook that asks for four variables."""
    with installed(postgres, tmp_path_factory.mktemp("prompts")) as made:
        made.write_files("asking", {"site.yml": _PLAY}, playbook="site.yml")
        make_user(made)
        made.worker()
        made.web()
        yield made


@pytest.mark.parametrize("script", [True, False], ids=["javascript", "plain"])
def test_the_launch_form_asks_what_the_playbook_asks(
    browser: Browser, site: Installation, *, script: bool
) -> None:
    with visit(browser, site.url, java_script_enabled=script) as page:
        page.goto("/services/asking")
        log_in(page)
        expect(page.get_by_label("colour")).to_have_value("blue")
        page.get_by_label("Who are you").fill("Ada")
        page.get_by_label("Password (required)").fill("enigma")
        page.get_by_label("Password (again)").fill("other")
        page.get_by_role("button", name="Launch").click()

        expect(page.get_by_text("is not the same in both fields").first).to_be_visible()
        expect(page.get_by_label("Who are you")).to_have_value("Ada")
        expect(page.get_by_label("Password (again)")).to_have_value("")
        page.get_by_label("Password (required)").fill("enigma")
        page.get_by_label("Password (again)").fill("enigma")
        page.get_by_role("button", name="Launch").click()
        number = deployment_on(page)

    ended = site.ended(number)
    output = site.output(number).decode()
    assert "successful" == ended.status, output
    assert "Ada likes blue, from gate, 6" in output
    assert "enigma" not in output
    assert {"who": "Ada", "colour": "blue"} == ended.variables
