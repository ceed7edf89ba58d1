"""The scored populations of the project flights: one module each. Edit these, and add to them."""
