#!/usr/bin/env bash
# ansible-core: in diff mode, `copy` and `template` run one more module for a new file.
#
# Version: ansible-core 2.19.14, Python 3.11 (2.21.5 has the same code).
# Input: one task that copies a text to a file that doesn't exist, without and with --diff.
# Seen: without --diff, the action runs the modules `stat` and `copy` on the host. With it,
#   it runs `file` between both, with the parameter _diff_peek, to ask whether the file
#   exists and whether it is binary. The answer of `stat` has said already that there is no
#   file. So each new file costs the start of one more Python on the host: a third more
#   modules for a playbook that installs files, although only the output should differ.
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
    - ansible.builtin.copy:
        content: a text
        dest: "{{ playbook_dir }}/new"
        mode: "644"
EOF

modules() { # prints the modules that a run starts
    rm -f new
    ANSIBLE_HOME="$work/home" venv/bin/ansible-playbook -i localhost, -vvv "$@" play.yml >log 2>&1
    sed -n 's|^.*Using module file .*/\([a-z]*\)\.py.*$|\1|p' log | xargs
}

plain=$(modules)
diff=$(modules --diff)
echo "modules: without --diff: $plain; with --diff: $diff"
[ "$plain" = "stat copy" ] && [ "$diff" = "stat file copy" ] || { echo "changed"; exit 1; }
