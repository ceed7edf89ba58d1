"""What that means: limits held against metrics, events, the alerts that follow, reports. Not for editing by projects."""
