"""Where a value comes from, and what breaks if it changes: told by the tables' commits and by what models carry."""
