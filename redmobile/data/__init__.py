"""Pictures in and out, data sets, degradations: numpy and OpenCV, no torch. A frame is (H, W, 3) uint8, full-range RGB."""
