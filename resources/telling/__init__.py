"""What ``run-job`` shows: lines, the graph while it runs, jobs, and the runs of before."""
