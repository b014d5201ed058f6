#!/usr/bin/env bash
# ansible-core: --start-at-task exits with 0 for an unknown name, and gathers facts for a
# known one, also in a play with `gather_facts: false`.
#
# Version: ansible-core 2.19.14 from PyPI.
# Input: a play with `gather_facts: false` and one task, `Copy the site`.
# Seen: with `--start-at-task Copy`, the output has a line `[ERROR]: No matching task`, no
#   task is run, and the exit code is 0. With `--start-at-task 'Copy*'`, a glob that matches
#   the whole name, the task `Gathering Facts` is run first, which the play has turned off;
#   without the option, it is not. So the exit code does not say whether anything was run,
#   and a host without a usable Python fails in a task that the playbook doesn't have.
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
    - name: Copy the site
      ansible.builtin.debug:
        msg: here
YAML

run() {
    code=0
    venv/bin/ansible-playbook -i web1, -c local -e "ansible_python_interpreter=$work/venv/bin/python" \
        site.yml "$@" >output 2>&1 || code=$?
    tasks=$(sed -n 's/^TASK \[\(.*\)\].*/\1/p' output | paste -sd,)
    errors=$(grep -c '^\[ERROR\]: No matching task' output || true)
    echo "${*:-without options}: exit code $code, tasks: $tasks, errors: $errors"
}
run
[ "$code $tasks $errors" = "0 Copy the site 0" ] || { echo "changed: expected one task"; exit 1; }
run --start-at-task Copy
[ "$code $tasks $errors" = "0  1" ] || { echo "changed: expected exit code 0, no task, one error"; exit 1; }
run --start-at-task 'Copy*'
[ "$code $tasks $errors" = "0 Gathering Facts,Copy the site 0" ] || { echo "changed: expected both tasks"; exit 1; }
