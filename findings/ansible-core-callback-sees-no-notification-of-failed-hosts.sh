#!/usr/bin/env bash
# ansible-core: `v2_playbook_on_notify` comes when handlers are flushed, not when a task
# notifies, and never for a host that failed in between.
#
# Version: ansible-core 2.19.14 from PyPI.
# Input: two hosts; a changed task notifies a handler on both, the next task fails on web2.
#   A callback plugin prints which notifications it is told of, and when.
# Seen: `v2_playbook_on_notify` is called for web1 after the last task of the play, and not
#   at all for web2, though web2 was changed and its handler is never run. A callback that
#   wants to know what a failed host still needs has to read `notify` of the tasks itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14

mkdir callback_plugins
cat >callback_plugins/seen.py <<'PY'
from ansible.plugins.callback import CallbackBase

class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "seen"

    def v2_playbook_on_notify(self, handler, host):
        print(f"SEEN notify {host}")

    def v2_playbook_on_task_start(self, task, is_conditional):
        print(f"SEEN task {task.get_name()}")
PY
cat >site.yml <<'YAML'
- hosts: all
  gather_facts: false
  tasks:
    - name: Write
      ansible.builtin.command: "true"
      notify: Restart
    - name: Check
      ansible.builtin.command: "test {{ inventory_hostname }} = web1"
  handlers:
    - name: Restart
      ansible.builtin.command: "true"
YAML
code=0
venv/bin/ansible-playbook -i web1,web2, -c local \
    -e "ansible_python_interpreter=$work/venv/bin/python" site.yml >output 2>&1 || code=$?
seen=$(sed -n 's/^SEEN //p' output | paste -sd,)
echo "exit code $code, seen: $seen"
[ "$code $seen" = "2 task Write,task Check,notify web1" ] || {
    echo "changed: expected 2, task Write,task Check,notify web1"
    exit 1
}
