"""What people are told: tables in the terminal, pages, messages. Not for editing by projects."""
