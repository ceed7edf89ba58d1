"""How training runs in each environment: one YAML file each, read by training/profile.py. Edit these."""
