"""Small pipelines of the toy program, in the shapes that the engine must walk."""

from dataclasses import replace

from ml.pipeline.definition import (
    Condition,
    GateStep,
    NativeStep,
    Parameter,
    ParameterRef,
    Pipeline,
    ProgramStep,
    Property,
    Recipe,
    RunInput,
    StepOutput,
)

TOY = "tests.programs.toy"

PARAMETERS = (
    Parameter("behaviour", "text", "ok", "What the first step does.", "Toy"),
    Parameter("ticks", "integer", 1, "How often the first step ticks.", "Toy", low=1, high=1000),
    Parameter("seconds", "number", 0.0, "How long a tick takes.", "Toy", low=0, high=10),
    Parameter("minimum", "number", 0.5, "What the gate asks for.", "Toy", low=0, high=1),
)


def _json_of(accuracy: float) -> str:
    return '{"metrics": {"accuracy": {"value": %s}}}' % accuracy  # noqa: UP031


GOOD, BAD = _json_of(0.9), _json_of(0.31)

TOYS = Pipeline(
    name="toys",
    parameters=(
        *PARAMETERS[:3],
        Parameter("measured", "text", GOOD, "What evaluate leaves.", "Toy"),
        PARAMETERS[3],
    ),
    inputs=("dataset",),
    steps=(
        ProgramStep(
            name="prepare",
            program=TOY,
            arguments={
                "behaviour": ParameterRef("behaviour"),
                "ticks": ParameterRef("ticks"),
                "seconds": ParameterRef("seconds"),
            },
            inputs={"dataset": RunInput("dataset")},
        ),
        ProgramStep(
            name="evaluate",
            program=TOY,
            arguments={"value": ParameterRef("measured")},
            inputs={"model": StepOutput("prepare", "model")},
        ),
        GateStep(
            name="gate",
            conditions=(
                Condition(
                    Property("evaluate", "value.json", "metrics.accuracy.value"),
                    ">=",
                    ParameterRef("minimum"),
                    "accuracy",
                ),
            ),
            if_passed=("register",),
        ),
        NativeStep(name="register", kind="register", inputs={"model": StepOutput("prepare", "model")}),
    ),
    recipes=(Recipe("slow", "Many ticks.", {"ticks": 100, "seconds": 0.1}),),
)

# Its first step is what a training job at AWS does: it has checkpoints, metrics and a model.
TRAINED = replace(
    TOYS,
    name="trained",
    steps=tuple(replace(step, job="training") if step.name == "prepare" else step for step in TOYS.steps),  # type: ignore[arg-type, call-arg, misc]
)

CHAIN_LENGTH = 10
CHAIN = Pipeline(
    name="chain",
    parameters=(),
    inputs=(),
    steps=tuple(
        ProgramStep(
            name=f"link{index}",
            program="tests.programs.stamp",
            inputs={"before": StepOutput(f"link{index - 1}")} if index else {},
            queue="io" if index % 2 else "cpu",
            cached=False,
        )
        for index in range(CHAIN_LENGTH)
    ),
)

FAN = Pipeline(
    name="fan",
    parameters=(),
    inputs=(),
    steps=(
        ProgramStep(name="left", program=TOY, queue="io", cached=False),
        ProgramStep(name="right", program=TOY, queue="io", cached=False),
        ProgramStep(
            name="join",
            program=TOY,
            inputs={"left": StepOutput("left"), "right": StepOutput("right")},
            queue="io",
            cached=False,
        ),
    ),
)

SINGLE = Pipeline(
    name="single",
    parameters=(),
    inputs=(),
    steps=(ProgramStep(name="only", program="tests.programs.signed", queue="io", cached=False),),
)

# Its log and its figures tell how often each of its lines was taken over.
SPOKEN = Pipeline(
    name="spoken",
    parameters=(),
    inputs=(),
    steps=(ProgramStep(name="only", program=TOY, arguments={"ticks": 3}, queue="io", cached=False),),
)

# What each step leaves bears the name of the attempt that made it, see tests.reliability.invariants.
SIGNED = Pipeline(
    name="signed",
    parameters=(Parameter("seconds", "number", 0.0, "How long a step takes.", "Toy", low=0, high=1000),),
    inputs=(),
    steps=(
        *(
            ProgramStep(
                name=side,
                program="tests.programs.signed",
                arguments={"seconds": ParameterRef("seconds")},
                queue="io",
                cached=False,
            )
            for side in ("left", "right")
        ),
        ProgramStep(
            name="join",
            program="tests.programs.signed",
            inputs={"left": StepOutput("left"), "right": StepOutput("right")},
            queue="io",
            cached=False,
        ),
    ),
)

SHARDED = Pipeline(
    name="sharded",
    parameters=(
        *PARAMETERS[1:3],
        Parameter("shards", "integer", 3, "In how many parts the work is done.", "Toy", low=1, high=64),
        Parameter("told", "text", "", "A directory whose files tell shards what to do.", "Toy"),
    ),
    inputs=("dataset",),
    steps=(
        ProgramStep(
            name="prepare",
            program="tests.programs.shard",
            arguments={name: ParameterRef(name) for name in ("ticks", "seconds", "told")},
            inputs={"dataset": RunInput("dataset")},
            queue="io",
            shards=ParameterRef("shards"),
            merge="tests.programs.shard_merge",
        ),
        ProgramStep(name="after", program=TOY, inputs={"merged": StepOutput("prepare")}, queue="io"),
    ),
)

DEVICES = Pipeline(
    name="devices",
    parameters=(),
    inputs=(),
    steps=(
        ProgramStep(name="light", program=TOY, cached=False),
        ProgramStep(name="heavy", program=TOY, queue="gpu", cached=False),
    ),
)

WIDE = Pipeline(
    name="wide",
    parameters=(),
    inputs=(),
    steps=tuple(
        ProgramStep(
            name=f"piece{number}",
            program=TOY,
            arguments={"ticks": 10, "seconds": 0.1, "value": number},
            cached=False,
        )
        for number in range(8)
    ),
)

ALL = (TOYS, TRAINED, CHAIN, FAN, SINGLE, SPOKEN, SIGNED, SHARDED, DEVICES, WIDE)
PIPELINES = {pipeline.name: pipeline for pipeline in ALL}
