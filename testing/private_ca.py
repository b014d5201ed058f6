"""A certificate authority of our own, as organizations have one."""

import subprocess
from pathlib import Path

_DAYS = "30"


class PrivateCa:
    """Makes certificates for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        """Make its key and its certificate in a folder."""
        self._folder = folder
        self._key = folder / "ca.key"
        #: The file that clients have to trust.
        self.certificate = folder / "ca.pem"
        _openssl(
            "req", "-x509", "-subj", "/CN=Private CA", "-days", _DAYS, *_new(self._key),
            "-addext", "basicConstraints=critical,CA:true",
            "-addext", "keyUsage=critical,keyCertSign", "-out", self.certificate,
        )  # fmt: skip

    def issue(self, name: str) -> Path:
        """Return a file with a certificate and its key."""
        key, request = self._folder / f"{name}.key", self._folder / f"{name}.csr"
        extensions, issued = self._folder / f"{name}.ext", self._folder / f"{name}.pem"
        extensions.write_text("subjectAltName=IP:127.0.0.1\n")
        _openssl("req", "-new", "-subj", f"/CN={name}", *_new(key), "-out", request)
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey",
            self._key, "-CAcreateserial", "-days", _DAYS, "-extfile", extensions,
            "-out", issued,
        )  # fmt: skip
        issued.write_text(issued.read_text() + key.read_text())
        return issued


def _new(key: Path) -> tuple[str | Path, ...]:
    """Return the options that make a key; elliptic curves are fast."""
    return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", key)  # fmt: skip


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
