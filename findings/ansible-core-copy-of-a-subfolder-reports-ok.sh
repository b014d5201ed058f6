#!/usr/bin/env bash
# ansible-core: `copy` of a folder reports `ok` although it has copied a file.
#
# Version: ansible-core 2.19.14.
# Input: a play that copies a folder with one file, which is in a subfolder, to a place
#   where neither exists; then the same with two files.
# Seen: with one file, it is copied, but the task is `ok` and the recap says changed=0, so
#   handlers aren't notified. With two files, the task is `changed`. If there is exactly one
#   file, the action returns the result of the last step, which sets the attributes of the
#   subfolder: that exists by then.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14
mkdir -p one/sub two/sub there
echo text | tee one/sub/a two/sub/a two/sub/b >/dev/null
cat >play.yml <<'PLAY'
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - copy: {src: "{{ work }}/{{ folder }}/", dest: "{{ work }}/there/{{ folder }}/"}
PLAY

changed() { # folder
    HOME=$work venv/bin/ansible-playbook -i localhost, -e "work=$work folder=$1" play.yml 2>/dev/null |
        sed -n 's/.*changed=\([0-9]*\).*/\1/p'
}

one=$(changed one) two=$(changed two)
echo "changed: $one with one file, $two with two; copied: $(find there -type f | wc -l) files"
[ "$one $two" = "0 1" ] && [ -f there/one/sub/a ] || { echo "changed: expected 0, 1 and a copied file"; exit 1; }
