"""Every pipeline that can be started, by its name."""

from collections.abc import Mapping

from ml.pipeline.dataset_import import DATASET_IMPORT
from ml.pipeline.definition import Pipeline
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER

PIPELINES: Mapping[str, Pipeline] = {
    pipeline.name: pipeline for pipeline in (DATASET_IMPORT, REVIEW_CLASSIFIER)
}
