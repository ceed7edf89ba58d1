"""What a model carries: its feature spec, its functions, its lineage; and scoring with it, given nothing but keys.

The files and their layout are a format that others read, too: what is written must stay readable.
"""
