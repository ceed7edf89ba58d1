"""A cluster on this machine, to prove that nothing is tied to one process or one disk: Spark, MLflow, PostgreSQL, S3."""
