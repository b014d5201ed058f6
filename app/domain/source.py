"""Where the content of a project is."""

from pydantic import BaseModel, ConfigDict


class Source(BaseModel):
    """Where the content of a project is: a folder, or a commit of a git repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The absolute path of the folder; empty for a repository.
    folder: str = ""
    #: The URL of the repository.
    git: str = ""
    #: The credential with which the repository is fetched; empty: what git has.
    credential: str = ""
    #: The commit whose fastdeploy.yml defines the service.
    commit: str = ""
    #: What its fastdeploy.yml says about it.
    description: str = ""
