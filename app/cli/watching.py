"""``fittingroom system``: how the installation is, as the system page shows it to administrators."""

from app.cli.output import Format, column, show_list
from app.cli.session import Session

QUEUES = [
    column("queue", "queue"),
    column("waiting", "waiting"),
    column("oldest s", "oldest_seconds"),
    column("running", "running"),
    column("workers", "workers"),
]


def system(session: Session) -> None:
    """Workers, queues, leases, disk, storage, versions and recurring chores of a server."""
    answer = session.client.get("/system")
    if session.output is not Format.TABLE:
        show_list(answer["queues"], QUEUES, session.output, answer)
        return
    for problem in answer["problems"]:
        print(f"! {problem['text']} {problem['advice']}")
    show_list(answer["queues"], QUEUES, session.output, answer)
    for heading in ("disk", "storage", "versions", "outbox", "audit"):
        print(f"\n{heading}")
        for name, value in answer[heading].items():
            print(f"  {name}: {value}")
    session.log(f"{len(answer['leases'])} steps are held; -o json prints all there is.")
