"""The scored populations of the project repurchase: one module each. Edit these, and add to them."""
