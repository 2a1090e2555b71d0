"""onnx2tf, with its full integer quantization for INT8, calibrated with frames of our own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import onnx2tf

from redmobile.bench.peers.drivers.protocol import Job

PACKAGES = ("onnx2tf", "tensorflow", "tf-keras", "onnx", "onnxsim", "onnxruntime")

_TRIAL_PICTURES = "calibration_image_sample_data_20x128x128x3_float32.npy"
"""The file that onnx2tf downloads to compare its layers with onnxruntime's, unless it lies in the working folder."""

_TRIAL_SHAPE = (20, 128, 128, 3)


def convert(job: Job) -> Path:
    """Run it as its command line does, with -oiqt and -cind for INT8."""
    folder, frames = Path(job.folder), np.load(job.frames)
    source = folder / "network.onnx"
    shutil.copyfile(job.onnx, source)  # onnx2tf writes the simplified graph over what it is given
    np.save(folder / _TRIAL_PICTURES, _trial_pictures(frames))
    quantize = job.precision == "int8"
    onnx2tf.convert(
        input_onnx_file_path=str(source),
        output_folder_path=str(folder / "made"),
        output_integer_quantized_tflite=quantize,
        # The frames are in [0, 1] already, as the network takes them: mean 0, deviation 1.
        custom_input_op_name_np_data_path=[[_input(source), job.frames, np.zeros((1, 1, 1, 3)), np.ones((1, 1, 1, 3))]] if quantize else None,
        copy_onnx_input_output_names_to_tflite=False,
        non_verbose=True,
    )
    file = folder / "made" / f"network_{'full_integer_quant' if quantize else 'float32'}.tflite"
    if not file.is_file():
        raise FileNotFoundError(f"onnx2tf ended without an error and wrote no {file.name}")
    return file


def _input(source: Path) -> str:
    return str(onnx.load(source).graph.input[0].name)


def _trial_pictures(frames: np.ndarray) -> np.ndarray:
    """Rows and columns of the frames at even distances, as many frames as onnx2tf expects."""
    count, height, width, _ = _TRIAL_SHAPE
    rows, columns = (np.linspace(0, size - 1, wanted).astype(int) for size, wanted in zip(frames.shape[1:3], (height, width), strict=True))
    return frames[np.arange(count) % len(frames)][:, rows[:, None], columns[None, :]].astype(np.float32)
