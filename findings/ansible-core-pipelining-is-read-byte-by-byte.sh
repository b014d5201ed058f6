#!/usr/bin/env bash
# ansible-core: with pipelining, the Python of a host reads each module byte by byte.
#
# Version: ansible-core 2.19.14, Python 3.11 (Python 3.8 and 3.13 read in the same way).
# Input: one task on one local host, with pipelining and without.
# Seen: with pipelining, Ansible starts Python without arguments and writes the module,
#   about 170 kB, to its standard input. Python doesn't buffer a program that it reads
#   from there, since what follows could be the input of that program: it calls read for
#   each byte. A module reads /proc/PID/io of its own process and finds more than 170,000
#   calls; without pipelining, some hundred. That is a fourth of the processor time of a
#   short module, so pipelining saves round trips, but costs the host processor time.
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
    # The parent of the command is the Python that runs the module.
    - ansible.builtin.shell: grep syscr /proc/$PPID/io | cut -d' ' -f2
      register: calls
    - ansible.builtin.copy:
        content: "{{ calls.stdout }}"
        dest: "{{ result }}"
EOF

export ANSIBLE_HOME="$work/home"
run() { # pipelining
    ANSIBLE_PIPELINING=$1 venv/bin/ansible-playbook -i localhost, -e "result=$work/calls" \
        play.yml >"$work/log" || { cat "$work/log"; exit 1; }
    cat "$work/calls"
}
copied=$(run false)
piped=$(run true)
echo "calls of read: $copied without pipelining, $piped with it"
[ "$copied" -lt 5000 ] || { echo "changed: expected some hundred without it"; exit 1; }
[ "$piped" -gt 100000 ] || { echo "changed: expected more than 100,000 with it"; exit 1; }
