"""What a window is, what is read of it, and how much that varies by itself. Not for editing by projects."""
