"""What drifted, and how far: windows, sketches, statistics, baseline, metric tables. Not for editing by projects."""
