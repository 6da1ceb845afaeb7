"""What is measured and watched: metrics of trial components, runs of monitoring schedules."""

from itertools import count

from moto.core.responses import ActionResult
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemakermetrics.models import SageMakerMetricsBackend

from ..patching import adds, wraps

steps = count()


@wraps(SageMakerMetricsBackend)
def batch_put_metrics(original, self, trial_component_name, metric_data):
    """A metric need not say at which step it was taken; moto takes each for another step's."""
    counted = [metric if "Step" in metric else {**metric, "Step": next(steps)} for metric in metric_data]
    return original(self, trial_component_name, counted)


@adds(SageMakerResponse)
def list_monitoring_executions(self):
    """Nothing has run: the shortest schedule is hourly."""
    return ActionResult({"MonitoringExecutionSummaries": []})
