"""Training: data from the simulator, one visible loop, exact resume."""
