"""What Ansible decrypts reaches nothing that is recorded, wherever it decrypts it."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret

from app.runner.environment import inherit
from testing.paths import SOPS
from testing.runner import Outcome, Service, short_folder

_PASSWORD = b"the vault password"
_VAULT = VaultLib([("default", VaultSecret(_PASSWORD))])
_PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
#: Newer Pythons than the one of the tests, where there are any.
_PYTHONS = [str(path) for path in sorted(_PYENV.glob("versions/3.1[2-9]*/bin"))]
_KEY = "-----BEGIN KEY-----\nkeyline-1-5d1f\nkeyline-2-77ab\n-----END KEY-----\n"
_BINARY = b"\xff\xfe\x00binary-canary-91c4\x00\x80"

#: The encrypted files of the project.
_FILES = {
    "group_vars/all/vault.yml": "in_group: canary-group-01\n"
    "nested: [{deep: canary-deep-02}]\nport: 54321\nflag: true\nshort: abc\n",
    "vars.yml": "in_vars: canary-vars-03\n",
    "included.yml": f"in_include: canary-include-04\nkey: {_KEY!r}\n".replace("'", '"'),
    "text.txt": "canary-lookup-05",
    "copied.conf": "password=canary-copy-06\n",
    "template.j2": "password = canary-template-07\nhost = {{ inventory_hostname }}\n",
    "more.yml": "- name: Play\n  hosts: all\n  gather_facts: false\n  tasks:\n"
    "    - name: In the playbook\n      ansible.builtin.debug: {msg: canary-play-08}\n",
    "hosts.yml": "all: {hosts: {alpha: {ansible_connection: local, "
    "in_inventory: canary-inventory-09, ansible_python_interpreter: auto_silent}}}\n",
}  # fmt: skip
#: What must be nowhere.
_CANARIES = [
    "canary-group-01", "canary-deep-02", "54321", "canary-vars-03",
    "canary-include-04", "keyline-1-5d1f", "keyline-2-77ab", "canary-lookup-05",
    "canary-copy-06", "canary-template-07", "canary-play-08", "canary-inventory-09",
    "canary-filter-10", "canary-inline-11", "binary-canary-91c4", _PASSWORD.decode(),
    "canary-first", "canary-line-one", "4718293", base64.b64encode(_BINARY).decode(),
    base64.b64encode(b"canary-inline-11").decode().rstrip("="),
]  # fmt: skip
_SITE = """\
- name: Site
  hosts: all
  gather_facts: false
  vars_files: [vars.yml]
  tasks:
    - name: Show {{ inline }} in a name
      ansible.builtin.debug:
        msg: ["{{ in_group }}", "{{ nested }}", "{{ port }}", "{{ flag }}",
              "{{ in_vars }}", "{{ in_inventory }}", "{{ inline }}", "shown-in-clear"]
    - name: Read further variables
      ansible.builtin.include_vars: included.yml
    - name: Show further variables
      ansible.builtin.debug:
        msg: ["{{ in_include }}", "{{ key }}", "{{ key.splitlines() }}"]
    - name: Look up
      ansible.builtin.debug:
        msg: ["{{ lookup('unvault', 'text.txt') }}", "{{ lookup('file', 'text.txt') }}",
              "{{ ciphertext | unvault('the vault password') }}"]
    - name: Copy
      ansible.builtin.copy: {src: copied.conf, dest: "{{ out }}/copied", mode: "600"}
      diff: true
    - name: Template
      ansible.builtin.template:
        {src: template.j2, dest: "{{ out }}/templated", mode: "600"}
      diff: true
    - name: Copy a binary file
      ansible.builtin.copy: {src: binary, dest: "{{ out }}/binary", mode: "600"}
    - name: Show it
      ansible.builtin.slurp: {src: "{{ out }}/binary"}
    - name: Print with colours
      ansible.builtin.shell: "echo '{{ inline }}' | grep --color=always line"
    - name: Print in base64
      ansible.builtin.command:
        cmd: base64
        stdin: "{{ inline }}"
        stdin_add_newline: false
    - name: Ask sops
      ansible.builtin.debug: {msg: "{{ lookup('of_sops', sops_file) }}"}
    - name: List the descriptors of a module
      ansible.builtin.command: ls -l /proc/self/fd
    - name: Show the environment
      ansible.builtin.command: env
    - name: Fail with {{ in_include }}
      ansible.builtin.fail: {msg: "refused: {{ in_vars }}"}
      ignore_errors: true
- name: More
  ansible.builtin.import_playbook: more.yml
"""
_LOOKUP = """\
from subprocess import PIPE, Popen
from ansible.plugins.lookup import LookupBase
class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        command = ["sops", "--decrypt", "--output-type", "json", terms[0]]
        return [Popen(command, stdout=PIPE, stderr=PIPE).communicate()[0].decode()]
"""


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        yield made
        made.end()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that keeps the execution environments of the module's tests."""
    return tmp_path_factory.mktemp("data")


def write_project(service: Service) -> None:
    folder = service.folder
    (folder / "group_vars" / "all").mkdir(parents=True)
    (folder / "lookup_plugins").mkdir()
    (service.home / "out").mkdir()
    for name, text in _FILES.items():
        (folder / name).write_bytes(_VAULT.encrypt(text))
    (folder / "binary").write_bytes(_VAULT.encrypt(_BINARY))
    (folder / "site.yml").write_text(_SITE)
    (folder / "lookup_plugins" / "of_sops.py").write_text(_LOOKUP)
    inline = _VAULT.encrypt("canary-inline-11").decode().replace("\n", "\n  ")
    hidden = _VAULT.encrypt("canary-filter-10").decode().replace("\n", "\n  ")
    (folder / "group_vars" / "all" / "main.yml").write_text(
        f"inline: !vault |\n  {inline}\nciphertext: |\n  {hidden}\n"
        f"out: {service.home}/out\nsops_file: {SOPS}/secrets.sops.yml\n"
    )
    (service.home / "password").write_bytes(_PASSWORD)
    (folder / "ansible.cfg").write_text(
        f"[defaults]\ninventory = hosts.yml\nlog_path = run.log\n"
        f"vault_password_file = {service.home}/password\n"
    )


def run(service: Service, sops: str) -> Outcome:
    path = os.pathsep.join([*_PYTHONS, sops, os.environ["PATH"]])
    # Certificates and proxies, for packages.
    env = {name: text for name, text in inherit(os.environ).items()
           if name not in {"HOME", "TMPDIR"}}  # fmt: skip
    key = str(SOPS / "key.txt")
    return service.run({**env, "PATH": path, "SOPS_AGE_KEY_FILE": key})


@pytest.mark.parametrize(
    ("ansible", "events"),
    [("", "fastdeploy"), (">=2.19", "fastdeploy"), ("", "runner")],
    ids=["own", "newest", "events-of-ansible-runner"],
)
def test_what_ansible_decrypts_is_recorded_nowhere(
    service: Service, data: Path, sops: str, ansible: str, events: str
) -> None:
    write_project(service)
    service.define_project(data, **({"ansible": ansible} if ansible else {}))
    service.launch(events=events)

    outcome = run(service, sops)

    assert 0 == outcome.code, outcome.text
    journal = outcome.journal.decode()
    found = [canary for canary in _CANARIES if canary in journal]
    assert [] == found
    [shown, *_] = outcome.named("runner_on_ok", "in a name")
    mask = "********"
    assert [
        mask, [{"deep": mask}], mask, True, mask, mask, mask, "shown-in-clear"
    ] == shown["event_data"]["res"]["msg"]  # fmt: skip
    assert "Show ******** in a name" == shown["event_data"]["task"]
    [fds] = outcome.named("runner_on_ok", "descriptors")
    assert "memfd" not in fds["event_data"]["res"]["stdout"]
    [env] = outcome.named("runner_on_ok", "environment")
    assert "PLAINTEXTS" not in env["event_data"]["res"]["stdout"]
    # Of the lines that were decrypted, nothing is left in the differences.
    assert f"+{mask}" in outcome.display.replace("\x1b[32m", "")
    # "all", the hosts of the playbook, and "abc".
    assert "did not mask 2 of this run's secret values" in outcome.text
    assert "has turned log_path off" in outcome.text
    assert not (service.folder / "run.log").exists()
