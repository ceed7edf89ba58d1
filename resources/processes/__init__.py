"""Where the commands of tasks run: in processes of their own, which can be ended, or in the one of ``run-job``."""
