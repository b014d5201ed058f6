"""The services, projects and repositories with which an installation is seeded."""

#: Steps as a shop has them. It waits for a file before it switches to the new version.
SHOP = """\
#!/usr/bin/env python3
import json, pathlib, sys, time
variables = json.load(open(sys.argv[2]))["context"]["variables"]

def step(name, state, message=""):
    print(json.dumps({"name": name, "state": state, "message": message}), flush=True)

step("prepare", "running")
print("Fetching version", variables["version"], "of the shop")
step("prepare", "success", "The version is there")
step("migrate", "running")
for number in range(1, 31):
    print(f"\\x1b[32mapplied\\x1b[0m migration {number:04} of 30")
step("migrate", "success", "30 migrations applied")
step("switch", "running", "Waiting until no request is under way")
while not pathlib.Path(variables["gate"]).exists():
    time.sleep(0.01)
step("switch", "success")
step("verify", "running")
step("verify", "success", "It answers")
"""
SHOP_STEPS = [{"name": name} for name in ("prepare", "migrate", "switch", "verify")]
SHOP_VARIABLES = {
    "properties": {
        "version": {"title": "Version", "type": "string", "default": "4.2.0"},
        "channel": {"enum": ["stable", "next"], "default": "stable"},
        "notify": {"title": "Tell the customers", "type": "boolean", "default": False},
        "api_key": {"title": "Key of the payment service", "type": "string",
                    "writeOnly": True, "description": "Needed for a new one only."},
        "gate": {"type": "string", "title": "Waits for the file"},
    },
    "required": ["version"],
}  # fmt: skip
#: Prints what it was launched with.
REPORTS = """\
#!/usr/bin/env python3
import json, sys
print(json.dumps(json.load(open(sys.argv[2]))["context"]["variables"]))
"""
#: A variable of every kind that a launch form has a field for.
REPORTS_VARIABLES = {
    "properties": {
        "title": {"title": "Title", "type": "string", "minLength": 3,
                  "maxLength": 60, "examples": ["Sales", "Visits"]},
        "notes": {"title": "Notes", "type": "string", "format": "textarea",
                  "description": "What stands above the figures."},
        "until": {"title": "Until", "type": "string", "format": "date",
                  "default": "2026-01-31"},
        "home": {"title": "Published at", "type": "string", "format": "uri",
                 "examples": ["https://reports.example.org/"]},
        "contact": {"title": "Questions to", "type": "string", "format": "email"},
        "copies": {"title": "Copies", "type": "integer", "minimum": 1, "maximum": 5,
                   "default": 2},
        "scale": {"title": "Scale", "type": "number", "exclusiveMinimum": 0,
                  "default": 1.5},
        "paper": {"title": "Paper", "enum": ["A4", "A3"], "default": "A4"},
        "draft": {"title": "As a draft", "type": "boolean", "default": True},
        "readers": {"title": "Readers", "type": "array", "minItems": 1,
                    "items": {"type": "string"}, "default": ["editors"]},
        "hosts": {"title": "Hosts", "type": "array", "default": [],
                  "items": {"type": "object", "required": ["name"], "properties": {
                      "name": {"type": "string"}, "port": {"type": "integer"}}}},
        "limits": {"title": "Limits", "type": "object", "default": {"pages": 40}},
        "key": {"title": "Key", "type": "string", "writeOnly": True,
                "description": "Signs each report."},
    },
    "required": ["title", "readers"],
}  # fmt: skip
PLAY = """\
- name: {name}
  hosts: all
  gather_facts: false
  tasks:
    - name: Say the version
      ansible.builtin.debug:
        msg: "{{{{ version | default('none') }}}}"
"""
#: It fails on one of two hosts after it has notified a handler there.
GATEWAY = """\
- name: Gateway
  hosts: all
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - name: Configure the gateway
      ansible.builtin.command: "true"
      notify: Restart the gateway
    - name: Check that it answers
      ansible.builtin.command: "test {{ inventory_hostname }} = gateway1"
  handlers:
    - name: Restart the gateway
      ansible.builtin.command: "true"
"""
GATEWAY_HOSTS = """\
gateway1 ansible_connection=local
gateway2 ansible_connection=local
"""
HOSTS = "web1 ansible_connection=local\n"
#: A repository with two inventories.
REPOSITORY = {
    "inventories/production/hosts": HOSTS,
    "inventories/staging/hosts": HOSTS,
    "playbooks/backup.yml": PLAY.format(name="Backup"),
    "playbooks/site.yml": PLAY.format(name="Site"),
    "playbooks/upgrade.yml": PLAY.format(name="Upgrade"),
    "roles/shop/tasks/main.yml": "[]\n",
    "requirements.yml": "collections: []\n",
    "group_vars/all/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n00\n",
}
PROJECT = """\
project: infra
description: The servers of the shop, from the firewall to the backup.
environments:
  staging: {inventory: inventories/staging}
  production:
    inventory: inventories/production
    limit: web1
    variables: {stage: live, shop_region: north}
defaults:
  options: [check, diff, limit, tags, skip_tags, start_at_task, forks, verbosity]
services:
  site:
    playbook: playbooks/site.yml
    variables: {properties: {version: {type: string}}}
  backup: {playbook: playbooks/backup.yml}
  upgrade: {playbook: playbooks/upgrade.yml, environments: [staging]}
  cleanup: {playbook: playbooks/cleanup.yml, environments: [staging]}
"""
HANDBOOK = """\
project: handbook
services:
  publish: {deploy_script: publish.py}
"""
PUBLISH = """\
#!/usr/bin/env python3
print("published")
"""
