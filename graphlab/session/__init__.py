"""Runs programs in a worker process, keeps projects on disk, checks fixes by re-running."""
