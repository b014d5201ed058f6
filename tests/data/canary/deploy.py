#!/usr/bin/env python3
"""A careless service: it prints what it was given, in every way to write it."""

import base64
import json
import sys
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

given = json.loads(Path(sys.argv[2]).read_text())["context"]["variables"]
for name in ("shown", "secret"):
    value = given[name]
    raw = value.encode()
    for written in (
        value,
        json.dumps(value, ensure_ascii=False),
        json.dumps(value),
        json.dumps(json.dumps(value)),
        quote(value, safe=""),
        quote(value),
        quote_plus(value),
        base64.b64encode(raw).decode(),
        base64.b64encode(b"u:" + raw).decode(),
        base64.urlsafe_b64encode(b"u" + raw).decode(),
    ):
        print(f"{name} is {written}")
        print(f"{name}={written}", file=sys.stderr)
    print(
        json.dumps(
            {
                "name": f"use {value}",
                "state": "running",
                "message": value,
                "more": {value: [value]},
            }
        )
    )
    sys.stdout.flush()
    sys.stdout.buffer.write(b"\xff\0" + raw + b"\n")
print("started", flush=True)
deadline = time.monotonic() + 60
while not Path(given["gate"]).exists() and time.monotonic() < deadline:
    time.sleep(0.02)
print(f"it failed with {given['shown']} and {given['secret']}")
sys.exit(3)
