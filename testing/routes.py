"""Addresses of the routes of the web application."""


def fill_path(path: str, *, number: str, text: str) -> str:
    """Return a path with its placeholders filled in."""
    for name in ("{id:number}", "{number:number}"):
        path = path.replace(name, number)
    for name in ("{name}", "{name:path}", "{name:shortest}", "{path:path}", "{user}"):
        path = path.replace(name, text)
    return path
