"""The settings of one installation, read once from the environment and checked before anything starts."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

GIB = 1024**3


class Settings(BaseSettings):
    """``FITTINGROOM_*`` variables; ``PORT``, ``DATABASE_URL`` and ``REDIS_URL`` keep their usual names.

    ``home`` holds all state of the embedded installation. ``sample`` is a CSV file offered as the sample
    data set. ``self_approval`` is whether an author may approve their own version: ``auto`` allows it only
    while nobody else could do it.
    """

    model_config = SettingsConfigDict(env_prefix="FITTINGROOM_", populate_by_name=True, extra="ignore")

    home: Path = Path(".fittingroom")
    sample: Path | None = None
    lease_seconds: float = Field(default=60, ge=1, le=3600)
    max_upload_bytes: int = Field(default=5 * GIB, ge=1024)
    self_approval: Literal["auto", "never", "always"] = "auto"
    allowed_hosts: list[str] = ["127.0.0.1", "localhost", "[::1]"]
    public_url: str | None = None
    port: int = Field(default=8000, ge=1, le=65535, validation_alias="PORT")
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")

    @field_validator("sample", "database_url", "redis_url", "public_url", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """``FITTINGROOM_SAMPLE=`` in a shell or a compose file means "none", not the current directory."""
        return value or None

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @property
    def main_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'main.db'}"

    @property
    def telemetry_database_url(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'telemetry.db'}"

    @property
    def broker_url(self) -> str:
        """Without ``REDIS_URL``: the embedded server, whose socket path stands in the home directory."""
        if self.redis_url:
            return self.redis_url
        return f"redis+socket://{self.broker_socket}"

    @property
    def broker_socket(self) -> Path:
        """A symbolic link in the home would still count at its full length, so the path is looked up."""
        pointer = self.home / "broker.path"
        return Path(pointer.read_text().strip()) if pointer.exists() else self.home / "broker.sock"
