"""The labs' pipeline, built with the SDK's own classes as the labs built theirs: prints its definition.

Run in .venv-sagemaker, never imported: ``python labs_pipeline.py < facts.json``. The facts name images,
addresses, parameters and which parameter each argument takes; every step, reference, function and condition
in the answer comes out of the SDK.
"""

import json
import sys

import boto3
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import (
    Channel,
    Compute,
    DataSource,
    MetricDefinition,
    OutputDataConfig,
    S3DataSource,
    StoppingCondition,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.serve.model_builder import ModelBuilder
from sagemaker.train import ModelTrainer

KINDS = {"Integer": ParameterInteger, "Float": ParameterFloat, "String": ParameterString}
PROCESSING = "/opt/ml/processing"
DAY = 24 * 3600


class Labs:
    def __init__(self, facts):
        self.facts = facts
        boto = boto3.Session(
            aws_access_key_id="nobody", aws_secret_access_key="nothing", region_name=facts["region"]
        )
        self.session = PipelineSession(boto_session=boto)
        self.session._default_bucket = "labs"  # so that it asks nobody whether there is one
        self.cache = CacheConfig(enable_caching=True, expire_after="PT1H")
        self.parameters = {
            each["Name"]: KINDS[each["Type"]](
                each["Name"], each["DefaultValue"], **_choices(each.get("EnumValues"))
            )
            for each in facts["parameters"]
        }

    def text(self, name):
        return self.parameters[name].to_string()

    def arguments(self, step):
        return {name: self.text(parameter) for name, parameter in self.facts["arguments"][step].items()}

    def below(self, step, *parts):
        execution = ExecutionVariables.PIPELINE_EXECUTION_ID
        return Join(on="/", values=[self.facts["output_uri"], execution, step, *parts])

    def processing(self, name, program, count, inputs, arguments, files=()):
        processor = Processor(
            role=self.facts["role"],
            image_uri=self.facts["processing_image"],
            instance_count=count,
            instance_type=self.parameters["ProcessingInstanceType"],
            entrypoint=["python3", f"{PROCESSING}/code/start.py"],
            max_runtime_in_seconds=DAY,
            sagemaker_session=self.session,
        )
        words = [word for key, value in arguments.items() for word in (f"--{key}", value)]
        code = ("code", self.facts["code"][program], f"{PROCESSING}/code")
        step_args = processor.run(
            inputs=[_input(*each) for each in (code, *inputs)],
            outputs=[_output(self.below(name, "output"))],
            arguments=[program, *words],
        )
        return ProcessingStep(
            name=name, step_args=step_args, cache_config=self.cache, property_files=list(files)
        )

    def training(self, features):
        mode = self.parameters["InputMode"]
        trainer = ModelTrainer(
            sagemaker_session=self.session,
            role=self.facts["role"],
            training_image=self.facts["training_image"],
            training_input_mode=mode.default_value,  # its telemetry makes a string of it and fails
            compute=Compute(
                instance_type=self.parameters["TrainInstanceType"],
                instance_count=self.parameters["TrainInstanceCount"],
                volume_size_in_gb=self.parameters["TrainVolumeSize"].default_value,  # it takes no parameter
            ),
            stopping_condition=StoppingCondition(max_runtime_in_seconds=DAY),
            output_data_config=OutputDataConfig(s3_output_path=self.below("Train", "output")),
            hyperparameters=self.arguments("train"),
        ).with_metric_definitions(
            [MetricDefinition(name=each["Name"], regex=each["Regex"]) for each in self.facts["metrics"]]
        )
        channels = [
            _channel("code", self.facts["code"]["ml.steps.train"], "File"),
            _channel("features", features, mode),
        ]
        step_args = trainer.train(input_data_config=channels)
        return TrainingStep(name="Train", step_args=step_args, cache_config=self.cache)

    def registration(self, model, report):
        deploy = self.parameters["DeployInstanceType"]
        builder = self.builder(model)
        step_args = builder.register(
            model_package_group_name=self.facts["package_group"],
            content_types=self.facts["content_types"],
            response_types=self.facts["content_types"],
            inference_instances=[deploy],
            transform_instances=[deploy],
            approval_status=self.parameters["ModelApprovalStatus"],
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource(s3_uri=report, content_type="application/json")
            ),
            customer_metadata_properties={
                "DeployInstanceType": deploy,
                "DeployInstanceCount": self.text("DeployInstanceCount"),
            },
        )
        return ModelStep(name="RegisterModel", step_args=step_args)

    def creation(self, model):
        return ModelStep(name="CreateModel", step_args=self.builder(model).build())

    def builder(self, model):
        return ModelBuilder(
            image_uri=self.facts["serving_image"],
            s3_model_data_url=model,
            role_arn=self.facts["role"],
            sagemaker_session=self.session,
        )

    def pipeline(self):
        report = PropertyFile(name="Evaluation", output_name="output", path="evaluation.json")
        get = self.parameters.__getitem__
        prepare = {
            **self.arguments("prepare"),
            "feature_store_offline_prefix": get("FeatureStoreOfflinePrefix"),
            "feature_group_name": get("FeatureGroupName"),
        }
        processing = self.processing(
            "Processing",
            "ml.steps.prepare",
            get("ProcessingInstanceCount"),
            [("dataset", get("InputData"), f"{PROCESSING}/input/dataset")],
            prepare,
        )
        features = processing.properties.ProcessingOutputConfig.Outputs["output"].S3Output.S3Uri
        train = self.training(features)
        model = train.properties.ModelArtifacts.S3ModelArtifacts
        evaluate = self.processing(
            "EvaluateModel",
            "ml.steps.evaluate",
            1,
            [
                ("model", model, f"{PROCESSING}/input/model"),
                ("features", features, f"{PROCESSING}/input/features"),
            ],
            self.arguments("evaluate"),
            [report],
        )
        measured = evaluate.properties.ProcessingOutputConfig.Outputs["output"].S3Output.S3Uri
        condition = ConditionStep(
            name="AccuracyCondition",
            conditions=[
                ConditionGreaterThanOrEqualTo(
                    left=JsonGet(step_name="EvaluateModel", property_file=report, json_path=path),
                    right=get(name),
                )
                for path, name in (
                    ("metrics.accuracy.value", "MinAccuracyValue"),
                    ("chance.macro_f1_margin", "MinMacroF1Margin"),
                )
            ],
            if_steps=[
                self.registration(model, Join(on="/", values=[measured, "evaluation.json"])),
                self.creation(model),
            ],
            else_steps=[],
        )
        return Pipeline(
            name="labs",
            parameters=list(self.parameters.values()),
            steps=[processing, train, evaluate, condition],
            sagemaker_session=self.session,
        )


def _choices(values):
    return {"enum_values": values} if values else {}


def _input(name, uri, path):
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri, local_path=path, s3_data_type="S3Prefix", s3_input_mode="File"
        ),
    )


def _output(uri):
    return ProcessingOutput(
        output_name="output",
        s3_output=ProcessingS3Output(
            s3_uri=uri, local_path=f"{PROCESSING}/output", s3_upload_mode="EndOfJob"
        ),
    )


def _channel(name, uri, mode):
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=uri, s3_data_distribution_type="FullyReplicated")
    return Channel(channel_name=name, input_mode=mode, data_source=DataSource(s3_data_source=source))


if __name__ == "__main__":
    print(Labs(json.load(sys.stdin)).pipeline().definition())
