"""The registry's other half at SageMaker: a package group for a model, a package for a version."""

from app.registry.cloud.service import note_package

__all__ = ["note_package"]
