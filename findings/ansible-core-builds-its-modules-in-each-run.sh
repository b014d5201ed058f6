#!/usr/bin/env bash
# ansible-core: each run packs each module that it uses again, although nothing changed.
#
# Version: ansible-core 2.19.14, Python 3.11 (2.21.5 has the same code).
# Input: a playbook with two tasks of the module `ping` on one local host, run twice.
# Seen: ansible-playbook parses `ping` and some 50 files of module_utils, and packs them into
#   an archive that doesn't depend on the arguments of the task. The second task takes it
#   from the folder ansiballz_cache. But this lies in the temporary folder of the run, which
#   is removed at its end, so the second run packs the same files again. Packing takes 0.2 CPU
#   seconds for each module, and 0.4 for `setup`, which gathers facts. So a playbook with 15
#   modules spends about 4 CPU seconds on archives that the run before had, too.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14
cat >play.yml <<'EOF'
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
  tasks:
    - ansible.builtin.ping:
    - ansible.builtin.ping:
EOF

packed() { # prints how often a run packs a module, and how often it finds one packed
    ANSIBLE_DEBUG=1 ANSIBLE_HOME="$work/home" venv/bin/ansible-playbook -i localhost, play.yml >log 2>&1
    echo "$(grep -c 'ANSIBALLZ: Creating module' log) $(grep -c 'ANSIBALLZ: using cached' log)"
}

first=$(packed)
second=$(packed)
echo "packed, found packed: first run $first, second run $second"
[ "$first" = "1 1" ] && [ "$second" = "1 1" ] || { echo "changed: expected 1 1 twice"; exit 1; }
