#!/usr/bin/env bash
# Alembic: `import alembic.command` loads Pygments' lexers if Pygments is installed.
#
# Versions: alembic 1.20.1, Mako 1.4.3, Pygments 2.21.0, SQLAlchemy as alembic wants it.
# Input: one import in two virtual environments, of which one has Pygments too.
# Seen: alembic imports mako.exceptions for the text of template errors, and that imports
#   mako.ext.pygmentplugin wherever Pygments can be imported. So a program with Alembic and
#   with, say, Rich or pytest, both of which bring Pygments, loads lexers for HTML, CSS and
#   JavaScript whenever it starts, though it migrates nothing. Without Pygments, none.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

count() { # venv, packages …
    local venv=$1
    shift
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
    "$venv/bin/python" -c 'import sys, alembic.command
print(sum(name.startswith("pygments") for name in sys.modules))'
}

without=$(count plain alembic==1.20.1 Mako==1.4.3)
with=$(count both alembic==1.20.1 Mako==1.4.3 Pygments==2.21.0)
echo "modules of Pygments: $without without Pygments installed, $with with it"
[ "$without" = 0 ] && [ "$with" -gt 10 ] || { echo "changed: expected 0 and more than 10"; exit 1; }
