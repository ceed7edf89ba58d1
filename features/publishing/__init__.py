"""Which window of a table is to be published, what was done, in sentences, and the log of what was refused. Not for editing by projects."""
