"""The painted graph: a plain widget over NumPy arrays, with its own hit-testing. No QGraphicsView."""
