"""Building blocks, one a file. Tensors are (N, C, H, W) float32."""
