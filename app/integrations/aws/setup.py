"""Setting the cloud up: what an administrator enters is checked at the border and written down, audited."""

from collections.abc import Mapping

from app.accounts import audit
from app.core.errors import Invalid
from app.core.ids import new_id
from app.core.services import Services
from app.core.work import Work
from app.integrations.aws.config import config_of, row_of
from app.integrations.aws.errors import CloudNotSetUp
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.naming import CHECKS, region_of_image
from app.integrations.aws.policy import Policy, policies
from app.integrations.aws.tables import ONLY, CloudSettings

CHANGED = "cloud.changed"


class UnusableCloudSettings(Invalid):
    """``problems`` by the field's name."""

    title = "These settings can't be used"

    def __init__(self, problems: Mapping[str, str]) -> None:
        name, text = next(iter(problems.items()))
        super().__init__(f"{name}: {text}", "Nothing was saved.", problems=dict(problems))
        self.problems = problems


def save_settings(work: Work, actor_id: str, wanted: CloudRequest) -> CloudSettings:
    """The installation's own id is made once and stays, so that what bears it as a tag is still found."""
    wanted = wanted.model_copy(update={"prefix": wanted.prefix.strip("/")})
    if problems := problems_of(wanted):
        raise UnusableCloudSettings(problems)
    row = row_of(work)
    before = entered(row) if row else {}
    if row is None:
        row = CloudSettings(id=ONLY, installation_id=new_id("in"))
        work.session.add(row)
    after = wanted.model_dump()
    for name, value in after.items():
        setattr(row, name, value)
    row.updated_by = actor_id
    changed = {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}
    if changed:
        audit.record(work.session, actor_id, CHANGED, row.installation_id, changed)
    work.session.flush()
    return row


def problems_of(wanted: CloudRequest) -> dict[str, str]:
    values = wanted.model_dump()
    problems = {name: problem for name, check in CHECKS.items() if (problem := check(values[name]))}
    for name in ("processing_image", "training_image", "serving_image"):
        place = region_of_image(values[name])
        if place and place != wanted.region:
            problems[name] = f"SageMaker takes images of its own region only; this one is in {place}."
    return problems


def entered(row: CloudSettings) -> dict[str, object]:
    """What the form holds, as it was last saved."""
    return {name: getattr(row, name) for name in CloudRequest.model_fields}


def policies_of(work: Work, services: Services) -> Mapping[str, Policy]:
    config = config_of(work, services.settings)
    if config is None:
        raise CloudNotSetUp
    return policies(config)
