"""The same experiments on real components: SQLite files and threads, on this machine."""
