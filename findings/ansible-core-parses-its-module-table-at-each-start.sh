#!/usr/bin/env bash
# ansible-core: each start of ansible-playbook parses the YAML table of its own modules.
#
# Versions: ansible-core 2.19.14 with PyYAML 6.0.3.
# Input: a playbook with one `debug` task, run twice on localhost.
# Seen: config/ansible_builtin_runtime.yml has about 10,000 lines, which say where modules
#   were moved to. Every process parses all of them, and keeps nothing for the next one:
#   the second run costs as much as the first. It is a sixth of the CPU time until the
#   first task even with PyYAML's C parser, and far more without it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14 PyYAML==6.0.3
cat >site.yml <<'YAML'
- hosts: localhost
  gather_facts: false
  tasks:
    - ansible.builtin.debug:
YAML
cat >count.py <<'PYTHON'
import sys
from time import process_time

from ansible.utils.collection_loader import _collection_finder as finder

parse, spent = finder._meta_yml_to_dict, []


def timed(content, about):
    begin = process_time()
    try:
        return parse(content, about)
    finally:
        spent.append((process_time() - begin, content.count(b"\n")))


finder._meta_yml_to_dict = timed
sys.argv = ["ansible-playbook", "site.yml"]
from ansible.cli.playbook import main

try:
    main()
finally:
    seconds, lines = max(spent, key=lambda each: each[1])
    print(f"parsed {lines} lines: {seconds / process_time():.0%} of the CPU time", file=sys.stderr)
PYTHON
for run in first second; do
    venv/bin/python count.py >/dev/null 2>"$run.log"
    sed -n "s/^parsed/$run run: parsed/p" "$run.log"
done
for run in first second; do
    lines=$(sed -n 's/^parsed \([0-9]*\) lines.*/\1/p' "$run.log")
    [ "${lines:-0}" -gt 5000 ] || { echo "changed: the $run run parsed ${lines:-no} lines"; exit 1; }
done
