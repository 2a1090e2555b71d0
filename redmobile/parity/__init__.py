"""Whether the network is still the same network after each step: torch, ONNX, TFLite float, TFLite quantized, on real pictures."""
