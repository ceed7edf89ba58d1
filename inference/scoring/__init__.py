"""What scoring does besides: windows, whom they are about, what was missing, the log of runs. Not for editing by projects."""
