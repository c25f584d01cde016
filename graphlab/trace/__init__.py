"""What a run leaves behind: typed records and the SQLite file that holds them."""
