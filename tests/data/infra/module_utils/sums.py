"""Code that modules of the repository share."""

import hashlib


def checksum(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12]
