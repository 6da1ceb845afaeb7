"""SageMaker: notebook instances, their lifecycle configurations, tags."""
