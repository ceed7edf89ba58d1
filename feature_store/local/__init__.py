"""The store on this machine or any Spark: its session, its set-up, its verbs. Nothing of it is known elsewhere."""
