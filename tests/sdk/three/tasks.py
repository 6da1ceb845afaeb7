"""What a data scientist does with version 3 of the SageMaker Python SDK, written as they would write it.

Nothing here says a word about networks, keys, encryption or tags. `role` is the notebook's role where the SDK is left
without its defaults; under them it is None.
"""

from uuid import uuid4

from sagemaker.core import image_uris
from sagemaker.core.experiments import Run
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.model_monitor import CronExpressionGenerator, DatasetFormat, DefaultModelMonitor
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.remote_function import RemoteExecutor
from sagemaker.core.resources import (
    Endpoint,
    EndpointConfig,
    Model,
    ProcessingJob,
    TrainingJob,
    TransformJob,
)
from sagemaker.core.s3 import S3Downloader, S3Uploader
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    AppSpecification,
    Channel,
    ContainerDefinition,
    DataSource,
    OutputDataConfig,
    ProcessingClusterConfig,
    ProcessingOutput,
    ProcessingOutputConfig,
    ProcessingResources,
    ProcessingS3Output,
    ProductionVariant,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
    TransformDataSource,
    TransformInput,
    TransformOutput,
    TransformResources,
    TransformS3DataSource,
)
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import InputData, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

MACHINE = "ml.m5.xlarge"


def data(path):
    """A place in the bucket that the SDK takes for its own."""
    return f"s3://{Session().default_bucket()}/{path}"


def image():
    return image_uris.retrieve("xgboost", "us-east-1", "1.7-1")


def trainer(role, **more):
    return ModelTrainer(training_image=image(), role=role, **more)


def table():
    return [InputData(channel_name="train", data_source=data("train"), content_type="text/csv")]


def upload(role):
    uri = S3Uploader.upload_string_as_file_body("churned,age\n1,34\n0,57\n", data("train/churn.csv"))
    S3Downloader.list(uri)
    S3Downloader.read_file(uri)


def own_role(role):
    get_execution_role()


def results():
    destination = ProcessingS3Output(
        s3_uri=data("processed"), local_path="/opt/ml/processing/train", s3_upload_mode="EndOfJob"
    )
    return [ProcessingOutput(output_name="train", s3_output=destination)]


def processing(role):
    processor = ScriptProcessor(role, image(), command=["python3"], instance_type=MACHINE, instance_count=2)
    processor.run("preprocess.py", outputs=results())


def training(role):
    trainer(role).train(table())


def training_with_a_script(role):
    trainer(role, source_code=SourceCode(source_dir=".", entry_script="train.py")).train(table())


def tuning(role):
    ranges = {"eta": ContinuousParameter(0.1, 0.5)}
    tuner = HyperparameterTuner(trainer(role), "validation:auc", ranges, max_jobs=4, max_parallel_jobs=2)
    tuner.tune(table())


def remote_function(role):
    with RemoteExecutor(role=role, instance_type=MACHINE, image_uri=image()) as executor:
        executor.submit(pow, 2, 21)


def built(role):
    """A model to be hosted. A builder that is given no role asks IAM for it, which is out of reach."""
    role_arn = role or get_execution_role()
    return ModelBuilder(image_uri=image(), s3_model_data_url=data("models/model.tar.gz"), role_arn=role_arn)


def endpoint(role):
    builder = built(role)
    builder.build()
    builder.deploy(instance_type=MACHINE)


def transform(role):
    # The Transformer of this version cannot read its default for the key of results.
    source = TransformS3DataSource(s3_data_type="S3Prefix", s3_uri=data("train"))
    job = TransformJob.create(
        transform_job_name=f"churn-{uuid4()}",
        model_name=built(role).build().model_name,
        transform_input=TransformInput(data_source=TransformDataSource(s3_data_source=source), content_type="text/csv"),
        transform_output=TransformOutput(s3_output_path=data("scored")),
        transform_resources=TransformResources(instance_type=MACHINE, instance_count=1),
    )
    job.wait()


def training_with_a_resource(role):
    channel = S3DataSource(s3_data_type="S3Prefix", s3_uri=data("train"))
    job = TrainingJob.create(
        training_job_name=f"churn-{uuid4()}",
        role_arn=role or get_execution_role(),
        algorithm_specification=AlgorithmSpecification(training_image=image(), training_input_mode="File"),
        input_data_config=[Channel(channel_name="train", data_source=DataSource(s3_data_source=channel))],
        output_data_config=OutputDataConfig(s3_output_path=data("models")),
        resource_config=ResourceConfig(instance_type=MACHINE, instance_count=1, volume_size_in_gb=30),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=3600),
    )
    job.wait()


def processing_with_a_resource(role):
    cluster = ProcessingClusterConfig(instance_type=MACHINE, instance_count=1, volume_size_in_gb=30)
    job = ProcessingJob.create(
        processing_job_name=f"churn-{uuid4()}",
        role_arn=role or get_execution_role(),
        app_specification=AppSpecification(image_uri=image()),
        processing_output_config=ProcessingOutputConfig(outputs=results()),
        processing_resources=ProcessingResources(cluster_config=cluster),
    )
    job.wait()


def endpoint_with_resources(role):
    name = f"churn-{uuid4()}"
    model_data = data("models/model.tar.gz")
    Model.create(
        model_name=name,
        execution_role_arn=role or get_execution_role(),
        primary_container=ContainerDefinition(image=image(), model_data_url=model_data),
    )
    variant = ProductionVariant(
        variant_name="all", model_name=name, instance_type=MACHINE, initial_instance_count=1, initial_variant_weight=1
    )
    EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
    hosted = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
    hosted.wait_for_status("InService")
    hosted.invoke(body="34", content_type="text/csv")
    hosted.delete()


def registry(role):
    builder = built(role)
    builder.build()
    builder.register(
        model_package_group_name="churn",
        content_types=["text/csv"],
        response_types=["text/csv"],
        inference_instances=[MACHINE],
        transform_instances=[MACHINE],
    )


def experiment(role):
    with Run("churn", run_name="first") as run:
        run.log_parameter("eta", 0.3)
        run.log_metric("auc", 0.9)
        trainer(role).train(table())


def monitoring(role):
    monitor = DefaultModelMonitor(role, instance_type=MACHINE)
    monitor.suggest_baseline(data("train/churn.csv"), DatasetFormat.csv(header=True), output_s3_uri=data("baseline"))
    # No job runs here that would write them.
    for name in ("statistics", "constraints"):
        S3Uploader.upload_string_as_file_body("{}", data(f"baseline/{name}.json"))
    builder = built(role)
    builder.build()
    monitor.create_monitoring_schedule(
        endpoint_input=builder.deploy(instance_type=MACHINE).endpoint_name,
        output_s3_uri=data("monitored"),
        statistics=data("baseline/statistics.json"),
        constraints=data("baseline/constraints.json"),
        schedule_cron_expression=CronExpressionGenerator.hourly(),
    )
    monitor.describe_schedule()
    monitor.delete_monitoring_schedule()


def pipeline(role):
    session = PipelineSession()
    processor = ScriptProcessor(
        role, image(), command=["python3"], instance_type=MACHINE, instance_count=1, sagemaker_session=session
    )
    processed = ProcessingStep("Process", step_args=processor.run("preprocess.py", outputs=results()))
    training = TrainingStep("Train", step_args=trainer(role, sagemaker_session=session).train(table()))
    whole = Pipeline("churn", steps=[processed, training], sagemaker_session=session)
    whole.upsert(role)
    whole.start()


TASKS = [
    upload,
    own_role,
    processing,
    processing_with_a_resource,
    training,
    training_with_a_script,
    training_with_a_resource,
    tuning,
    remote_function,
    endpoint,
    endpoint_with_resources,
    transform,
    registry,
    monitoring,
    experiment,
    pipeline,
]
