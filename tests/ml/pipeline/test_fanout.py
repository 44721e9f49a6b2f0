from dataclasses import replace

import pytest

from ml.contract.job import Job
from ml.contract.share import Share
from ml.pipeline.definition import GateStep, Pipeline, ProgramStep, RunInput, StepOutput, needs
from ml.pipeline.fanout import fanned_out
from ml.pipeline.resolve import BadParameters, resolve_parameters
from ml.pipeline.review_classifier import REVIEW_CLASSIFIER

INPUT = {"dataset": RunInput("dataset")}
STEP = ProgramStep("prepare", "a.program", {"seed": 1}, INPUT, shards=3, merge="a.merge")
AFTER = ProgramStep("train", "b.program", inputs={"features": StepOutput("prepare")})


def pipeline(*steps: ProgramStep | GateStep) -> Pipeline:
    return Pipeline("toy", (), ("dataset",), steps)


def test_a_step_becomes_its_shards_and_one_that_merges_them() -> None:
    first, second, third, merging, after = fanned_out(pipeline(STEP, AFTER), {}).steps
    assert [each.name for each in (first, second, third)] == ["prepare[1]", "prepare[2]", "prepare[3]"]
    assert isinstance(second, ProgramStep)
    assert (second.program, second.inputs) == (STEP.program, STEP.inputs)
    assert second.arguments == {"seed": 1, "shard": 2, "shards": 3}
    assert (second.part_of, second.shard) == ("prepare", 2)
    assert isinstance(merging, ProgramStep)
    assert (merging.name, merging.program, merging.part_of) == ("prepare", "a.merge", None)
    assert needs(merging) == ("prepare[1]", "prepare[2]", "prepare[3]")
    assert list(merging.inputs) == ["shard_1", "shard_2", "shard_3"]
    assert after == AFTER


def test_one_shard_is_the_step_as_it_was() -> None:
    one = replace(STEP, shards=1)
    assert fanned_out(pipeline(one, AFTER), {}).steps == (one, AFTER)


def test_a_gate_before_a_step_is_before_its_shards() -> None:
    gate = GateStep("gate", (), if_passed=("prepare", "train"))
    walked = fanned_out(pipeline(gate, STEP, AFTER), {}).steps[0]
    assert isinstance(walked, GateStep)
    assert walked.if_passed == ("prepare[1]", "prepare[2]", "prepare[3]", "prepare", "train")


def test_shards_without_a_program_that_merges_are_a_mistake_of_the_definition() -> None:
    with pytest.raises(ValueError, match="prepare has shards"):
        ProgramStep("prepare", "a.program", shards=2)


@pytest.mark.parametrize("count", [0, 65])
def test_the_number_of_shards_is_bounded(count: int) -> None:
    with pytest.raises(ValueError, match=f"prepare has {count} shards"):
        fanned_out(pipeline(replace(STEP, shards=count)), {})
    with pytest.raises(BadParameters, match=r"shards is .*between 1 and 64"):
        resolve_parameters(REVIEW_CLASSIFIER, {"shards": count})


@pytest.mark.parametrize("total", [0, 1, 3, 7, 64, 22_641])
@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_all_shares_together_have_each_thing_once_in_order(total: int, count: int) -> None:
    shares = [Share(number, count).of(total) for number in range(1, count + 1)]
    assert [index for share in shares for index in share] == list(range(total))
    sizes = [len(share) for share in shares]
    assert max(sizes) - min(sizes) <= 1


def test_a_program_is_told_its_share_and_the_shards_in_the_order_of_their_numbers() -> None:
    paths = {"SM_MODEL_DIR": "/m", "SM_OUTPUT_DATA_DIR": "/o"}
    assert Job.from_environment(paths).share == Share(1, 1)
    told = Job.from_environment({**paths, "SM_HPS": '{"shard": "3", "shards": "12"}'})
    assert told.share == Share(3, 12)
    names = [f"shard_{number}" for number in range(1, 13)]
    channels = {f"SM_CHANNEL_{name.upper()}": f"/in/{name}" for name in names}
    listed = str(sorted(names)).replace("'", '"')
    merging = Job.from_environment({**paths, **channels, "SM_CHANNELS": listed})
    assert [path.name for path in merging.shards] == names
