"""What a worker does at AWS for the settings' pages, in a process of its own: check, compare, delete all."""

import sys

from app.core.security import Actor, Role
from app.core.settings import Settings
from app.handlers import errand_doers, open_services
from app.integrations.aws import deeds
from workers.errands import Errands

ADMIN = Actor("usr_1", "anna", Role.ADMIN)


def main() -> None:
    services = open_services(Settings())
    errands = Errands(services, errand_doers(), "w1")
    for kind in (deeds.CHECK, deeds.LOOK):
        with services.works.writing() as work:
            deeds.order(work, ADMIN, kind)
        assert errands.do_one()
    with services.works.writing() as work:
        deeds.order_deletion(work, ADMIN)
    assert errands.do_one()
    services.close()


if __name__ == "__main__":
    sys.exit(main())
