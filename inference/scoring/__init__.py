"""What scoring does besides: whether a window has been scored already. Not for editing by projects."""
