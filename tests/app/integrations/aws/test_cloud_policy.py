"""The policies allow what the product calls, on what it makes, and nothing beside."""

from app.core.services import Services
from app.integrations.aws.config import CloudConfig, config_of
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.operations import OPERATIONS
from app.integrations.aws.policy import Policy, policies
from app.integrations.aws.setup import save_settings

ROLE = "arn:aws-cn:iam::123456789012:role/Fit"


def config(services: Services) -> CloudConfig:
    with services.works.writing() as work:
        wanted = CloudRequest(region="cn-north-1", role_arn=ROLE, bucket="shop-reviews", prefix="rooms/one")
        save_settings(work, "usr_1", wanted)
        found = config_of(work, services.settings)
    assert found is not None
    return found


def allowed(policy: Policy) -> dict[str, list[str]]:
    """What each action is allowed on."""
    found: dict[str, list[str]] = {}
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        for action in statement["Action"]:
            found.setdefault(action, []).extend(statement["Resource"])
    return found


def test_the_caller_may_do_exactly_what_is_called(services: Services) -> None:
    actions = allowed(policies(config(services))["caller"])
    assert set(actions) == {action for each in OPERATIONS for action in each.actions} | {"iam:PassRole"}
    assert not [action for action in actions if "*" in action]


def test_what_can_be_narrowed_is_narrowed_to_our_names(services: Services) -> None:
    actions = allowed(policies(config(services))["caller"])
    place = "arn:aws-cn:sagemaker:cn-north-1:123456789012"
    assert actions["s3:GetObject"] == ["arn:aws-cn:s3:::shop-reviews/rooms/one/*"]
    assert actions["s3:ListBucket"] == ["arn:aws-cn:s3:::shop-reviews"]
    assert actions["sagemaker:CreateTrainingJob"] == [
        f"{place}:training-job/fittingroom-*",
        f"{place}:training-job/pipelines-*",  # as SageMaker names what its pipelines start
    ]
    assert f"{place}:processing-job/fittingroom-*" in actions["sagemaker:AddTags"]
    assert f"{place}:endpoint-config/fittingroom-*" in actions["sagemaker:CreateEndpoint"]
    everywhere = {action for action, on in actions.items() if "*" in on}
    assert all(action.startswith("sagemaker:List") for action in everywhere)


def test_the_role_is_handed_to_sagemaker_and_to_nobody_else(services: Services) -> None:
    made = policies(config(services))
    for name in ("caller", "execution"):
        (handing,) = (each for each in made[name]["Statement"] if each["Sid"] == "PassRole")
        assert handing["Resource"] == [ROLE]
        assert handing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    (trusting,) = made["trust"]["Statement"]
    assert trusting["Principal"] == {"Service": "sagemaker.amazonaws.com"}
    assert trusting["Condition"]["StringEquals"] == {"aws:SourceAccount": "123456789012"}


def test_ids_of_statements_are_such_that_aws_takes_them(services: Services) -> None:
    for policy in policies(config(services)).values():
        ids = [statement["Sid"] for statement in policy["Statement"]]
        assert len(ids) == len(set(ids))
        assert all(each.isalnum() for each in ids)
