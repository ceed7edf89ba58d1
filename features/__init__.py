"""Feature tables: what feature engineers publish. One folder per project; the verbs beside them are shared."""
