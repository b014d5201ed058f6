"""nginx and Caddy in front of a web process, with HTTPS by a private authority."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from testing.paths import ROOT
from testing.ports import free_port
from testing.private_ca import PrivateCa
from testing.waiting import eventually

_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {certificate};
        location / {{
            proxy_pass http://{target}; proxy_http_version 1.1; proxy_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto https;
        }}
    }}
}}
"""
_CADDY = """
{{
    admin off
    auto_https off
}}
https://127.0.0.1:{port} {{
    tls {certificate} {certificate}
    reverse_proxy {target}
}}
"""
#: The configuration, and the arguments of the program, by its name.
_PROGRAMS = {
    "nginx": (_NGINX, ("-e", "stderr", "-c")),
    "caddy": (_CADDY, ("run", "--adapter", "caddyfile", "--config")),
}
NAMES = tuple(_PROGRAMS)


@contextmanager
def https(name: str, url: str, folder: Path, ca: PrivateCa) -> Iterator[str]:
    """Run a proxy for the server at a URL, and yield its own URL."""
    content, arguments = _PROGRAMS[name]
    port = free_port()
    folder.mkdir()
    config = folder / "proxy.conf"
    config.write_text(
        content.format(
            folder=folder, port=port, target=urlsplit(url).netloc,
            certificate=ca.issue(name),
        )
    )  # fmt: skip
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [_program(name), *arguments, config], env=environment, stdout=log,
            stderr=log,
        )  # fmt: skip
    try:
        eventually(lambda: _listens(port))
        yield f"https://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _program(name: str) -> str:
    unpacked = ROOT / ".tools" / name / "usr"
    path = f"{os.environ['PATH']}:{unpacked}/sbin:{unpacked}/bin"
    found = shutil.which(name, path=path)
    assert found is not None, "run tools/prepare-tests"
    return found


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
