"""Show the settings, without the values of secrets."""

from dataclasses import dataclass

from pydantic import SecretStr

from app.settings import PREFIX, Settings


@dataclass(frozen=True, slots=True)
class SettingRow:
    """A setting without secrets; `usual` is true if it has its default."""

    variable: str
    value: str
    usual: bool
    description: str


def shown(settings: Settings) -> list[SettingRow]:
    """Return every setting in its order; of a secret, only whether it is set."""
    rows = []
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            text = "hidden" if value.get_secret_value() else ""
        else:
            text = "" if value is None else str(value)
        usual = name not in settings.model_fields_set
        rows.append(
            SettingRow(f"{PREFIX}{name.upper()}", text, usual, field.description or "")
        )
    return rows
