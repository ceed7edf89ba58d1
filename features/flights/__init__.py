"""The sources and feature tables of the project flights: one module per table. Edit these, and add to them."""
