"""Try a credential with options that only a command on FastDeploy's host may have.

Through the API, a stored value is sent to hosts whose key was accepted, and to the
repositories of projects. With these options, it could be sent to any host.
"""

from app.cli.context import current_actor, load_settings, open_store


def try_here(
    reference: str,
    *,
    host: str,
    port: int,
    user: str,
    ssh: str,
    known_hosts: str,
    url: str,
) -> str:
    """Try a credential on this host; return a sentence about its success.

    Args:
        reference: The credential.
        host: The host to try it on.
        port: Its port.
        user: The user to log in as.
        ssh: The credential that reaches the host.
        known_hosts: A file with the keys of hosts; empty: the user's own.
        url: The repository that a git credential reads.

    Raises:
        Invalid: A server is chosen, or the target doesn't fit.
        NotFound: There is no such credential.
        Conflict: The host or the repository refused it, with the reason.
    """
    from app import bootstrap  # noqa: PLC0415 - a client does without them
    from app.usecases.credential_trial import Target, try_on  # noqa: PLC0415

    settings = load_settings()
    with open_store(settings) as store:
        return try_on(
            store,
            bootstrap.make_secret_box(settings),
            current_actor(),
            reference,
            Target(host, port, user, known_hosts, ssh=ssh, url=url),
        )
