"""Name the browser and the system of a User-Agent header, as far as they are known."""

#: In this order: the headers of later ones also contain the names of others.
_BROWSERS = {
    "Edg/": "Edge",
    "OPR/": "Opera",
    "Firefox/": "Firefox",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
    "curl/": "curl",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iOS",
    "iPad": "iOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
#: Characters of another header that are shown.
_SHOWN = 40


def browser_of(user_agent: str) -> str:
    """Return for example "Firefox on Linux", or the beginning of the header."""
    browser = next((_BROWSERS[key] for key in _BROWSERS if key in user_agent), "")
    system = next((_SYSTEMS[key] for key in _SYSTEMS if key in user_agent), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or user_agent[:_SHOWN] or "unknown browser"
