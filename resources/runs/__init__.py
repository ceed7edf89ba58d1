"""A run of a job: before it begins, while it goes on, what is kept of it, and how it is repaired."""
