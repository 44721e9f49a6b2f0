"""What PostgreSQL refuses to store ends a step in words, and is not taken for a database that is away."""

import pytest

from tests.programs.installation import Toys

pytestmark = pytest.mark.both_databases


def test_a_figure_that_is_not_a_number_closes_the_gate(toys: Toys) -> None:
    run_id = toys.launch(parameters={"measured": '{"metrics": {"accuracy": {"value": NaN}}}'})
    toys.deliver()
    run = toys.detail(run_id).run
    assert (run.status, bool(run.message)) == ("succeeded", True)
    assert toys.states(run_id)["register"] == "skipped"


def test_a_refusal_that_quotes_a_nul_is_final_and_told(toys: Toys) -> None:
    run_id = toys.launch(parameters={"behaviour": "refuse a NUL"})
    toys.deliver()
    step = toys.detail(run_id).steps[0]
    assert (step.state, step.attempt) == ("failed", 1)
    assert "Row 3" in step.last_error
