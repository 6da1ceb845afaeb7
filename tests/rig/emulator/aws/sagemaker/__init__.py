"""SageMaker: notebooks, Studio, models and jobs."""
