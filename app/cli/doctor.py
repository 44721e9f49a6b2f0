"""``fittingroom doctor``: checks this machine, with or without a server."""

from app.cli.failures import Failure
from app.cli.output import column, show_list
from app.cli.session import Session

CHECKS = [column("check", "name"), column("result", "result"), column("details", "details")]


def doctor(session: Session) -> None:
    """Check this machine and its home directory; works without a server."""
    # Imported here: the server's libraries would cost every other command half a second.
    from app.cli.examination import examine
    from app.core.settings import Settings

    found = examine(session.client, Settings())
    rows = [{**check._asdict(), "result": check.result} for check in found]
    show_list(rows, CHECKS, session.output, {"checks": rows})
    for check in found:
        if check.advice:
            session.log(f"{check.name}: {check.advice}")
    if any(check.result == "failed" for check in found):
        raise Failure("Something needs your hand; see above.")
