#!/usr/bin/env bash
# ansible-core: a host compiles more than 50 files of Python for each task.
#
# Version: ansible-core 2.19.14, Python 3.11.
# Input: the module ping, twice, on one local host with the Python of Ansible.
# Seen: the archive of a module has only source, although Python imports bytecode from
#   such an archive, too, and falls back to the source if the bytecode is for another
#   version. Python stores no bytecode of what it imports from an archive. So each task
#   compiles the module and its files of module_utils again, more than 50 for ping and 130
#   for setup. With bytecode in the archive, a short module took 115 instead of 174 ms of
#   processor time, without the time to read it from a pipe byte by byte.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ansible-core==2.19.14

# Count what the Python of the host compiles from the archive, and look into the archive.
mkdir counting
cat >counting/usercustomize.py <<'EOF'
import atexit, os, sys, zipfile

compiled, archives = set(), set()

def hook(event, arguments):
    if event == "compile" and "payload.zip/" in str(arguments[1]):
        archive, _, name = str(arguments[1]).partition("payload.zip/")
        if not archives:
            names = zipfile.ZipFile(archive + "payload.zip").namelist()
            archives.update(os.path.splitext(each)[1] for each in names)
        compiled.add(name)

def report():
    if compiled:
        with open(os.environ["COUNTS"], "a") as file:
            print(len(compiled), *sorted(archives), file=file)

sys.addaudithook(hook)
atexit.register(report)
EOF
cat >python3 <<EOF
#!/bin/sh
PYTHONPATH=$work/counting COUNTS=$work/counts exec $work/venv/bin/python -c \
'import runpy, sys, usercustomize; sys.argv[:] = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name="__main__")' "\$@"
EOF
chmod +x python3

export ANSIBLE_HOME="$work/home"
for _ in 1 2; do
    venv/bin/ansible -i localhost, -c local localhost -m ping \
        -e "ansible_python_interpreter=$work/python3" >log || { cat log; exit 1; }
done
echo "compiled files and suffixes in the archive of each run:"
cat counts
[ "$(wc -l <counts)" = 2 ] || { echo "changed: expected two runs of the module"; exit 1; }
while read -r count suffixes; do
    [ "$count" -ge 40 ] || { echo "changed: expected at least 40 compiled files"; exit 1; }
    [ "$suffixes" = .py ] || { echo "changed: expected only source"; exit 1; }
done <counts
