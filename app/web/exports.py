"""Download the record of a deployment in the format of another tool."""

from starlette.requests import Request
from starlette.responses import Response

from app.domain.export_format import Format
from app.errors import InvalidFields
from app.usecases import exports
from app.web.dependencies import deps
from app.web.download import Download
from app.web.output_response import file_name


def export(request: Request) -> Response:
    """Send the record of a deployment; `format` names the tool."""
    wanted = request.query_params.get("format", Format.NAVIGATOR)
    if wanted not in list(Format):
        raise InvalidFields({"format": f"must be one of {', '.join(Format)}"})
    deployment, content = exports.export(
        deps(request).store, request.path_params["id"], Format(wanted)
    )
    return Download(
        content,
        deps(request).download_places,
        name=file_name(deployment, f"-{wanted}.json"),
        media_type="application/json",
    )
