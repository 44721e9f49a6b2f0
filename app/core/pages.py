"""Rendering: the whole page, or just one of its blocks when a script asks for a fragment."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2_fragments import render_block

SAID = "said"  # the cookie that carries an outcome over the redirect after a form
SAID_LIMIT = 300
TEMPLATES = Path(__file__).parents[2] / "templates"


def environment() -> Environment:
    jinja = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters.update(
        number=number, percent=percent, bytes=size, ago=ago, when=when, duration=duration, iso=iso
    )
    return jinja


def wants_fragment(request: Request) -> bool:
    """True for htmx's partial requests; going back in the history asks for the full page again."""
    return "hx-request" in request.headers and request.headers.get("hx-request-type") != "full"


def render(
    request: Request,
    template: str,
    *,
    block: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Render ``template``; with ``block``, only that block where the request asks for a fragment."""
    jinja: Environment = request.app.state.jinja
    context |= {
        "request": request,
        "path": request.url.path,
        "actor": getattr(request.state, "actor", None),
        "nav": getattr(request.state, "nav", {}),
        "now": datetime.now(UTC),
    }
    headers = {"Vary": "HX-Request, HX-Request-Type", **(headers or {})}
    if block and wants_fragment(request):
        return HTMLResponse(render_block(jinja, template, block, context), status, headers)
    said = request.cookies.get(SAID)
    html = jinja.get_template(template).render(context, said=unquote(said) if said else "")
    response = HTMLResponse(html, status, headers)
    if said:
        response.delete_cookie(SAID, path="/", httponly=True, samesite="lax")
    return response


def redirect(url: str, said: str = "") -> RedirectResponse:
    """To the page that shows the outcome of a form; ``said`` stands there once: "Run #5 was cancelled."."""
    response = RedirectResponse(url, 303)
    if said:
        text = quote(said[:SAID_LIMIT])
        response.set_cookie(SAID, text, max_age=60, path="/", httponly=True, samesite="lax")
    return response


def number(value: float | None, digits: int = 0) -> str:
    """``23,486``; ``digits`` after the point; a dash where there is nothing."""
    return "–" if value is None else f"{value:,.{digits}f}"


def percent(value: float | None, digits: int = 1) -> str:
    return "–" if value is None else f"{value * 100:.{digits}f} %"


def size(value: int | None) -> str:
    """Bytes in decimal units, as disks and networks count them: ``8.5 MB``."""
    if value is None:
        return "–"
    amount = float(value)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError("unreachable: GB always returns")


def when(value: datetime | None) -> str:
    """``22 Nov 2026, 13:41:02 UTC``"""
    return "–" if value is None else f"{value.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC"


def iso(value: datetime | None) -> str:
    return "" if value is None else value.astimezone(UTC).isoformat(timespec="seconds")


def ago(value: datetime | None) -> str:
    """``3 min ago``. The exact time stands beside it, in the ``title`` of the element."""
    if value is None:
        return "–"
    seconds = max(0.0, (datetime.now(UTC) - value).total_seconds())
    for limit, length, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < limit:
            return "just now" if seconds < 5 else f"{int(seconds // length)} {unit} ago"
    days = int(seconds // 86400)
    return f"{days} day{'s' if days != 1 else ''} ago"


def duration(value: float | timedelta | None) -> str:
    """Seconds as ``<0.1s``, ``0.4s``, ``14s``, ``21m 29s``, ``3h 05m``."""
    if value is None:
        return "–"
    seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)
    if seconds < 0.05:
        return "<0.1s"  # what was done took some time
    if seconds < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
