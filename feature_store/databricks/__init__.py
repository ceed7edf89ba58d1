"""The store on Databricks: the vendor's client, its verbs in our words, Unity Catalog's tables. Nothing of it is known elsewhere."""
