"""Read a TOML file that a setting names."""

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from app.domain.validation_messages import sentence
from app.errors import BadSetting

Model = TypeVar("Model", bound=BaseModel)


def read(variable: str, path: Path, model: type[Model]) -> Model:
    """Return the content of a file. Raises BadSetting, without a value of the file."""
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise BadSetting(f"{variable}: {path} can't be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{variable}: {path}: {error}") from None
    try:
        return model.model_validate(content)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {sentence(each)}"
            for each in error.errors(include_input=False, include_url=False)
        )
        raise BadSetting(f"{variable}: {path}: {problems}") from None
