"""SageMaker's resources as records: one line of a table each, with states that pass."""
