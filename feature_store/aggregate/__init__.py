"""Declared aggregations, compiled into one pass over their events, for a table's grid or for the rows of a frame."""
