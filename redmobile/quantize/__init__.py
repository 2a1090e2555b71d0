"""Post-training quantization of a TFLite graph: INT8, and 16-bit activations over 8-bit weights. No TensorFlow."""
