"""Parse the body of a form: `application/x-www-form-urlencoded` in UTF-8.

Browsers send every form of FastDeploy like this, and a form with files as
`multipart/form-data`. Other codecs, some of which are slow, are rejected.
"""

import re
from email.message import Message
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from app.errors import Invalid

MAX_FIELDS = 500
_FORM = "application/x-www-form-urlencoded"
_FILES = "multipart/form-data"
_UTF_8 = frozenset({"utf-8", "utf8"})
_NAME = re.compile(
    rb'content-disposition: *form-data; *name="([^"\r\n]*)"'
    rb'(?:; *filename="([^"\r\n]*)")?[^\r\n]*',
    re.IGNORECASE,
)


def parse_form(content_type: str | None, body: bytes) -> FormData:
    """Return the fields of a form.

    Args:
        content_type: The header of the request; None if it is missing.
        body: The unparsed body.

    Raises:
        HTTPException: 415 for no type, another type or another charset.
        Invalid: A field or a file is not UTF-8, or there are more than MAX_FIELDS of
            them, or the body is malformed.
    """
    if not body:
        return FormData()
    header = Message()
    header["content-type"] = content_type or ""
    charset = header.get_param("charset", "utf-8")
    boundary = header.get_boundary()
    is_utf_8 = str(charset).lower() in _UTF_8
    if header.get_content_type() == _FILES and boundary and is_utf_8:
        return _with_files(boundary.encode(errors="replace"), body)
    if header.get_content_type() != _FORM or not is_utf_8:
        raise HTTPException(415, f"send the form as {_FORM} in UTF-8")
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
        return FormData([*fields])
    except UnicodeDecodeError:
        raise Invalid("the form is not valid UTF-8") from None
    except ValueError:
        raise Invalid(f"a form has at most {MAX_FIELDS} fields") from None


def _with_files(boundary: bytes, body: bytes) -> FormData:
    """Parse a form in which a file is a field with its content as text."""
    delimiter = b"\r\n--" + boundary
    before, *parts = (b"\r\n" + body).split(delimiter, MAX_FIELDS + 2)
    if len(parts) > MAX_FIELDS + 1:
        raise Invalid(f"a form has at most {MAX_FIELDS} fields")
    if before or not parts or parts.pop().rstrip() != b"--":
        raise Invalid("the form is incomplete; send it again")
    return FormData([field for part in parts if (field := _field(part)) is not None])


def _field(part: bytes) -> tuple[str, str] | None:
    """Return a field's name and text; None for a file that wasn't chosen."""
    head, separator, content = part.partition(b"\r\n\r\n")
    found = next(filter(None, map(_NAME.fullmatch, head.split(b"\r\n"))), None)
    if found is None or not separator:
        raise Invalid("the form is malformed; send it again")
    if found[2] == b"" and not content:
        return None
    try:
        return found[1].decode(), content.decode()
    except UnicodeDecodeError:
        if found[2] is None:
            raise Invalid("the form is not valid UTF-8") from None
        name = found[2].decode(errors="replace")
        raise Invalid(f"the file {name!r} is not text in UTF-8") from None
