"""The sources and feature tables of the project repurchase: one module per table. Edit these, and add to them."""
