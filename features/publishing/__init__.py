"""Which window of a table is to be published, and what was done, in sentences. Not for editing by projects."""
