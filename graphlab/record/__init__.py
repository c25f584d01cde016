"""The observer that turns engine calls into trace records."""
