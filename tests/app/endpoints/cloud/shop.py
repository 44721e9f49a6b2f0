"""An endpoint on the simulator's SageMaker, as a program asks for it and a courier brings it about."""

from dataclasses import dataclass
from typing import Any

from fastapi.testclient import TestClient

from app.core.services import Services
from app.endpoints.cloud import queries
from app.endpoints.cloud.queries import CloudPlace
from app.endpoints.cloud.tables import CloudDeployment
from tests.programs.cloud import Simulator
from workers.courier import Courier

URL = "/api/v1/endpoints/shop"
REVIEW = {"inputs": ["The dress is torn and itchy", {"text": "lovely and soft", "title": "perfect"}]}


@dataclass
class Shop:
    services: Services
    simulator: Simulator
    client: TestClient
    courier: Courier

    def deploy(self, number: int, **more: Any) -> Any:
        body = {"model": "clothing", "version": number, "compute": "sagemaker", **more}
        return self.client.post(f"{URL}/deployments", json=body)

    def until(self, *states: str) -> dict[str, Any]:
        """Let the courier look until the endpoint is in one of these states."""

        def looked() -> dict[str, Any]:
            self.courier.look()
            return self.shown()

        return dict(self.simulator.until(looked, lambda shown: shown["state"] in states))

    def shown(self) -> dict[str, Any]:
        return dict(self.client.get(URL).json())

    def predict(self) -> Any:
        return self.client.post(f"{URL}/predict", json=REVIEW)

    @property
    def place(self) -> CloudPlace:
        with self.services.works.reading() as work:
            found = queries.place_by_name(work.session, "shop")
        assert found is not None
        return found

    def changes(self) -> list[CloudDeployment]:
        with self.services.works.reading() as work:
            return queries.changes_of(work.session, self.place.endpoint.id)

    def at_aws(self) -> dict[str, list[str]]:
        """Names of what stands there."""
        client = self.simulator.client("sagemaker")
        return {
            "endpoints": [each["EndpointName"] for each in client.list_endpoints()["Endpoints"]],
            "configs": [
                each["EndpointConfigName"] for each in client.list_endpoint_configs()["EndpointConfigs"]
            ],
            "models": [each["ModelName"] for each in client.list_models()["Models"]],
        }


def clear(simulator: Simulator) -> None:
    """What a test has left, so that the next one sees nothing of it."""
    client = simulator.client("sagemaker")
    for endpoint in client.list_endpoints()["Endpoints"]:
        client.delete_endpoint(EndpointName=endpoint["EndpointName"])
    simulator.until(lambda: client.list_endpoints()["Endpoints"], lambda left: not left)
    for config in client.list_endpoint_configs()["EndpointConfigs"]:
        client.delete_endpoint_config(EndpointConfigName=config["EndpointConfigName"])
    for model in client.list_models()["Models"]:
        client.delete_model(ModelName=model["ModelName"])
