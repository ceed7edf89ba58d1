"""The point-in-time join: what is looked up, in which order, and the ways to do it, which all give the same rows.

A new way is a module of its own, entered in ``point_in_time.py``; ``memory.py`` knows what fits where.
"""
