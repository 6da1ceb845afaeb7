"""What a data scientist does with version 2 of the SageMaker Python SDK, written as they would write it.

Nothing here says a word about networks, keys, encryption or tags. `role` is the notebook's role where the SDK is left
without its defaults, for without them it makes nothing without one; under them it is None.
"""

from sagemaker import AutoML, AutoMLDataChannel, AutoMLTabularConfig, AutoMLV2, get_execution_role, image_uris
from sagemaker.clarify import BiasConfig, DataConfig, SageMakerClarifyProcessor
from sagemaker.estimator import Estimator
from sagemaker.experiments import Run
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.model_monitor import (
    CronExpressionGenerator,
    DataCaptureConfig,
    DefaultModelMonitor,
    ModelMonitor,
    MonitoringOutput,
)
from sagemaker.model_monitor.dataset_format import DatasetFormat
from sagemaker.predictor import Predictor
from sagemaker.processing import ProcessingInput, ProcessingOutput, ScriptProcessor
from sagemaker.remote_function import RemoteExecutor
from sagemaker.s3 import S3Downloader, S3Uploader
from sagemaker.serializers import CSVSerializer
from sagemaker.session import Session
from sagemaker.sklearn import SKLearn
from sagemaker.sklearn.processing import SKLearnProcessor
from sagemaker.transformer import Transformer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.steps import ProcessingStep, TrainingStep, TransformStep, TuningStep

MACHINE = "ml.m5.xlarge"


def data(path):
    """A place in the bucket that the SDK takes for its own."""
    return f"s3://{Session().default_bucket()}/{path}"


def image():
    return image_uris.retrieve("xgboost", "us-east-1", "1.7-1")


def estimator(role, **more):
    return Estimator(image(), role, instance_count=1, instance_type=MACHINE, output_path=data("models"), **more)


def trained(role, **more):
    """An estimator whose job has run."""
    fitted = estimator(role, hyperparameters={"num_round": 10}, **more)
    fitted.fit({"train": TrainingInput(data("train"), content_type="text/csv")})
    return fitted


def upload(role):
    with open("churn.csv", "w") as file:
        file.write("churned,age\n1,34\n0,57\n")
    uri = Session().upload_data("churn.csv", key_prefix="train")
    S3Downloader.list(uri)
    S3Downloader.read_file(uri)
    S3Downloader.download(uri, "again")


def own_role(role):
    get_execution_role()


def processing(role):
    processor = SKLearnProcessor("1.2-1", role, instance_type=MACHINE, instance_count=1)
    processor.run(
        "preprocess.py",
        inputs=[ProcessingInput(data("train"), "/opt/ml/processing/input")],
        outputs=[ProcessingOutput(source="/opt/ml/processing/train")],
    )


def processing_with_an_image(role):
    processor = ScriptProcessor(
        role, image(), command=["python3"], instance_type=MACHINE, instance_count=2, max_runtime_in_seconds=3600
    )
    processor.run("preprocess.py", outputs=[ProcessingOutput(source="/opt/ml/processing/train")])


def training(role):
    trained(role)


def training_with_a_script(role):
    SKLearn("train.py", framework_version="1.2-1", role=role, instance_type=MACHINE).fit({"train": data("train")})


def training_on_a_local_disk(role):
    gpu = Estimator(image(), role, instance_count=1, instance_type="ml.g5.xlarge")
    gpu.fit({"train": TrainingInput(data("train"), content_type="text/csv")})


def training_on_many_spot_instances(role):
    spot = Estimator(
        image(), role, instance_count=3, instance_type=MACHINE, use_spot_instances=True, max_run=3600, max_wait=7200
    )
    spot.fit({"train": TrainingInput(data("train"), content_type="text/csv")})


def tuning(role):
    ranges = {"eta": ContinuousParameter(0.1, 0.5)}
    tuner = HyperparameterTuner(estimator(role), "validation:auc", ranges, max_jobs=4, max_parallel_jobs=2)
    tuner.fit({"train": TrainingInput(data("train"), content_type="text/csv")})


def remote_function(role):
    with RemoteExecutor(role=role, instance_type=MACHINE, image_uri=image()) as executor:
        executor.submit(pow, 2, 21)


def automl(role):
    AutoML(role, target_attribute_name="churned", max_candidates=2).fit(data("train"))


def automl_v2(role):
    job = AutoMLV2(AutoMLTabularConfig(target_attribute_name="churned", max_candidates=2), role=role)
    job.fit(AutoMLDataChannel(s3_data_type="S3Prefix", s3_uri=data("train"), channel_type="training"))


def endpoint(role):
    predictor = trained(role).deploy(1, MACHINE, serializer=CSVSerializer())
    predictor.predict("34")
    predictor.update_endpoint(initial_instance_count=2, instance_type=MACHINE)
    predictor.delete_model()
    predictor.delete_endpoint()


def transform(role):
    transformer = trained(role).transformer(1, MACHINE)
    transformer.transform(data("train"), content_type="text/csv", split_type="Line")
    transformer.wait()


def registry(role):
    trained(role).register(["text/csv"], ["text/csv"], [MACHINE], [MACHINE], model_package_group_name="churn")


def watched(role):
    """The name of an endpoint whose requests are kept."""
    model = trained(role)
    captured = DataCaptureConfig(True, destination_s3_uri=data("captured"))
    return model.deploy(1, MACHINE, data_capture_config=captured).endpoint_name


def monitoring(role):
    monitor = DefaultModelMonitor(role, instance_type=MACHINE)
    monitor.suggest_baseline(data("train/churn.csv"), DatasetFormat.csv(header=True), output_s3_uri=data("baseline"))
    # No job runs here that would write them.
    for name in ("statistics", "constraints"):
        S3Uploader.upload_string_as_file_body("{}", data(f"baseline/{name}.json"))
    monitor.create_monitoring_schedule(
        endpoint_input=watched(role),
        output_s3_uri=data("monitored"),
        statistics=data("baseline/statistics.json"),
        constraints=data("baseline/constraints.json"),
        schedule_cron_expression=CronExpressionGenerator.hourly(),
    )
    monitor.describe_schedule()
    monitor.list_executions()
    monitor.stop_monitoring_schedule()
    monitor.start_monitoring_schedule()
    monitor.update_monitoring_schedule(schedule_cron_expression=CronExpressionGenerator.daily())
    monitor.delete_monitoring_schedule()


def monitoring_with_an_image(role):
    monitor = ModelMonitor(role, image(), instance_type=MACHINE, env={})
    monitor.create_monitoring_schedule(
        endpoint_input=watched(role),
        output=MonitoringOutput("/opt/ml/processing/output", data("monitored")),
        schedule_cron_expression=CronExpressionGenerator.hourly(),
    )


def clarify(role):
    processor = SageMakerClarifyProcessor(role, 1, MACHINE, sagemaker_session=Session())
    processor.run_pre_training_bias(
        DataConfig(data("train"), data("bias"), label="churned", headers=["churned", "age"], dataset_type="text/csv"),
        BiasConfig([1], "age", [40]),
    )


def experiment(role):
    with Run("churn", run_name="first") as run:
        run.log_parameter("eta", 0.3)
        run.log_metric("auc", 0.9)
        run.log_artifact("data", data("train"))
        trained(role)


def pipeline(role):
    session = PipelineSession()
    processor = SKLearnProcessor("1.2-1", role, instance_type=MACHINE, instance_count=1, sagemaker_session=session)
    processed = ProcessingStep(
        "Process",
        step_args=processor.run("preprocess.py", outputs=[ProcessingOutput(source="/opt/ml/processing/train")]),
    )
    untrained = estimator(role, sagemaker_session=session)
    inputs = {"train": TrainingInput(data("train"), content_type="text/csv")}
    training = TrainingStep("Train", step_args=untrained.fit(inputs), depends_on=[processed])
    ranges = {"eta": ContinuousParameter(0.1, 0.5)}
    tuner = HyperparameterTuner(estimator(role, sagemaker_session=session), "validation:auc", ranges)
    tuning = TuningStep("Tune", step_args=tuner.fit(inputs))
    artifacts = training.properties.ModelArtifacts.S3ModelArtifacts
    model = Model(image(), artifacts, role, sagemaker_session=session)
    hosted = ModelStep("Model", model.create(MACHINE))
    registered = ModelStep(
        "Register", model.register(["text/csv"], ["text/csv"], [MACHINE], [MACHINE], model_package_group_name="churn")
    )
    transformer = Transformer(hosted.properties.ModelName, 1, MACHINE, sagemaker_session=session)
    transformed = TransformStep("Score", step_args=transformer.transform(data("train"), content_type="text/csv"))
    steps = [processed, training, tuning, hosted, registered, transformed]
    whole = Pipeline("churn", steps=steps, sagemaker_session=session)
    whole.upsert(role)
    whole.upsert(role)
    whole.start()


TASKS = [
    upload,
    own_role,
    processing,
    processing_with_an_image,
    training,
    training_with_a_script,
    training_on_a_local_disk,
    training_on_many_spot_instances,
    tuning,
    remote_function,
    automl,
    automl_v2,
    endpoint,
    transform,
    registry,
    monitoring,
    monitoring_with_an_image,
    clarify,
    experiment,
    pipeline,
]
