"""The catalog as a page that needs no server: one file of HTML with all tables, features and models, searched as one types."""
