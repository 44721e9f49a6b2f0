"""The part of an address before the path, as its reader can use it."""

from fastapi import Request

from app.core.services import services_of
from app.core.settings import Settings


def origin_of(request: Request) -> str:
    """Behind a proxy the request may not know it, so ``public_url`` wins over what this browser used."""
    return (services_of(request).settings.public_url or str(request.base_url)).rstrip("/")


def usual_origin(settings: Settings) -> str:
    """Where no request says it: ``public_url``, else this machine."""
    return (settings.public_url or f"http://127.0.0.1:{settings.port}").rstrip("/")
