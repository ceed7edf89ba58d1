"""Jobs as code (``*.job.yml``), and ``run-job``, which executes the same files without Databricks."""
