"""The properties by which a table says of itself what Delta has no place for."""

FORMAT_PROPERTY = "pipeline.format"
KEYS, TIME, OWNER = "pipeline.primary_keys", "pipeline.timeseries_column", "pipeline.owner"
TAG = "pipeline.tag."
"""What the name of a tag's property begins with."""
