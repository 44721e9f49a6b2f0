"""What was made is found, stopped and deleted in an order that works; what can't be says why."""

import pytest

from app.accounts import audit_queries
from app.core.security import Actor, Role
from app.core.services import Services
from app.integrations.aws import deeds, queries
from app.integrations.aws.config import config_of
from app.integrations.aws.deeds import ListChanged, delete_resources, look, order_deletion
from app.integrations.aws.errors import CloudAway, CloudNotSetUp
from app.integrations.aws.forms import CloudRequest
from app.integrations.aws.resources import Kind, note_resource, note_working_files
from app.integrations.aws.tables import CloudResource
from tests.app.integrations.aws.conftest import Doing
from tests.programs.cloud import Simulator
from tests.simulator.scripts import processing_request, training_request

ANNA = Actor("usr_1", "anna", Role.ADMIN)


def noted(services: Services, kind: Kind, name: str, arn: str = "") -> str:
    with services.works.writing() as work:
        return note_resource(work, kind, name, arn=arn, region="us-east-1", subject_id=None).id


def ordered(services: Services, **words: int) -> str:
    with services.works.writing() as work:
        return order_deletion(work, ANNA, **words).id


def standing(services: Services) -> dict[str, CloudResource]:
    with services.works.reading() as work:
        return {each.name: each for each in queries.standing(work.session)}


def tags(services: Services) -> list[dict[str, str]]:
    with services.works.reading() as work:
        config = config_of(work, services.settings)
        assert config is not None
        return config.tags


def make_model(simulator: Simulator, name: str, tags: list[dict[str, str]]) -> None:
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6"
    simulator.client("sagemaker").create_model(
        ModelName=name, ExecutionRoleArn=simulator.role_arn, PrimaryContainer={"Image": image}, Tags=tags
    )


def make_group(simulator: Simulator, name: str, tags: list[dict[str, str]]) -> None:
    simulator.client("sagemaker").create_model_package_group(ModelPackageGroupName=name, Tags=tags)


def test_everything_goes_and_what_was_gone_already_is_no_error(
    services: Services, cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    make_model(simulator, "fittingroom-all-1", [])
    make_group(simulator, "fittingroom-all", [])
    simulator.client("glue").create_database(DatabaseInput={"Name": "fittingroom_all"})
    simulator.client("glue").create_table(DatabaseName="fittingroom_all", TableInput={"Name": "reviews_v1"})
    simulator.put(f"s3://{cloud.bucket}/shop/code/1/start.py", "x")
    simulator.put(f"s3://{cloud.bucket}/other/kept", "x")
    noted(services, "glue-database", "fittingroom_all")
    noted(services, "glue-table", "fittingroom_all.reviews_v1")
    noted(services, "model", "fittingroom-all-1")
    noted(services, "model", "fittingroom-never-made")
    noted(services, "training-job", "fittingroom-never-started")
    noted(services, "endpoint", "fittingroom-never-there")
    noted(services, "model-package-group", "fittingroom-all")
    with services.works.writing() as work:
        config = config_of(work, services.settings)
        assert config is not None
        note_working_files(work, config)
    result = doing(delete_resources, ordered(services, expected=12))
    assert result == {"deleted": 12, "failed": []}
    assert standing(services) == {}
    assert simulator.keys(f"s3://{cloud.bucket}/") == ["other/kept"]
    assert "fittingroom_all" not in str(simulator.client("glue").get_databases())
    with services.works.reading() as work:
        narrowed = audit_queries.AuditFilter(action="cloud.deleted")
        entries = audit_queries.list_audit(work.session, narrowed).items
    assert [entry.details for entry in entries] == [{"resources": 12}]


def test_what_aws_refuses_stays_with_its_reason_and_the_rest_goes(
    services: Services, cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    make_model(simulator, "fittingroom-refused", [])
    make_model(simulator, "fittingroom-taken", [])
    noted(services, "model", "fittingroom-refused")
    noted(services, "model", "fittingroom-taken")
    simulator.fail("DeleteModel", "AccessDeniedException", matching="fittingroom-refused")
    result = doing(delete_resources, ordered(services))
    assert result["deleted"] == 1
    assert [each["name"] for each in result["failed"]] == ["fittingroom-refused"]
    left = standing(services)
    assert list(left) == ["fittingroom-refused"]
    assert "sagemaker:DeleteModel is missing" in left["fittingroom-refused"].problem
    assert doing(delete_resources, ordered(services)) == {"deleted": 1, "failed": []}


def test_where_aws_is_away_the_rest_is_done_when_it_is_back(
    services: Services, cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    for number in range(3):
        make_model(simulator, f"fittingroom-away-{number}", [])
        noted(services, "model", f"fittingroom-away-{number}")
    simulator.fail("DeleteModel", "ThrottlingException", times=9, matching="fittingroom-away-1")
    errand = ordered(services)
    with pytest.raises(CloudAway):
        doing(delete_resources, errand)
    assert sorted(standing(services)) == ["fittingroom-away-1", "fittingroom-away-2"]
    simulator.mend()
    assert doing(delete_resources, errand) == {"deleted": 2, "failed": []}


def test_a_prefix_with_the_products_own_artifacts_is_never_emptied(
    services: Services, cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    simulator.put(f"s3://{cloud.bucket}/shop/blobs/aa/aaaa", "an artifact")
    noted(services, "s3-prefix", f"s3://{cloud.bucket}/shop/")
    services.settings.storage = f"s3://{cloud.bucket}/shop/blobs"
    result = doing(delete_resources, ordered(services))
    assert "FITTINGROOM_STORAGE" in result["failed"][0]["reason"]
    assert simulator.keys(f"s3://{cloud.bucket}/") == ["shop/blobs/aa/aaaa"]


def test_nobody_deletes_more_than_they_were_shown(services: Services, cloud: CloudRequest) -> None:
    noted(services, "model", "fittingroom-one")
    noted(services, "model", "fittingroom-two")
    with pytest.raises(ListChanged):
        ordered(services, expected=1)


def test_what_is_there_with_our_tag_comes_into_the_ledger_and_the_rest_is_told(
    services: Services, cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    make_group(simulator, "fittingroom-look-ours", tags(services))
    make_group(simulator, "fittingroom-look-foreign", [{"Key": "team", "Value": "other"}])
    make_group(simulator, "fittingroom-look-known", tags(services))
    make_group(simulator, "not-fittingroom-look", tags(services))
    noted(services, "model-package-group", "fittingroom-look-known")
    noted(services, "endpoint", "fittingroom-look-gone")
    result = doing(look)
    assert [each["name"] for each in result["found"]] == ["fittingroom-look-ours"]
    assert "fittingroom-look-foreign" in [each["name"] for each in result["foreign"]]
    assert [each["name"] for each in result["gone"]] == ["fittingroom-look-gone"]
    assert sorted(standing(services)) == ["fittingroom-look-known", "fittingroom-look-ours"]


def test_where_nothing_is_set_up_nothing_is_ordered(services: Services) -> None:
    with pytest.raises(CloudNotSetUp), services.works.writing() as work:
        deeds.order(work, ANNA, deeds.CHECK)


def test_what_was_never_told_its_arn_is_found_by_its_name(
    services: Services, cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    """Whoever asked for them died before the answer came."""
    make_group(simulator, "fittingroom-lost", [])
    client = simulator.client("sagemaker")
    for version in ("mv_lost", "mv_other"):
        client.create_model_package(
            ModelPackageGroupName="fittingroom-lost",
            CustomerMetadataProperties={"fittingroom-version-id": version},
        )
    noted(services, "model-package", "fittingroom-lost/mv_lost")
    noted(services, "model-package", "fittingroom-never/mv_1")
    noted(services, "pipeline-execution", "fittingroom-never/run-1")
    assert doing(delete_resources, ordered(services)) == {"deleted": 3, "failed": []}
    left = client.list_model_packages(ModelPackageGroupName="fittingroom-lost")["ModelPackageSummaryList"]
    assert len(left) == 1


def test_what_runs_unseen_is_found_and_stopped(
    services: Services, cloud: CloudRequest, doing: Doing, simulator: Simulator
) -> None:
    sleeping = "import time; time.sleep(600)"
    client = simulator.client("sagemaker")
    training = training_request(simulator, "fittingroom-unseen-train", sleeping, Tags=tags(services))
    client.create_training_job(**training)
    client.create_processing_job(**processing_request(simulator, "fittingroom-unseen-prepare", sleeping))
    noted(services, "processing-job", "fittingroom-unseen-prepare")
    assert [each["name"] for each in doing(look)["found"]] == ["fittingroom-unseen-train"]
    states = {name: row.state for name, row in standing(services).items()}
    assert states == {
        "fittingroom-unseen-train": "InProgress",
        "fittingroom-unseen-prepare": "InProgress",
    }
    assert doing(delete_resources, ordered(services)) == {"deleted": 2, "failed": []}
    assert simulator.job("training", "fittingroom-unseen-train")["TrainingJobStatus"] == "Stopped"
    assert simulator.job("processing", "fittingroom-unseen-prepare")["ProcessingJobStatus"] == "Stopped"
    assert doing(look)["found"] == [], "what has ended bills nothing"
