"""The panels of the window, one module each. Each takes the `ViewState` and redraws itself from it."""
