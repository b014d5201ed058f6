"""The settings, which are read once from FASTDEPLOY_* variables."""

import re
import socket
from pathlib import Path
from typing import Annotated, Literal

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.domain import validation_messages
from app.domain.access import Role, parse_roles
from app.domain.duration import MAX_DAYS
from app.domain.login_settings import (
    ProxyLoginFile,
    ProxySecret,
    RequireSecondFactor,
    Socket,
)
from app.domain.otlp import OtlpHeaders, OtlpUrl
from app.domain.outgoing_url import IPNetwork, parse_networks
from app.domain.passkeys import PasskeySite, site_of
from app.domain.rate_limit import (
    ApiLimit,
    HookLimit,
    StreamLimit,
    TokenFailureLimit,
)
from app.domain.registration import ACCOUNT
from app.domain.retention import MAX_KEPT
from app.domain.run_identity import RunSettings
from app.domain.setting_types import (
    Networks,
    NodeName,
    PageUrl,
    SecretKey,
    SecretKeys,
    split_keys,
)
from app.errors import BadSetting
from app.runner import mirror_size
from app.runner.run_config import Events

PREFIX = "FASTDEPLOY_"
_SCHEME = re.compile(r"^postgres(ql)?(\+psycopg)?://")


class Settings(BaseSettings):
    """The settings of this installation; the variable of a field is FASTDEPLOY_<FIELD>.

    An empty variable counts as not set.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    database_url: Annotated[SecretStr, Field(description="postgresql://…")] = SecretStr(
        "postgresql:///fastdeploy"
    )
    secret_key: SecretKey = SecretStr("")
    secret_key_previous: SecretKeys = SecretStr("")
    var: Annotated[
        Path, Field(description="folder for runs, keys and embedded data")
    ] = Path("var")
    services: Annotated[Path, Field(description="folder that sync reads")] = Path(
        "services"
    )
    runners: Annotated[
        Path | None,
        Field(description="folder of the registered runners, used with RUN_AS"),
    ] = None
    run_as: Annotated[
        str, Field(description="user that runs deployments; empty: this user")
    ] = ""
    run_group: Annotated[
        str, Field(description="group that may read a run's config file")
    ] = ""
    stop_helper: Annotated[
        Path | None,
        Field(description="root-owned program that stops runs of RUN_AS, by sudo"),
    ] = None
    config_folder: Annotated[
        Path, Field(description="where the config file of a run is put")
    ] = Path("/var/tmp")  # noqa: S108 - the place that the sudoers rules name
    node: NodeName = socket.gethostname()
    host: Annotated[str, Field(description="address that web listens on")] = "127.0.0.1"
    port: Annotated[
        int, Field(ge=0, le=65535, description="port that web listens on")
    ] = 8000
    socket: Socket = None
    url: PageUrl = ""
    concurrency: Annotated[
        int, Field(ge=1, le=256, description="deployments at a time on this host")
    ] = 8
    keep_days: Annotated[
        int | None,
        Field(ge=1, le=MAX_DAYS, description="days that output and artifacts are kept"),
    ] = None
    keep_deployments: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_KEPT,
            description="deployments of a service whose output is kept",
        ),
    ] = None
    keep_mebibytes: Annotated[
        int | None,
        Field(
            ge=1, le=MAX_KEPT, description="MiB of output that are kept of a service"
        ),
    ] = None
    repository_mebibytes: Annotated[
        int,
        Field(ge=1, le=MAX_KEPT, description="MiB of a git repository that is fetched"),
    ] = mirror_size.DEFAULT
    keep_audit_days: Annotated[
        int | None,
        Field(
            ge=1, le=MAX_DAYS, description="days that entries of the audit log are kept"
        ),
    ] = 365
    keep_file_mebibytes: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_KEPT,
            description="MiB of compressed versions of files that are kept of all "
            "hosts; the oldest contents are removed first",
        ),
    ] = 1024
    audit_syslog: Annotated[
        str,
        Field(
            pattern=r"^(/[^\s]*|udp://[^\s/:]+:[0-9]{1,5})?$",
            description="where workers send the entries of the audit log: the socket "
            "of a syslog daemon, such as /dev/log, or udp://HOST:PORT; empty: nowhere",
        ),
    ] = ""
    oidc_file: Annotated[
        Path | None,
        Field(description="TOML file of OpenID providers to log in with; empty: none"),
    ] = None
    require_second_factor: RequireSecondFactor = ""
    proxy_secret: ProxySecret = SecretStr("")
    proxy_login_file: ProxyLoginFile = None
    outgoing_private: Networks = ""
    session_hours: Annotated[
        int, Field(ge=1, le=24 * 90, description="until a login has to be repeated")
    ] = 12
    secure_cookies: Annotated[
        bool,
        Field(
            description="true behind a proxy for HTTPS: cookies are never sent "
            "without, and X-Forwarded-For of 127.0.0.1 is believed, unless there is a "
            "PROXY_SECRET"
        ),
    ] = False
    events: Annotated[
        Events,
        Field(description="whose callback makes events: fastdeploy, or runner's own"),
    ] = Events.FASTDEPLOY
    syntax_check: Annotated[
        bool,
        Field(
            description="whether a worker lets Ansible load each playbook after a sync"
        ),
    ] = True
    api_requests_per_minute: ApiLimit = 1200
    invalid_tokens_per_minute: TokenFailureLimit = 60
    webhooks_per_minute: HookLimit = 600
    open_streams: StreamLimit = 500
    public_metrics: Annotated[
        bool,
        Field(description="whether everybody may read /metrics, without a token"),
    ] = False
    otlp_url: OtlpUrl = ""
    otlp_headers: OtlpHeaders = SecretStr("")
    log_format: Annotated[
        Literal["console", "json"], Field(description="console or json")
    ] = "console"

    @field_validator("database_url")
    @classmethod
    def _postgresql_only(cls, value: SecretStr) -> SecretStr:
        address = value.get_secret_value()
        if not re.match(_SCHEME, address):
            raise ValueError("must begin with postgresql://")
        try:
            # Both parse it later. Their errors may contain the password.
            make_url(address)
            conninfo_to_dict(re.sub(_SCHEME, "postgresql://", address))
        except (ArgumentError, ProgrammingError, ValueError):
            raise ValueError(
                "must be postgresql://user:password@host:port/database"
            ) from None
        return value

    @field_validator("run_as", "run_group")
    @classmethod
    def _account_name(cls, value: str) -> str:
        if value and not re.fullmatch(ACCOUNT, value):
            raise ValueError("must be the name of a Unix account")
        return value

    @property
    def database(self) -> str:
        """The database's URL in the form that libpq and psycopg read."""
        return re.sub(_SCHEME, "postgresql://", self.database_url.get_secret_value())

    @property
    def base_url(self) -> str:
        """The address of the pages, without a slash at its end; empty if unknown."""
        if self.url or self.secure_cookies or self.socket:
            # Behind a proxy, the address of the web process isn't that of the pages.
            return self.url.rstrip("/")
        host = {"0.0.0.0": "localhost", "::": "localhost"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def second_factor_roles(self) -> frozenset[Role]:
        """The roles whose users need a second factor."""
        return parse_roles(self.require_second_factor)

    @property
    def passkey_site(self) -> PasskeySite | None:
        """The address for which passkeys are made, None if there can't be any."""
        return site_of(self.base_url)

    @property
    def previous_secret_keys(self) -> tuple[str, ...]:
        """The keys before `secret_key`, newest first."""
        return split_keys(self.secret_key_previous)

    @property
    def outgoing_allowed(self) -> tuple[IPNetwork, ...]:
        """The internal networks to which requests of users may be sent."""
        return parse_networks(self.outgoing_private)

    @property
    def run_settings(self) -> RunSettings:
        """The settings that determine how runs are started."""
        return RunSettings(
            run_as=self.run_as,
            run_group=self.run_group,
            runners=self.runners,
            services=self.services,
            var=self.var,
            config_folder=self.config_folder,
        )

    @property
    def checks_playbooks(self) -> bool:
        """Whether a worker lets Ansible load the playbooks; sudo allows it nowhere."""
        return self.syntax_check and not self.run_as

    @property
    def data(self) -> Path:
        """The folder of mirrors and execution environments of this user's runs."""
        return self.var.absolute()

    @property
    def runs(self) -> Path:
        """The folder with the folders of the runs of this host."""
        return self.var.absolute() / "runs"


def read_settings(**overrides: object) -> Settings:
    """Read the settings from the environment; `overrides` take precedence.

    Raises:
        BadSetting: Settings are invalid. The message names each variable and the
            accepted form, but not the value: it may be a secret.
    """
    try:
        return Settings(**overrides)  # type: ignore[arg-type] # pydantic checks them
    except ValidationError as error:
        raise BadSetting("\n".join(map(_explain, error.errors()))) from None


def _explain(problem: object) -> str:
    """Convert one of pydantic's errors to a sentence that names the variable."""
    assert isinstance(problem, dict)
    name = f"{PREFIX}{problem['loc'][0]}".upper()
    return f"{name}: {validation_messages.sentence(problem)}"
