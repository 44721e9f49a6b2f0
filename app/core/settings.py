"""The settings of one installation, read once from the environment and checked before anything starts."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

GIB = 1024**3
PREFIX = "FITTINGROOM_"


class UnusableFile(ValueError):
    """A variable names a file to read a setting from, and that can't be done."""


class Settings(BaseSettings):
    """``FITTINGROOM_*`` variables; ``PORT``, ``DATABASE_URL`` and ``REDIS_URL`` keep their usual names.

    ``home`` holds all state of the embedded installation. ``sample`` is a CSV file offered as the sample
    data set. ``storage`` is ``s3://bucket/prefix`` or a directory that several machines share; without it
    artifacts stay in the home. ``aws_endpoint`` stands in for all of AWS where SageMaker is used: a
    simulator, or a private endpoint. ``self_approval`` is whether an author may approve their own version:
    ``auto`` allows it only while nobody else could do it.

    Each of them may stand in a file that ``<NAME>_FILE`` names, as container platforms hand over secrets.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, populate_by_name=True, extra="ignore")

    home: Path = Path(".fittingroom")
    sample: Path | None = None
    storage: str = ""
    s3_endpoint: str | None = None
    aws_endpoint: str | None = None
    cache_bytes: int = Field(default=20 * GIB, ge=0)
    lease_seconds: float = Field(default=60, ge=1, le=3600)
    max_upload_bytes: int = Field(default=5 * GIB, ge=1024)
    self_approval: Literal["auto", "never", "always"] = "auto"
    allowed_hosts: list[str] = ["127.0.0.1", "localhost", "[::1]"]
    public_url: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    drain_seconds: float = Field(default=0, ge=0, le=300)
    collect_hours: float = Field(default=24, ge=0, le=24 * 365)
    telemetry_days: int = Field(default=90, ge=0, le=3650)
    upload_days: int = Field(default=30, ge=0, le=3650)
    worker_key: str | None = None
    limits: Annotated[dict[str, int], NoDecode] = {}
    port: int = Field(default=8000, ge=1, le=65535, validation_alias="PORT")
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _NamedFiles(settings_cls), env_settings

    @field_validator(
        "sample",
        "database_url",
        "redis_url",
        "public_url",
        "s3_endpoint",
        "aws_endpoint",
        "worker_key",
        mode="before",
    )
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        """``FITTINGROOM_SAMPLE=`` in a shell or a compose file means "none", not the current directory."""
        return value or None

    @field_validator("limits", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        """``gpu=2,cpu=8``: how many steps of a queue may be in hand at once, in the whole installation."""
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        return {queue.strip(): count.strip() for queue, _, count in pairs}

    @field_validator("limits")
    @classmethod
    def _known_queues(cls, value: dict[str, int]) -> dict[str, int]:
        if unknown := value.keys() - {"cpu", "gpu", "io"}:
            raise ValueError(f"there is no queue {min(unknown)}: write cpu=8,gpu=2,io=4, or some of them")
        if min(value.values(), default=1) < 1:
            raise ValueError("a limit is at least 1")
        return value

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("storage")
    @classmethod
    def _known_storage(cls, value: str) -> str:
        if value.startswith("s3://") and value.removeprefix("s3://").strip("/"):
            return value
        if value and not Path(value).is_absolute():
            raise ValueError("it is neither s3://bucket/prefix nor the absolute path of a directory")
        return value

    @field_validator("s3_endpoint", "aws_endpoint")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("it does not begin with http:// or https://")
        return value

    @property
    def on_s3(self) -> bool:
        return self.storage.startswith("s3://")

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


class _NamedFiles(EnvSettingsSource):
    """Reads ``DATABASE_URL`` from the file that ``DATABASE_URL_FILE`` names, and so on for every setting."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        fields = settings_cls.model_fields.items()
        names = [str(field.validation_alias or PREFIX + name.upper()) for name, field in fields]
        self.env_vars = {name.lower(): _content(name) for name in names if os.environ.get(f"{name}_FILE")}


def _content(name: str) -> str:
    """Without the line break that editors and ``echo`` leave at the end."""
    path = os.environ[f"{name}_FILE"]
    if os.environ.get(name):
        raise UnusableFile(f"{name} and {name}_FILE are both set: leave one of them out.")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UnusableFile(f"{name}_FILE names {path}, which can't be read: {reason}.") from None
