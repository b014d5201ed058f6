"""Parse the body of a form: `application/x-www-form-urlencoded` in UTF-8.

Browsers send every form of FastDeploy like this. Other codecs, some of which are slow,
and `multipart/form-data`, which is for files, are rejected.
"""

from email.message import Message
from urllib.parse import parse_qsl

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from app.errors import Invalid

MAX_FIELDS = 500
_FORM = "application/x-www-form-urlencoded"
_UTF_8 = frozenset({"utf-8", "utf8"})


def parse_form(content_type: str | None, body: bytes) -> FormData:
    """Return the fields of a form.

    Args:
        content_type: The header of the request; None if it is missing.
        body: The unparsed body.

    Raises:
        HTTPException: 415 for another type or charset.
        Invalid: A field is not UTF-8, or there are more than MAX_FIELDS of them.
    """
    if not body:
        return FormData()
    header = Message()
    header["content-type"] = content_type or _FORM
    charset = header.get_param("charset", "utf-8")
    if header.get_content_type() != _FORM or str(charset).lower() not in _UTF_8:
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
