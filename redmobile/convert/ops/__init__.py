"""How each ONNX operator becomes TFLite; one group of operators a file. A file put here is found by itself."""
