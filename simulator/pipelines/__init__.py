"""SageMaker Pipelines: definitions are checked, executions are walked, and their jobs really run."""

from simulator.pipelines import operations  # noqa: F401 - registers what this package answers
