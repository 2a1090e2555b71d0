"""What a model's folder ships: its files in several sizes, what they cost, and every figure that its card quotes."""
