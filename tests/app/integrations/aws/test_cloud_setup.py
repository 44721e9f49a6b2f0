"""What an administrator enters is told in words what is wrong with it; what is right is kept and audited."""

import pytest

from app.accounts import audit_queries
from app.core.services import Services
from app.integrations.aws.config import config_of
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.resources import note_resource, resource_gone
from app.integrations.aws.setup import UnusableCloudSettings, problems_of, save_settings

ROLE = "arn:aws:iam::123456789012:role/service-role/FittingRoom"
GOOD = CloudRequest(region="eu-west-1", role_arn=ROLE, bucket="shop-reviews")


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("region", "Ireland", "us-east-1"),
        ("region", "", "us-east-1"),
        ("role_arn", "arn:aws:iam::12345:role/x", "arn:aws:iam::123456789012"),
        ("role_arn", "arn:aws:iam::123456789012:user/anna", "role"),
        ("assume_role", "FittingRoom", "arn:aws:iam"),
        ("bucket", "s3://shop", "without s3://"),
        ("bucket", "Shop", "small letters"),
        ("bucket", "a", "3 to 63"),
        ("bucket", "shop..reviews", "two dots"),
        ("bucket", "192.168.0.1", "network"),
        ("prefix", "a//b", "single slashes"),
        ("prefix", "../b", "prefix"),
        ("prefix", "", "prefix"),
        ("training_instance", "c5.large", "begin with ml."),
        ("serving_instance", "ml.m5", "ml.c5.2xlarge"),
        ("processing_image", "pytorch:latest", "leave it empty"),
        (
            "serving_image",
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6",
            "in us-east-1",
        ),
    ],
)
def test_what_aws_would_refuse_is_refused_in_words(field: str, value: str, said: str) -> None:
    problems = problems_of(GOOD.model_copy(update={field: value}))
    assert list(problems) == [field]
    assert said in problems[field]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"region": "us-gov-west-1", "role_arn": "arn:aws-us-gov:iam::123456789012:role/Fit"},
        {"training_instance": "ml.p4d.24xlarge"},
        {"processing_instance": "ml.t3.medium"},
        {"serving_image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine@sha256:" + "a" * 64},
        {"prefix": "teams/fitting.room_2"},
    ],
)
def test_what_aws_takes_is_taken(change: dict[str, str]) -> None:
    assert problems_of(GOOD.model_copy(update=change)) == {}


@pytest.mark.both_databases
def test_saved_settings_are_kept_with_the_id_of_the_installation(services: Services) -> None:
    with services.works.writing() as work:
        assert config_of(work, services.settings) is None
        first = save_settings(work, "usr_1", GOOD.model_copy(update={"prefix": "/rooms/"})).installation_id
    with services.works.writing() as work:
        save_settings(work, "usr_2", GOOD.model_copy(update={"training_instance": "ml.g5.xlarge"}))
    with services.works.reading() as work:
        config = config_of(work, services.settings)
        page = audit_queries.list_audit(work.session, audit_queries.AuditFilter(action="cloud.changed"))
    assert config is not None
    assert config.installation_id == first
    assert config.root == "s3://shop-reviews/fittingroom"
    assert config.processing_image.endswith("eu-west-1.amazonaws.com/pytorch-training:2.10-cpu-py313")
    assert "-gpu-" in config.training_image  # the type that was chosen has a card
    assert page.items[0].details == {
        "prefix": ["rooms", "fittingroom"],
        "training_instance": ["ml.c5.9xlarge", "ml.g5.xlarge"],
    }


def test_nothing_is_saved_where_something_is_wrong(services: Services) -> None:
    with pytest.raises(UnusableCloudSettings) as refused, services.works.writing() as work:
        save_settings(work, "usr_1", GOOD.model_copy(update={"bucket": "B", "region": "x"}))
    assert set(refused.value.problems) == {"bucket", "region"}
    with services.works.reading() as work:
        assert config_of(work, services.settings) is None


@pytest.mark.both_databases
def test_a_resource_stands_once_in_the_ledger_however_often_it_is_noted(services: Services) -> None:
    with services.works.writing() as work:
        first = note_resource(work, "endpoint", "fr-shop", region="eu-west-1", subject_id="ep_1").id
        resource_gone(work, "endpoint", "fr-shop")
    with services.works.writing() as work:
        again = note_resource(
            work, "endpoint", "fr-shop", arn="arn:aws:x", region="eu-west-1", subject_id=None
        )
        assert (again.id, again.deleted_at, again.arn, again.subject_id) == (first, None, "arn:aws:x", "ep_1")
        other = note_resource(work, "endpoint", "fr-shop", region="us-east-1", subject_id=None)
        assert other.id != first
