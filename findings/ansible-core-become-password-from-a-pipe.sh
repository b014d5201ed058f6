#!/usr/bin/env bash
# ansible-core: a become password can't be read from a pipe, a vault password can.
#
# Version: ansible-core 2.19.14 from PyPI.
# Input: the same password through the shell's process substitution, `<(…)`, which is the
#   path /dev/fd/N of a pipe, for each option that names a password file.
# Seen: --vault-password-file reads it. --become-password-file and --connection-password-file
#   resolve the path as a link first, to /proc/PID/fd/pipe:[NUMBER], which doesn't exist:
#   "The password file /proc/…/fd/pipe:[…] was not found", exit code 1. A FIFO in the file
#   system works for all of them, so that a password need not be written to a disk.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14

cat >site.yml <<'YAML'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: here
YAML

run() { # option, path
    code=0
    venv/bin/ansible-playbook "$1" "$2" site.yml >output 2>&1 || code=$?
    echo "$1 $2: exit code $code"
    grep -F 'was not found' output || true
}
expect() {
    [ "$code" = "$1" ] || { echo "changed: expected exit code $1"; exit 1; }
}
run --vault-password-file <(echo secret)
expect 0
for option in --become-password-file --connection-password-file; do
    run "$option" <(echo secret)
    expect 1
    grep -q 'fd/pipe:\[[0-9]*\] was not found' output || { echo "changed: another error"; exit 1; }
    mkfifo password
    echo secret >password &
    run "$option" "$work/password"
    expect 0
    wait
    rm password
done
