#!/usr/bin/env bash
# ansible-core: if one item of a loop fails, the items that were changed notify no handler,
# also with `ignore_errors` and `force_handlers`.
#
# Version: ansible-core 2.19.14 from PyPI.
# Input: a loop over two items with `notify`: the first one is changed, the second one fails.
#   A second play loops over the first item only.
# Seen: with `ignore_errors: true` and `force_handlers: true`, the play goes on and ends with
#   exit code 0, but the handler isn't run, though an item was changed. With the first item
#   alone, it is. So a restart gets lost if the module doesn't change that item again later.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14

cat >site.yml <<'YAML'
- hosts: all
  gather_facts: false
  force_handlers: true
  tasks:
    - name: Write the settings
      ansible.builtin.command: "test {{ item }} = a"
      loop: "{{ items.split(',') }}"
      ignore_errors: true
      notify: Restart
  handlers:
    - name: Restart
      ansible.builtin.debug:
        msg: restarted
YAML

run() { # items
    code=0
    venv/bin/ansible-playbook -i web1, -c local -e "items=$1" \
        -e "ansible_python_interpreter=$work/venv/bin/python" site.yml >output 2>&1 || code=$?
    changed=$(grep -c '^changed: .*(item=a)' output || true)
    handlers=$(grep -c '^RUNNING HANDLER' output || true)
    echo "items $1: exit code $code, changed items: $changed, handlers: $handlers"
}
run a,b
[ "$code $changed $handlers" = "0 1 0" ] || { echo "changed: expected 0 1 0"; exit 1; }
run a
[ "$code $changed $handlers" = "0 1 1" ] || { echo "changed: expected 0 1 1"; exit 1; }
