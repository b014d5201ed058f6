"""Serve a folder on a free loopback port and fetch files from it, in one process.

Prints one JSON list with path, status and body of each file. The server is a thread of
this process, so it can't outlive it.
"""

import argparse
import http.client
import http.server
import json
import threading
from functools import partial

#: Seconds to wait for a response.
TIMEOUT = 10


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and writes no access log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - inherited
        """Drop the line: each response is printed anyway."""


def fetch(port: int, path: str) -> dict[str, str | int]:
    """Request a file from the loopback server; a status of 404 is a response, too."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", f"/{path}")
        response = connection.getresponse()
        body = response.read().decode("utf-8", errors="replace")
        return {"path": path, "status": response.status, "body": body}
    finally:
        connection.close()


def main() -> None:
    """Serve the folder while its files are fetched."""
    parser = argparse.ArgumentParser(description="Fetch files of a folder over HTTP.")
    parser.add_argument("folder")
    parser.add_argument("paths", nargs="+")
    args = parser.parse_args()
    handler = partial(QuietHandler, directory=args.folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            answers = [fetch(server.server_port, path) for path in args.paths]
        finally:
            server.shutdown()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
