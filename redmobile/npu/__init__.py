"""What NPUs take of a .tflite: rules as data, probes that keep them true, Vela for Arm's Ethos-U."""
