#!/usr/bin/env bash
# ansible-core: a `vars_prompt` with `encrypt` hashes what is typed, but not the same value
# if it is given with --extra-vars.
#
# Version: ansible-core 2.19.14 from PyPI, with passlib 1.7.4.
# Input: a prompt with `encrypt: sha512_crypt`, whose value a task prints. The value is typed
#   at a terminal first, then given with --extra-vars.
# Seen: what was typed arrives as `$6$…`. What is given with --extra-vars arrives as it is, at
#   exit code 0 and without a warning. So a program that answers prompts by extra variables
#   passes a plain password to, say, `password:` of the module `user`, which wants a hash.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14 passlib==1.7.4

cat >site.yml <<'YAML'
- hosts: all
  gather_facts: false
  vars_prompt:
    - name: password
      prompt: Password
      encrypt: sha512_crypt
  tasks:
    - ansible.builtin.debug:
        msg: "kind={{ password[:3] if password.startswith('$') else 'plain' }}"
YAML
cat >typed.py <<'PY'
import os, pty, sys, time
said = b""
def read(fd):
    global said
    data = os.read(fd, 1024)
    said += data
    if b"Password:" in said:
        said = b""
        time.sleep(1)
        os.write(fd, b"blue house\n")
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))
PY
command=(venv/bin/ansible-playbook -i web1, -c local
         -e "ansible_python_interpreter=$work/venv/bin/python" site.yml)
kind() { sed -n 's/.*kind=\([^"]*\)".*/\1/p' output; }

venv/bin/python typed.py "${command[@]}" >output 2>&1
typed=$(kind)
"${command[@]}" -e '{"password": "blue house"}' >output 2>&1
given=$(kind)
warnings=$(grep -c 'WARNING' output || true)
echo "typed: $typed, given: $given, warnings: $warnings"
[ "$typed $given $warnings" = '$6$ plain 0' ] || { echo 'changed: expected $6$ plain 0'; exit 1; }
