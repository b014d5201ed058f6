"""Versions of files: real runs that write files, and edits by hand between them."""

import sys
from pathlib import Path

import pytest

from app.domain.file_history import VersionKind
from app.store import deployments, files, hosts
from app.store.files import Version
from testing.command_line import command
from testing.installation import Installation
from testing.notification_rows import written

_INVENTORY = f"""\
web1 ansible_connection=local ansible_python_interpreter={sys.executable}
"""
_PLAYBOOK = """\
- name: Web
  hosts: all
  gather_facts: false
  tasks:
    - name: Write the page
      ansible.builtin.copy:
        content: "title: {{ title }}\\nport: 80\\n"
        dest: "{{ folder }}/page.conf"
        mode: "644"
    - name: Set options
      ansible.builtin.lineinfile:
        path: "{{ folder }}/options.conf"
        regexp: "^{{ item }}="
        line: "{{ item }}={{ title }}"
        create: true
        mode: "644"
      loop: [theme, title]
    - name: Write the password
      ansible.builtin.copy:
        content: "password: {{ password }}\\n"
        dest: "{{ folder }}/password.conf"
        mode: "600"
    - name: Write what is excluded
      ansible.builtin.copy:
        content: "excluded: {{ title }}\\n"
        dest: "{{ folder }}/excluded.conf"
        mode: "644"
    - name: Write what is hidden
      ansible.builtin.copy:
        content: "hidden: {{ title }}\\n"
        dest: "{{ folder }}/hidden.conf"
        mode: "644"
      no_log: true
    - name: Predict
      ansible.builtin.copy:
        content: "predicted: {{ title }}\\n"
        dest: "{{ folder }}/predicted.conf"
        mode: "644"
      check_mode: true
    - name: Write bytes
      ansible.builtin.copy:
        content: "{{ '\\0' }}{{ title }}"
        dest: "{{ folder }}/bytes.conf"
        mode: "644"
    - name: Remove the page
      ansible.builtin.file:
        path: "{{ folder }}/page.conf"
        state: absent
      when: title == "last"
"""


@pytest.fixture
def folder(fastdeploy: Installation, tmp_path: Path) -> Path:
    """The folder on the host, of a service that is installed."""
    folder = tmp_path / "etc"
    folder.mkdir()
    fastdeploy.write_files(
        "shop",
        {"site.yml": _PLAYBOOK, "hosts.ini": _INVENTORY},
        playbook="site.yml",
        inventory="hosts.ini",
        variables={
            "properties": {
                "title": {"type": "string"},
                "password": {"type": "string", "writeOnly": True},
            }
        },
        fixed_variables={"folder": str(folder)},
        file_history={"exclude": ["*/excluded.conf"]},
        notify=[{"on": ["edited-outside"], "to": "ops"}],
    )
    return folder


def _versions(fastdeploy: Installation, path: Path) -> list[Version]:
    with fastdeploy.store.begin() as db:
        [host] = hosts.find(db, "web1", "shop")
        return files.find(db, host.id, str(path))


def _kinds(found: list[Version]) -> list[tuple[str, int, str | None]]:
    return [(each.kind.value, each.deployment, each.text) for each in found]


def test_versions_of_files_with_an_edit_by_hand(
    fastdeploy: Installation, folder: Path
) -> None:
    page, options = folder / "page.conf", folder / "options.conf"
    options.write_text("size=1\n")

    one = fastdeploy.run("shop", title="one", password="sesame-one").id
    page.write_text("title: one\nport: 8080\n")
    with options.open("a") as file:
        file.write("debug=1\n")
    two = fastdeploy.run("shop", title="two", password="sesame-one").id
    (folder / "password.conf").write_text("password: sesame-two\n")
    last = fastdeploy.run("shop", title="last", password="sesame-three").id

    assert [
        ("changed", one, "title: one\nport: 80\n"),
        ("outside", two, "title: one\nport: 8080\n"),
        ("changed", two, "title: two\nport: 80\n"),
        ("changed", last, "title: last\nport: 80\n"),
        ("removed", last, ""),
    ] == _kinds(_versions(fastdeploy, page))
    assert [
        ("found", one, "size=1\n"),
        ("changed", one, "size=1\ntheme=one\n"),
        ("changed", one, "size=1\ntheme=one\ntitle=one\n"),
        ("outside", two, "size=1\ntheme=one\ntitle=one\ndebug=1\n"),
        ("changed", two, "size=1\ntheme=two\ntitle=one\ndebug=1\n"),
        ("changed", two, "size=1\ntheme=two\ntitle=two\ndebug=1\n"),
        ("changed", last, "size=1\ntheme=last\ntitle=two\ndebug=1\n"),
        ("changed", last, "size=1\ntheme=last\ntitle=last\ndebug=1\n"),
    ] == _kinds(_versions(fastdeploy, options))
    # The edit of a masked secret shows by its digest.
    assert [
        ("changed", one, "password: ********\n"),
        ("outside", last, "password: sesame-two\n"),
        ("changed", last, "password: ********\n"),
    ] == _kinds(_versions(fastdeploy, folder / "password.conf"))
    unknown = _kinds(_versions(fastdeploy, folder / "bytes.conf"))
    assert [("unknown", number, None) for number in (one, two, last)] == unknown
    for name in ("excluded", "hidden", "predicted"):
        assert [] == _versions(fastdeploy, folder / f"{name}.conf")
    assert {VersionKind.OUTSIDE} == {
        each.kind for each in _versions(fastdeploy, page) if each.since
    }
    # Each deployment that found edits notifies of them once.
    event = "edited-outside"
    assert [(two, event, "ops"), (last, event, "ops")] == written(fastdeploy.store)
    with fastdeploy.store.begin() as db:
        ended = deployments.find(db, two)
    assert ended is not None
    assert ended.finished_at is not None
    before = f"web1@{ended.finished_at.isoformat()}"
    diff = command(fastdeploy, "host", "diff", before, "web1").stdout
    for part in (
        f"{page} only on the first\n",
        f"{options} differs\n",
        "  -theme=two\n  -title=two\n",
        "  +theme=last\n  +title=last\n",
        f"{folder / 'password.conf'} differs in masked secrets alone\n",
        f"{folder / 'bytes.conf'} can't be compared\n",
    ):
        assert part in diff
    assert "sesame" not in diff
    # Nobody has asked for the diffs.
    assert b"+title: two" not in fastdeploy.output(two)
    kept = [each for each in fastdeploy.run_folder(two).rglob("*") if each.is_file()]
    assert not any(b"excluded: two" in each.read_bytes() for each in kept)
