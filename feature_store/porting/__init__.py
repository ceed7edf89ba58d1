"""Notebooks that were written for the vendor's client, run here after their import line is changed.

The client in the vendor's words over the local store, the session that such a notebook takes for granted, and what is said of
the things that only Databricks has.
"""
