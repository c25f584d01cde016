"""Questions about a trace, as pure functions: flow, gradients, memory, values over time."""
