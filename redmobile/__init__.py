"""redmobile: from a PyTorch image-enhancement network to a verified INT8 .tflite that runs 1080p at 30 frames a second on ARM."""
