#!/usr/bin/env bash
# Schemathesis: `schema.include(…)` selects nothing once the configuration has
# `operations`, while `schema.exclude(…)` goes on working.
#
# Version: schemathesis 4.32.5.
# Input: an OpenAPI document with two operations, one GET and one DELETE.
# Seen: include(method="DELETE") leaves 1 operation of 2. With a configuration that says
#   something about one operation (here: only a number of examples), it leaves both, so a
#   test that means to send one request sends all of them. exclude(method="GET") leaves 1
#   in both cases.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check schemathesis==4.32.5
cat >count.py <<'EOF'
import schemathesis
from schemathesis.config import SchemathesisConfig

answer = {"responses": {"200": {"description": "fine"}}}
document = {
    "openapi": "3.1.0",
    "info": {"title": "two operations", "version": "1"},
    "paths": {"/things": {"get": answer, "delete": answer}},
}


def counts(**config):
    schema = schemathesis.openapi.from_dict(
        document, config=SchemathesisConfig.from_dict(config)
    )
    return [
        sum(1 for _ in chosen.get_all_operations())
        for chosen in (schema.include(method="DELETE"), schema.exclude(method="GET"))
    ]


about_one = {"include-name": "GET /things", "generation": {"max-examples": 3}}
print(counts(), counts(operations=[about_one]))
EOF
seen=$(venv/bin/python count.py)
echo "left by include and exclude, without and with operations: $seen"
[ "$seen" = "[1, 1] [2, 1]" ] || { echo "changed: expected [1, 1] [2, 1]"; exit 1; }
