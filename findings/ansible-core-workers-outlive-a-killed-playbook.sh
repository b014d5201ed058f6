#!/usr/bin/env bash
# ansible-core: if ansible-playbook is killed with SIGKILL, its workers and the modules that
# they run go on, in sessions of their own.
#
# Version: ansible-core 2.19.14 from PyPI.
# Input: a play whose only task runs `sleep`, started in a session of its own (`setsid`). When
#   `sleep` runs, ansible-playbook gets SIGKILL, then every process of its session.
# Seen: `sleep` goes on: the worker leads another session and another process group, so
#   neither reaches it. A supervisor that kills the process group of a job, as
#   `subprocess` users do with start_new_session, leaves modules behind that change the host.
set -euo pipefail
work=$(mktemp -d)
duration=$((RANDOM % 100 + 200)).$$
trap 'pkill --full "^sleep $duration" || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14

cat >site.yml <<YAML
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: sleep $duration
YAML
# Without job control, this shell's child leads no group, so setsid doesn't fork.
setsid venv/bin/ansible-playbook -i web1, -c local \
    -e "ansible_python_interpreter=$work/venv/bin/python" site.yml >output 2>&1 &
main=$!
for _ in $(seq 300); do
    sleep 0.1
    module=$(pgrep --full "^sleep $duration" || true)
    [ -n "$module" ] && break
done
[ -n "$module" ] || { cat output; exit 1; }
session() { ps -o sid= -p "$1" | tr -d ' '; }
same=no
[ "$(session "$main")" = "$(session "$module")" ] && same=yes
kill -KILL -- "$main" "-$main" 2>/dev/null || true
wait "$main" 2>/dev/null || true
sleep 1
alive=no
kill -0 "$module" 2>/dev/null && alive=yes
echo "same session: $same; sleep goes on after SIGKILL of the process group: $alive"
[ "$same $alive" = "no yes" ] || { echo "changed: expected no yes"; exit 1; }
