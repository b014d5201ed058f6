"""Whether a request to a URL that a user gave is sent again after its answer."""

#: Gone: the receiver says that the URL won't come back.
_GONE = 410


def is_final(status: int) -> bool:
    """Return whether a request with this answer isn't sent again.

    This is the rule of messages, pings and commit statuses. Any other error may be
    corrected before the last attempt: a proxy answers 404 while its backend is
    replaced, and 401 until somebody has replaced a token.
    """
    return status == _GONE
