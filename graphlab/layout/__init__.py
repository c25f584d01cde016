"""DAG in, positions and routes out."""
