#!/usr/bin/env bash
# ansible-core 2.19: the YAML tag `!unsafe` changes the type of a quoted text.
#
# Versions: ansible-core 2.18.19 and 2.19.14 from PyPI, Python 3.11.
# Input: variables files with `!unsafe "1.10"`, `!unsafe "yes"`, `!unsafe "0123"`.
# Seen: 2.18.19 keeps each as text. 2.19.14 resolves the scalar once more, although it is
#   quoted: a float, a boolean and an octal number (83). Nothing warns. A version number
#   or a password that a program writes with the tag arrives as another value.
# The same values as JSON, {"__ansible_unsafe": "1.10"}, stay texts in both.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >tagged.yml <<'YAML'
version: !unsafe "1.10"
answer: !unsafe "yes"
code: !unsafe "0123"
YAML
cat >tagged.json <<'JSON'
{"version": {"__ansible_unsafe": "1.10"}, "answer": {"__ansible_unsafe": "yes"},
 "code": {"__ansible_unsafe": "0123"}}
JSON
cat >show.yml <<'YAML'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
        msg: "{{ [version, answer, code] | to_json }}"
YAML

show() { # venv, variables file
    "$1/bin/ansible-playbook" -i localhost, -c local show.yml -e "@$2" 2>&1 |
        sed -n 's/^ *"msg": //p'
}

expect() { # what, expected, seen
    printf '%s: %s\n' "$1" "$3"
    [ "$2" = "$3" ] || { echo "changed: expected $2"; exit 1; }
}

texts='"[\"1.10\", \"yes\", \"0123\"]"'
for version in 2.18.19 2.19.14; do
    python3 -m venv "$version"
    "$version/bin/pip" install --quiet --disable-pip-version-check "ansible-core==$version"
    expect "$version, JSON" "$texts" "$(show "$version" tagged.json)"
done
expect "2.18.19, !unsafe" "$texts" "$(show 2.18.19 tagged.yml)"
expect "2.19.14, !unsafe" '"[1.1, true, 83]"' "$(show 2.19.14 tagged.yml)"
