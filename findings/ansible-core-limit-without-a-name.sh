#!/usr/bin/env bash
# ansible-core: a --limit that consists of separators selects every host.
#
# Version: ansible-core 2.19.14 from PyPI.
# Input: two hosts, and `--limit ,` as a script passes it that joins an empty list of names.
# Seen: ansible-playbook runs on both hosts, with exit code 0 and without a warning. With a
#   name that matches no host, it refuses with exit code 1. So a program that builds a limit
#   has to reject one without any name itself.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14

cat >site.yml <<'YAML'
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: here
YAML

run() {
    code=0
    venv/bin/ansible-playbook -i web1,web2, -c local site.yml --limit "$1" >output 2>&1 || code=$?
    hosts=$(grep -c '^ok: \[' output || true)
    echo "--limit $1: exit code $code, $hosts hosts"
}
run ,
[ "$code $hosts" = "0 2" ] || { echo "changed: expected exit code 0 and 2 hosts"; exit 1; }
! grep -qi warning output || { echo "changed: expected no warning"; exit 1; }
run other
[ "$code $hosts" = "1 0" ] || { echo "changed: expected exit code 1 and no host"; exit 1; }
