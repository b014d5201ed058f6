#!/usr/bin/env bash
# ansible-core: host_key_checking = accept-new turns the check of host keys off, silently.
#
# Versions: ansible-core 2.19.14 from PyPI.
# Input: ansible.cfg with host_key_checking = accept-new, a value that OpenSSH's
#   StrictHostKeyChecking has; and a stand-in for ssh that prints its arguments.
# Seen: the option is a boolean, and a text that is none of Ansible's words for true
#   counts as false, without a warning. ssh is called with StrictHostKeyChecking=no, so
#   any key is accepted, a changed one too. accept-new belongs into ssh_args.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "ansible-core==2.19.14"

cd "$work"
cat >ansible.cfg <<'CFG'
[defaults]
host_key_checking = accept-new
CFG
cat >ssh <<'SH'
#!/bin/sh
printf '%s\n' "$@" | grep StrictHostKeyChecking >>"$SEEN"
exit 255
SH
chmod +x ssh
export SEEN="$work/seen" ANSIBLE_SSH_EXECUTABLE="$work/ssh" LC_ALL=C.UTF-8
venv/bin/ansible all -i web1, -m ansible.builtin.raw -a true >printed 2>&1 || true

cat printed
echo "ssh got: $(sort -u seen)"
grep -qx "StrictHostKeyChecking=no" seen || { echo "changed: it is not off"; exit 1; }
if grep -qi "accept-new" printed; then
    echo "changed: Ansible mentions the value"
    exit 1
fi
