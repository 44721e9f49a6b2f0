"""What goes to the cloud has a line of its own in the outbox, and an outage there holds nothing else up."""

from app.accounts import audit
from app.core import outbox
from app.core.services import Services
from app.handlers import far_senders, outbox_senders
from app.integrations.aws.errors import CloudAway
from workers.courier import Courier


def waiting(services: Services, *, far: bool) -> list[str]:
    return [message.kind for message in outbox.waiting(services.works, far=far)]


def ordered(services: Services, *kinds: str) -> None:
    with services.works.writing() as work:
        for kind in kinds:
            outbox.enqueue(work.session, kind, {"version_id": "mv_gone", "endpoint_id": "ep_gone"})
        audit.record(work.session, "usr_1", "something.done", "x_1")


def test_anchors_do_not_wait_behind_the_cloud(services: Services) -> None:
    ordered(services, "cloud.package")
    assert outbox.deliver(services.works, outbox_senders(services)) == 1
    assert waiting(services, far=False) == []
    assert waiting(services, far=True) == ["cloud.package"]


def test_what_is_about_something_deleted_is_forgotten(services: Services) -> None:
    ordered(services, "cloud.package", "cloud.endpoint")
    assert Courier(services, "test").look()
    assert waiting(services, far=True) == []


def test_while_aws_is_away_a_message_waits_with_its_reason(services: Services) -> None:
    def away(_payload: object) -> None:
        raise CloudAway("AWS does not answer.", "It is tried again.")

    ordered(services, "cloud.package")
    senders = dict.fromkeys(far_senders(services), away)
    assert outbox.deliver(services.works, senders, far=True) == 0
    (message,) = outbox.waiting(services.works, far=True)
    assert (message.attempts, "AWS does not answer" in (message.last_error or "")) == (1, True)
