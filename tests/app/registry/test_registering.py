from collections.abc import Callable
from pathlib import Path

import pytest

from app.accounts.audit_queries import AuditFilter, list_audit
from app.core.errors import Invalid
from app.core.lineage import made_from
from app.core.security import Actor
from app.core.services import Services
from app.registry import evidence, queries
from app.registry.queries import NamedVersion
from app.registry.service import register_version
from tests.app.registry.artifacts import call_of, make_artifacts, reviews


def test_numbers_count_up_within_a_model_and_start_anew_in_another(
    services: Services, person: Callable[..., Actor], register: Callable[..., NamedVersion]
) -> None:
    author = person("editor")
    made = [register(author, step="1"), register(author, step="2"), register(author, step="3", model="other")]
    assert [(named.model.name, named.version.number) for named in made] == [
        ("clothing", 1),
        ("clothing", 2),
        ("other", 1),
    ]


def test_a_repeated_step_finds_the_version_it_made_before(
    services: Services, person: Callable[..., Actor], tmp_path: Path
) -> None:
    call = call_of(make_artifacts(services, tmp_path / "made", reviews()), person("editor").id)
    results = []
    for _ in range(2):
        with services.works.writing() as work:
            results.append(register_version(work, services, call))
    assert results[0] == results[1]
    with services.works.reading() as work:
        model = queries.model_by_name(work.session, "clothing")
        assert model is not None
        assert len(queries.versions_of(work.session, model.id)) == 1


def test_a_version_knows_what_it_was_made_from(
    services: Services, person: Callable[..., Actor], tmp_path: Path
) -> None:
    author = person("editor")
    artifacts = make_artifacts(services, tmp_path / "made", reviews())
    call = call_of(artifacts, author.id, dataset_version_id="dv_1")
    with services.works.writing() as work:
        version_id = register_version(work, services, call)["model_version_id"]
    with services.works.reading() as work:
        edges = {(edge.source_id, edge.relation) for edge in made_from(work.session, version_id)}
        named = queries.version_by_id(work.session, version_id)
        audit = list_audit(work.session, AuditFilter(subject_id=version_id))
    assert edges == {("dv_1", "trained_on"), ("run_1", "made_by")}
    assert [entry.action for entry in audit.items] == ["model_version.registered"]
    assert named is not None
    document = named.version.evidence
    assert evidence.digest(document) == named.version.evidence_sha256
    assert {entry["path"] for entry in document["model"]} == {
        "config.json",
        "model.onnx",
        "spec.json",
        "tokenizer.json",
    }
    assert document["programs"]["train"] == "b" * 64
    assert document["parameters"]["min_accuracy_value"] == 0.33


@pytest.mark.parametrize("status", ["Approved", "approved", ""])
def test_no_run_approves_its_own_version(
    services: Services, person: Callable[..., Actor], tmp_path: Path, status: str
) -> None:
    artifacts = make_artifacts(services, tmp_path / "made", reviews())
    call = call_of(artifacts, person("editor").id, arguments={"model_approval_status": status})
    with pytest.raises(Invalid, match="can't be registered"), services.works.writing() as work:
        register_version(work, services, call)
    with services.works.reading() as work:
        assert queries.model_by_name(work.session, "clothing") is None


def test_a_run_may_register_its_version_as_rejected(
    services: Services, person: Callable[..., Actor], tmp_path: Path
) -> None:
    artifacts = make_artifacts(services, tmp_path / "made", reviews())
    call = call_of(artifacts, person("editor").id, arguments={"model_approval_status": "Rejected"})
    with services.works.writing() as work:
        register_version(work, services, call)
        assert queries.waiting_count(work.session) == 0
