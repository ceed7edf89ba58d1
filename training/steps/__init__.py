"""How a model is trained: frame, fit, evaluation, gates, champion, reproduction. Not for editing by projects."""
