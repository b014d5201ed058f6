"""A git repository of a project, and deployments of its commits."""

from app.domain.deployment import Deployment
from testing.git_repository import GitRepository
from testing.installation import Installation

_PLAYBOOK = """\
- name: Site
  hosts: all
  gather_facts: false
  tasks:
    - name: Report the release
      ansible.builtin.debug:
        msg: "release {release} on {{{{ inventory_hostname }}}}, {{{{ word }}}}"
"""
DESCRIPTION = """\
project: infra
environments:
  staging: {inventory: inventories/staging, variables: {stage: test}}
  production: {inventory: inventories/production, refs: ["v*"]}
services:
  site:
    playbook: playbooks/site.yml
    options: [check]
    variables: {properties: {word: {type: string, default: hello}}}
  script: {deploy_script: deploy.py, environments: [staging]}
"""
_SCRIPT = """\
#!/usr/bin/env python3
import json
import pathlib
import sys
with open(sys.argv[2]) as config:
    stage = json.load(config)["context"]["variables"]["stage"]
print("script of release", pathlib.Path("release").read_text(), "in", stage)
"""


class Repository(GitRepository):
    """A git repository of a project, with commits made for a test."""

    def release(self, release: str, description: str = DESCRIPTION) -> str:
        """Commit a release of the project, and return the commit."""
        files: dict[str, str | bytes] = {
            "fastdeploy.yml": description,
            "playbooks/site.yml": _PLAYBOOK.format(release=release),
            "deploy.py": _SCRIPT,
            "release": release,
            "inventories/staging": "staging1 ansible_connection=local\n",
            "inventories/production": "production1 ansible_connection=local\n",
        }
        self.write(files)
        (self.folder / "deploy.py").chmod(0o755)
        return self.commit(f"Release {release}")


def deploy(site: Installation, name: str, ref: str = "", **more: object) -> Deployment:
    """Launch through the API, and return the ended deployment."""
    body = {"service": name, "ref": ref, **more}
    with site.client() as client:
        answer = client.post("/api/v1/deployments", json=body)
    assert answer.status_code == 201, answer.text
    return site.ended(answer.json()["id"])


def refusal(site: Installation, name: str, ref: str = "") -> str:
    """Return why a launch through the API is refused."""
    with site.client() as client:
        answer = client.post("/api/v1/deployments", json={"service": name, "ref": ref})
    assert answer.status_code == 409, answer.text
    return str(answer.json()["error"])


def message(site: Installation, deployment: Deployment) -> str:
    """Return the message that the playbook of a deployment printed."""
    [line] = [line for line in site.lines(deployment.id) if '"msg": "release' in line]
    return line
