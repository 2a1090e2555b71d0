"""Training: losses, schedule, loop, validation."""
