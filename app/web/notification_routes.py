"""The routes of the API for channels and their messages."""

from app.domain.access import Permission
from app.web import api_notifications, api_parameters, notification_bodies
from app.web.guard import api_route
from app.web.operation import Operation

_ADMIN = Permission.ADMIN
_CHANNEL = "/api/v1/channels/{name}"

API = [
    api_route("GET", "/api/v1/channels", api_notifications.list_channels, _ADMIN,
        Operation(
            "notifications", "List the channels, without their URLs.",
            list[notification_bodies.ChannelBody],
            parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("GET", _CHANNEL, api_notifications.show_channel, _ADMIN, Operation(
        "notifications", "Get a channel, without its URL.",
        notification_bodies.ChannelBody,
    )),
    api_route("PUT", _CHANNEL, api_notifications.put_channel, _ADMIN, Operation(
        "notifications", "Add a channel, or replace it.",
        notification_bodies.ChannelBody, status=201, also=(200,),
        body=notification_bodies.ChannelRequest, errors=(409,),
    )),
    api_route("DELETE", _CHANNEL, api_notifications.remove_channel, _ADMIN, Operation(
        "notifications", "Remove a channel.",
        notification_bodies.ChannelBody, errors=(409,),
        parameters=(api_parameters.FORCE,),
        description="The response has what it was, without its URL.",
    )),
    api_route("POST", f"{_CHANNEL}/pause", api_notifications.pause_channel, _ADMIN,
        Operation(
            "notifications", "Pause a channel: its messages are skipped.",
            notification_bodies.ChannelBody,
    )),
    api_route("POST", f"{_CHANNEL}/resume", api_notifications.resume_channel, _ADMIN,
        Operation(
            "notifications", "Resume a paused channel.",
            notification_bodies.ChannelBody,
    )),
    api_route("POST", f"{_CHANNEL}/test", api_notifications.test_channel, _ADMIN,
        Operation(
            "notifications", "Send a test message to a channel.",
            notification_bodies.NotificationBody, status=202,
            description="A worker sends it; the response doesn't wait for it.",
    )),
    api_route("GET", "/api/v1/notifications", api_notifications.list_notifications,
        _ADMIN, Operation(
            "notifications", "List the latest 50 messages to channels.",
            list[notification_bodies.NotificationBody],
            parameters=(api_parameters.CHANNEL,),
    )),
    api_route("POST", "/api/v1/notifications/{id:number}/send",
        api_notifications.send_again, _ADMIN, Operation(
            "notifications", "Send a message again that failed or was skipped.",
            notification_bodies.NotificationBody, status=202, errors=(409,),
    )),
]  # fmt: skip
