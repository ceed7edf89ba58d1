"""Delta tables by three-level name, every commit with its lineage: read, written in turn, and read again as they were.

``protocol.py`` is what all else knows of them. Here too is the warehouse that is a folder (delta-rs, and Spark where
there is much); Unity Catalog's tables are in ``databricks/``.
"""
