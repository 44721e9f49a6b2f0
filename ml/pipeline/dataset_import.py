"""The pipeline that turns an upload into a version of a data set."""

from ml.pipeline.definition import (
    NativeStep,
    Parameter,
    ParameterRef,
    Pipeline,
    ProgramStep,
    RunInput,
    StepOutput,
)

DATASET_IMPORT = Pipeline(
    name="dataset-import",
    parameters=(
        Parameter("filename", "text", "upload", "The name the file came with.", "Upload"),
        Parameter("mapping", "text", "{}", "Which column is what, as JSON; the rest is guessed.", "Upload"),
    ),
    inputs=("upload",),
    steps=(
        ProgramStep(
            name="import",
            program="ml.steps.import_data",
            arguments={"filename": ParameterRef("filename"), "mapping": ParameterRef("mapping")},
            inputs={"upload": RunInput("upload")},
            queue="io",
            cached=False,
            deadline_seconds=6 * 3600,
        ),
        NativeStep(name="publish", kind="publish", inputs={"version": StepOutput("import")}),
    ),
    portable=False,  # an upload is read where it lies: it is not yet known what is in it
)
