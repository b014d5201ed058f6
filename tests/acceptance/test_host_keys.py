"""Host keys of a real sshd: unknown, accepted, changed, revoked, unchecked."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.domain.audit import Action
from app.domain.deployment import Deployment, Status
from app.store import audit, host_keys
from testing.browser import deployment_on, log_in, violations, visit
from testing.command_line import assert_refused, command
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.seeding import make_user
from testing.sshd import Sshd, running

_PLAYBOOK = """\
- name: Site
  hosts: all
  gather_facts: false
  tasks:
    - name: Reach the host
      ansible.builtin.ping:
"""
#: Connections outlive their run.
_CONFIG = """\
[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=auto -o ControlPersist=20s
"""
#: Each run connects once more.
_WITHOUT_MASTER = """\
[ssh_connection]
pipelining = true
ssh_args = -C
"""


class Site:
    """An installation with a service on a host of its own."""

    def __init__(self, made: Installation, host: Sshd) -> None:
        self.made = made
        self.host = host
        self.write("site")

    def write(self, name: str, config: str = _CONFIG, **files: str) -> None:
        """Write a service that reaches the host."""
        variables = self.host.inventory(ansible_python_interpreter=sys.executable)
        hosts = json.dumps({"all": {"hosts": {"web1": variables}}})
        self.made.write_files(
            name,
            {"site.yml": _PLAYBOOK, "hosts.json": hosts, "ansible.cfg": config,
             **files},
            playbook="site.yml", inventory="hosts.json",
        )  # fmt: skip

    def deploy(self, name: str = "site") -> Deployment:
        """Launch a service and return the ended deployment."""
        return self.made.ended(self.made.launch(name))

    def add(self, name: str, line: str) -> None:
        """Accept a key on the command line."""
        added = command(self.made, "host-key", "add", name, "-", stdin=line)
        assert added.returncode == 0, added.stderr

    def audited(self, action: Action) -> list[str]:
        """Return the subjects of an action, newest first."""
        with self.made.store.begin() as db:
            return [entry.subject for entry in audit.latest(db, action=action)]


@pytest.fixture(scope="module")
def site(
    postgres: Postgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    """The installation, and the host."""
    folder = tmp_path_factory.mktemp("host-keys")
    with (
        installed(postgres, folder / "fastdeploy") as made,
        running(folder) as host,
    ):
        make_user(made)
        made.worker()
        made.web()
        yield Site(made, host)


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """A page of an administrator."""
    with visit(browser, site.made.url) as opened:
        opened.goto("/")
        log_in(opened)
        yield opened


def test_an_unknown_key_fails_the_run_until_it_is_accepted_on_the_page(
    site: Site, page: Page, pictures: Path | None
) -> None:
    before = _files_of_the_user()
    failed = site.deploy()
    label = f"ED25519 {site.host.fingerprint}"

    assert failed.status is Status.FAILED
    assert failed.reason == (
        f"web1 presented a host key that FastDeploy doesn't know ({label}): compare "
        "it, and accept it on the deployment's page"
    )
    page.goto(f"/deployments/{failed.id}")
    shown = page.get_by_text(label).locator("visible=true")
    expect(shown.first).to_be_visible()
    _look_at(page, pictures, "refused")
    page.get_by_role("link", name="Compare and accept").click()
    # The page before has the label more than once.
    page.wait_for_url(f"**/deployments/{failed.id}/host-keys")
    expect(page.get_by_text(label)).to_be_visible()
    _look_at(page, pictures, "compare")
    page.get_by_role("button", name="Accept this key").click()
    expect(page.get_by_text("Accepted for all runs")).to_be_visible()
    page.get_by_role("link", name="Back to the deployment").click()
    page.wait_for_url(f"**/deployments/{failed.id}")
    page.get_by_role("button", name="Retry").click()
    page.wait_for_url(lambda url: not url.endswith(f"/{failed.id}"))
    retried = site.made.ended(deployment_on(page))
    assert (retried.status, retried.reason) == (Status.SUCCESSFUL, "")
    assert _files_of_the_user() == before
    assert site.audited(Action.ACCEPT_HOST_KEY)[0] == (
        f"site: {site.host.name} {label}"
    )
    page.goto("/services/site")
    keys = page.get_by_role("table", name="Accepted host keys")
    expect(keys.get_by_role("row").filter(has_text=label)).to_contain_text("by ada")
    _look_at(page, pictures, "service")


def test_a_changed_key_fails_the_run_loudly_and_replaces_the_accepted_one(
    site: Site, page: Page, pictures: Path | None
) -> None:
    site.write("changed", _WITHOUT_MASTER)
    site.add("changed", site.host.line)
    known = site.host.fingerprint
    site.host.change_key()
    failed = site.deploy("changed")
    label = f"ED25519 {site.host.fingerprint}"

    assert failed.status is Status.FAILED
    assert failed.reason == (
        f"the host key of web1 has CHANGED ({label}), it was {known}: find out why, "
        "and accept it on the deployment's page"
    )
    page.goto(f"/deployments/{failed.id}/host-keys")
    expect(page.get_by_text(known)).to_be_visible()
    _look_at(page, pictures, "changed")
    page.get_by_role("button", name="Accept this key").click()
    expect(page.get_by_text("Accepted for all runs")).to_be_visible()
    listed = command(site.made, "host-key", "list", "changed", "--json")
    assert [site.host.fingerprint] == [
        each["fingerprint"] for each in json.loads(listed.stdout)
    ]
    assert site.audited(Action.ACCEPT_HOST_KEY)[0] == (
        f"changed: {site.host.name} {label}, instead of {known}"
    )


def test_a_known_hosts_in_the_repository_is_used_by_its_runs_alone_and_shown(
    site: Site, page: Page
) -> None:
    site.write("repository", known_hosts=site.host.line)

    assert site.deploy("repository").status is Status.SUCCESSFUL
    site.write("stranger")
    stranger = site.deploy("stranger")
    assert "doesn't know" in stranger.reason, "it used the connection of another run"
    page.goto("/services/repository#host-keys")
    keys = page.get_by_role("table", name="Host keys in the repository")
    expect(keys).to_contain_text(site.host.fingerprint)


def test_a_revoked_key_cannot_be_accepted(site: Site, page: Page) -> None:
    site.write("revoked", known_hosts=f"@revoked {site.host.line}")
    site.add("revoked", site.host.line)
    failed = site.deploy("revoked")

    assert "marked as revoked" in failed.reason
    page.goto(f"/deployments/{failed.id}/host-keys")
    expect(page.get_by_text("marked as revoked")).to_be_visible()
    expect(page.get_by_role("button", name="Accept this key")).to_have_count(0)


def test_a_repository_that_checks_no_host_keys_is_warned_of(
    site: Site, page: Page, pictures: Path | None
) -> None:
    """Text that isn't a boolean counts as false, without a word of Ansible."""
    before = _files_of_the_user()
    site.write("open", f"[defaults]\nhost_key_checking = accept-new\n{_CONFIG}")
    deployed = site.deploy("open")

    assert deployed.status is Status.SUCCESSFUL
    site.write("closed")
    closed = site.deploy("closed")
    assert "doesn't know" in closed.reason, "it used the unchecked connection"
    assert _files_of_the_user() == before
    assert [str(warning) for warning in deployed.warnings] == [
        "host keys aren't checked: ansible.cfg sets host_key_checking=accept-new"
    ]
    [warning] = [w for n, w in site.made.sync().warnings.items() if n == "open"]
    assert "host_key_checking=accept-new, which Ansible takes for false" in warning
    page.goto("/services/open#host-keys")
    expect(
        page.get_by_text("ansible.cfg sets host_key_checking=accept-new")
    ).to_be_visible()
    _look_at(page, pictures, "unchecked")


def test_a_key_is_removed_on_the_page_and_by_the_command(
    site: Site, page: Page
) -> None:
    site.write("gone")
    lines = f"web1,web2 {site.host.public}\n"
    site.add("gone", lines)
    page.goto("/services/gone#host-keys")
    page.get_by_role("button", name="Remove").first.click()
    expect(page.get_by_role("row").filter(has_text="web2")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="web1")).to_have_count(0)
    with site.made.store.begin() as db:
        [left] = host_keys.list_keys(db, "gone")
    removed = command(site.made, "host-key", "remove", str(left.id))

    assert removed.stdout == (
        f"gone no longer trusts web2 ED25519 {site.host.fingerprint}\n"
    )
    assert len(site.audited(Action.REMOVE_HOST_KEY)) == 2
    again = command(site.made, "host-key", "remove", str(left.id))
    assert_refused(again, f"there is no host key {left.id}; it may have been removed")


def _files_of_the_user() -> dict[Path, Any]:
    folder = Path.home() / ".ssh"
    names = ("known_hosts", "known_hosts2")
    files = [folder / name for name in names if (folder / name).exists()]
    return {file: file.read_bytes() for file in files}


def _look_at(page: Page, pictures: Path | None, name: str) -> None:
    """Axe finds nothing on a page; keep pictures of it in each look if wanted."""
    assert [] == violations(page)
    if pictures is None:
        return
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 360)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 900})
        path = pictures / f"host-keys-{name}-{scheme}-{width}.png"
        page.screenshot(path=path, full_page=True)
