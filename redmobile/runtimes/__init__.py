"""Engines that run a network: LiteRT, onnxruntime, PyTorch, tflite-runtime, TensorFlow Lite."""
