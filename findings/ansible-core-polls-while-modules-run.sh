#!/usr/bin/env bash
# ansible-core: while hosts work, ansible-playbook wakes up some hundred times a second.
#
# Version: ansible-core 2.19.14, Python 3.11 (2.21.5 has the same code).
# Input: one task on one local host that sleeps for 4 seconds, and one that sleeps for 0.
# Seen: the main process doesn't wait for its workers. It sleeps for a millisecond
#   (DEFAULT_INTERNAL_POLL_INTERVAL), then calls waitpid for each worker. With more hosts
#   than forks, it sleeps for a tenth of a millisecond. So a run uses processor time while
#   nothing happens: in a run with 4 hosts over ssh, half of that of the main process. The
#   number of voluntary context switches shows it.
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
    - ansible.builtin.command: "sleep {{ seconds }}"
EOF
cat >switches.py <<'EOF'
import os
import subprocess
import sys

command = ["venv/bin/ansible-playbook", "-i", "localhost,", "-e", f"seconds={sys.argv[1]}", "play.yml"]
process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
print(os.wait4(process.pid, 0)[2].ru_nvcsw)
EOF

export ANSIBLE_HOME="$work/home"
idle=$(python3 switches.py 0)
busy=$(python3 switches.py 4)
each=$(((busy - idle) / 4))
echo "voluntary context switches in each second of waiting: $each"
[ "$each" -gt 200 ] || { echo "changed: expected several hundred"; exit 1; }
