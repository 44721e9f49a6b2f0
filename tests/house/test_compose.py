"""docker-compose.yml: every service pinned, watched, limited and confined, and no secret in a variable."""

import re
import stat
import subprocess
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.core.settings import PREFIX, Settings
from tests.programs.compose import ROOT, SECRETS, Compose, Service, read_env, variables
from workers import devices
from workers.broker import server_binary

EXAMPLE = read_env((ROOT / ".env.example").read_text())
COMPOSE = Compose.read(EXAMPLE)
SERVICES = COMPOSE.services
ONCE = {"migrate"}
SECRET_WORDS = ("PASSWORD", "SECRET", "TOKEN", "KEY", "DATABASE_URL", "REDIS_URL")


def each_service(*, built: bool = False) -> pytest.MarkDecorator:
    chosen = [service for service in SERVICES.values() if service.built or not built]
    return pytest.mark.parametrize("service", chosen, ids=lambda service: service.name)


def settings_names() -> set[str]:
    fields = Settings.model_fields.items()
    return {str(field.validation_alias or f"{PREFIX}{name.upper()}") for name, field in fields}


def test_the_services_are_those_that_the_guide_names() -> None:
    assert set(SERVICES) == {"postgres", "redis", "migrate", "web", "predict", "worker", "worker-gpu"}
    assert SERVICES["worker-gpu"].keys["profiles"] == ["gpu"]
    assert all("profiles" not in service.keys for name, service in SERVICES.items() if name != "worker-gpu")


def test_every_variable_stands_in_the_example_and_is_used() -> None:
    used = variables((ROOT / "docker-compose.yml").read_text())
    assert used - EXAMPLE.keys() == set(), "used, and nobody is told"
    assert EXAMPLE.keys() - used == set(), "told, and not used"


@each_service()
def test_the_image_is_pinned(service: Service) -> None:
    name, _, tag = service.keys["image"].rpartition(":")
    assert name
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?(-[a-z0-9]+)?", tag), service.keys["image"]


@each_service()
def test_it_is_watched_restarted_and_limited(service: Service) -> None:
    limits = service.keys["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert service.keys["restart"] == ("no" if service.name in ONCE else "unless-stopped")
    assert (service.health is None) == (service.name in ONCE)
    assert re.fullmatch(r"\d+s", service.keys["stop_grace_period"])
    assert service.keys["logging"]["options"].keys() == {"max-size", "max-file"}


@each_service()
def test_it_may_do_little(service: Service) -> None:
    assert service.keys["read_only"] is True
    assert service.keys["cap_drop"] == ["ALL"]
    assert service.keys["security_opt"] == ["no-new-privileges:true"]
    assert service.keys["init"] is True
    assert "privileged" not in service.keys
    if service.built:
        assert service.keys["user"] == "10001:10001"
        assert "cap_add" not in service.keys


@each_service()
def test_no_secret_stands_in_a_variable(service: Service) -> None:
    """Environments are shown by ``docker inspect`` and inherited by every child."""
    secrets = {f"{SECRETS}/{name}" for name in service.keys["secrets"]}
    for name, value in service.environment.items():
        if any(word in name for word in SECRET_WORDS):
            assert name.endswith("_FILE")
            assert value in secrets
        assert "://" not in value or "@" not in value
    assert set(service.keys["secrets"]) <= COMPOSE.keys["secrets"].keys()


@each_service(built=True)
def test_every_setting_is_one(service: Service) -> None:
    own = {name.removesuffix("_FILE") for name in service.environment}
    assert own - settings_names() - {"FORWARDED_ALLOW_IPS", devices.LOCKS} == set()


@each_service()
def test_only_the_loopback_is_published_and_never_a_server_of_data(service: Service) -> None:
    ports = service.keys.get("ports", [])
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+(-\d+)?:8000", port) for port in ports), ports
    assert bool(ports) == (service.name in {"web", "predict"})
    networks = set(service.keys["networks"])
    assert "data" in networks
    if service.name in {"postgres", "redis", "migrate"}:
        assert networks == {"data"}


def test_the_network_of_the_servers_leads_nowhere() -> None:
    assert COMPOSE.keys["networks"]["data"] == {"internal": True}
    (front,) = COMPOSE.keys["networks"]["front"]["ipam"]["config"]
    assert ip_network(front["subnet"]).is_private


@each_service()
def test_volumes_and_secrets_are_declared(service: Service) -> None:
    named = {volume.split(":")[0] for volume in service.keys.get("volumes", [])}
    assert named <= COMPOSE.keys["volumes"].keys()


def test_everything_waits_for_what_it_needs() -> None:
    assert SERVICES["migrate"].needs == {"postgres": "service_healthy"}
    for name in ("web", "predict", "worker", "worker-gpu"):
        expected = {"migrate": "service_completed_successfully", "redis": "service_healthy"}
        assert SERVICES[name].needs == expected


def test_workers_have_time_to_hand_back_and_memory_to_share() -> None:
    for name in ("worker", "worker-gpu"):
        assert SERVICES[name].keys["stop_grace_period"] == "150s"
        assert SERVICES[name].keys["shm_size"] == "1g"


def test_only_the_gpu_worker_asks_for_cards_and_has_the_cuda_build() -> None:
    def devices(service: Service) -> Any:
        return service.keys["deploy"]["resources"].get("reservations", {}).get("devices", [])

    assert [name for name, service in SERVICES.items() if devices(service)] == ["worker-gpu"]
    built = {n: s.keys["build"]["args"]["FITTINGROOM_TORCH"] for n, s in SERVICES.items() if s.built}
    assert {name for name, flavour in built.items() if flavour == "cuda"} == {"worker-gpu"}
    assert SERVICES["worker-gpu"].keys["image"] != SERVICES["worker"].keys["image"]


def test_every_queue_has_a_worker_and_steps_for_a_card_a_place_without_one() -> None:
    def queues(name: str) -> set[str]:
        command = SERVICES[name].command
        return set(command[command.index("-Q") + 1].split(","))

    assert queues("worker") == {"cpu", "io"}
    assert queues("worker-gpu") == {"gpu"}


def test_predictions_only_read_the_shared_storage() -> None:
    shared = [v for v in SERVICES["predict"].keys["volumes"] if v.startswith("state:")]
    assert shared == ["state:/var/lib/fittingroom:ro"]
    assert EXAMPLE["FITTINGROOM_STORAGE"].startswith("/var/lib/fittingroom/")
    ports = EXAMPLE["FITTINGROOM_PREDICT_PORTS"].split("-")
    assert int(ports[1]) - int(ports[0]) + 1 >= int(EXAMPLE["FITTINGROOM_PREDICT_REPLICAS"])


def test_the_database_takes_all_connections_that_the_processes_may_open() -> None:
    from app.core.database import CONNECTIONS

    command = SERVICES["postgres"].command
    (limit,) = [int(word.split("=")[1]) for word in command if word.startswith("max_connections=")]
    processes = [s for s in SERVICES.values() if s.built]
    assert limit >= 2 * CONNECTIONS * (len(processes) + 4), "two engines each, and some replicas"


def test_the_broker_is_the_very_version_that_the_tests_run_on() -> None:
    told = subprocess.run([server_binary(), "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"v=([\d.]+)", told)
    assert found
    if "Valkey" in told:
        assert SERVICES["redis"].keys["image"] == f"valkey/valkey:{found[1]}"


def test_backups_can_be_made_of_this_server() -> None:
    """pg_dump refuses a server of a newer major version than its own."""
    server = re.fullmatch(r"postgres:(\d+)\.\d+-bookworm", SERVICES["postgres"].keys["image"])
    client = re.search(r"postgresql-client-(\d+)", (ROOT / "Dockerfile").read_text())
    assert server
    assert client
    assert server[1] == client[1]


def test_the_passwords_are_made_once_and_for_their_owner(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    script = ROOT / "bin" / "make_secrets.sh"
    subprocess.run(["sh", str(script), str(directory)], check=True, capture_output=True)
    made = {path.name: path.read_text() for path in directory.iterdir()}
    assert {Path(each["file"]).name for each in COMPOSE.keys["secrets"].values()} == made.keys()
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    # Compose mounts a file as it is, and the containers' users are others than its owner.
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o444 for path in directory.iterdir())
    password = made["postgres_password"]
    assert re.fullmatch(r"[0-9a-f]{48}", password)
    assert made["database_url"] == f"postgresql://fittingroom:{password}@postgres:5432/fittingroom\n"
    broker = made["redis_conf"].removeprefix("requirepass ").strip()
    assert made["redis_url"] == f"redis://:{broker}@redis:6379/0\n"
    assert broker != password
    subprocess.run(["sh", str(script), str(directory)], check=True, capture_output=True)
    assert {path.name: path.read_text() for path in directory.iterdir()} == made


def test_the_secrets_are_never_committed_nor_sent_to_the_builder() -> None:
    ignored = (ROOT / ".gitignore").read_text().split()
    assert {"secrets/", ".env"} <= set(ignored)
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    listed = subprocess.run(["git", "ls-files", "secrets", ".env"], cwd=ROOT, capture_output=True, text=True)
    assert listed.stdout == ""


def test_the_merges_are_those_of_yaml() -> None:
    """Compose merges as YAML does: a key that is written again replaces the whole one below it."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert yaml.safe_load(text)["services"]["worker-gpu"]["shm_size"] == "1g"
