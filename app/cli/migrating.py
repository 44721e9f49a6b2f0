"""``fittingroom migrate``: what has to happen once before web, workers and predictions start."""

from app.cli.locally import explained
from app.cli.output import Format, print_json
from app.cli.session import Session


def migrate(session: Session) -> None:
    """Bring the database to this version's tables, and print the first administrator's link.

    No server is needed. Run it once before the others start; a second time does nothing but renew the link
    while there is no administrator.
    """
    with explained():
        # Imported here: the server's libraries would cost every other command half a second.
        from app.cli.machine import prepare

        done = prepare()
    if session.output is Format.JSON:
        print_json({"migrated": done.migrated, "setup_link": done.setup_link})
        return
    session.log(f"The database {'was brought to this version' if done.migrated else 'is up to date'}.")
    if done.setup_link:
        print(f"create the first administrator (this link works once): {done.setup_link}", flush=True)
