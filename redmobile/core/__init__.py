"""What every room shares: documents, results, metrics, quantization arithmetic, safe files."""
