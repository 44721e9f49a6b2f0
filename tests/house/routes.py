"""All routes of the application, also those of included routers and mounts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from app.core.security import Permission, permission_of

PARAMETER = re.compile(r"{[^}]*}")


@dataclass(frozen=True)
class Known:
    """One method of one route. ``permission`` is None where the route names none."""

    method: str
    path: str
    permission: Permission | None

    def address(self, value: str = "missing") -> str:
        """The path with every parameter filled in."""
        numbered = re.sub(r"{(number|version|n)(:int)?}", "1", self.path)
        return PARAMETER.sub(value, numbered)


def all_routes(app: FastAPI) -> Iterator[Known]:
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, Mount):
            yield Known("MOUNT", str(route.path), None)
            continue
        assert route.endpoint is not None, route
        for method in sorted(route.methods or {"*"}):
            if method != "HEAD":
                yield Known(method, str(route.path), permission_of(route.endpoint))
