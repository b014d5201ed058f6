#!/usr/bin/env bash
# uvicorn: with --workers, each response on a connection that is kept open comes 40 ms late.
#
# Version: uvicorn 0.54.0, Python 3.11 (asyncio of 3.13 has the same code).
# Input: an ASGI application that answers with a header and three bytes; 40 requests over
#   one connection on this host, with one process and with --workers 2.
# Seen: asyncio sets TCP_NODELAY for the connections of a listening socket only if the
#   protocol of the Python object is IPPROTO_TCP. With one process, asyncio makes the socket
#   itself. With several, uvicorn makes it by socket.socket(family=…), whose protocol is 0, so
#   Nagle's algorithm stays on. uvicorn sends the header and the body in two parts, and the
#   kernel keeps the second one until the client has acknowledged the first, which Linux
#   delays by 40 ms. The median of the answers is below 5 ms with one process, and above 35 ms
#   with two.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uvicorn==0.54.0
cat >app.py <<'EOF'
async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = [(b"content-length", b"3")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"yes"})
EOF
cat >client.py <<'EOF'
import socket
import statistics
import sys
import time

for _ in range(200):
    try:
        connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        break
    except ConnectionRefusedError:
        time.sleep(0.05)
taken = []
for _ in range(40):
    begun, answer = time.perf_counter(), b""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    while not answer.endswith(b"yes"):
        answer += connection.recv(4096)
    taken.append((time.perf_counter() - begun) * 1000)
print(round(statistics.median(taken)))
EOF

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
venv/bin/uvicorn --log-level critical --lifespan off --port "$port" app:app &
one=$(python3 client.py "$port")
kill %1
wait
venv/bin/uvicorn --log-level critical --lifespan off --port "$port" --workers 2 app:app &
two=$(python3 client.py "$port")
echo "median: $one ms with one process, $two ms with two"
[ "$one" -lt 5 ] && [ "$two" -gt 35 ] || { echo "changed"; exit 1; }
