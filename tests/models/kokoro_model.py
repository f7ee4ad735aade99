"""A Kokoro model that hums, a tone for a voice: `python kokoro_model.py FOLDER`.

Inputs and outputs are those of `kokoro-v1.0.onnx`.  A token lasts `HOP` samples at speed 1; the tone is what the
voice's style holds, in Hz.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

HOP = 1800
VOICES = {"af_heart": 300, "bf_emma": 600, "ff_siwis": 450}


def constant(name: str, array: object, dtype: type) -> TensorProto:
    return numpy_helper.from_array(np.array(array, dtype), name)


def main(folder: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["tokens"], ["shape"]),
        helper.make_node("Gather", ["shape", "second"], ["count"]),
        helper.make_node("Cast", ["count"], ["tokens_"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["tokens_", "hop"], ["unhurried"]),
        helper.make_node("Div", ["unhurried", "speed"], ["length"]),
        helper.make_node("Cast", ["length"], ["samples"], to=TensorProto.INT64),
        helper.make_node("Squeeze", ["samples"], ["end"]),
        helper.make_node("Range", ["zero", "end", "one"], ["index"]),
        helper.make_node("Cast", ["index"], ["time"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMax", ["style"], ["hz"], keepdims=0),
        helper.make_node("Mul", ["time", "hz"], ["cycles"]),
        helper.make_node("Mul", ["cycles", "turn"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["sine"]),
        helper.make_node("Mul", ["sine", "half"], ["audio"]),
    ]
    constants = [
        constant("second", [1], np.int64),
        constant("hop", HOP, np.float32),
        constant("zero", 0, np.int64),
        constant("one", 1, np.int64),
        constant("turn", 2 * np.pi / 24000, np.float32),
        constant("half", 0.5, np.float32),
    ]
    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "count"]),
        helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
        helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
    ]
    audio = helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])
    graph = helper.make_graph(nodes, "kokoro", inputs, [audio], constants)
    folder.mkdir(parents=True, exist_ok=True)
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9),
        str(folder / "kokoro-v1.0.onnx"),
    )
    with zipfile.ZipFile(folder / "voices-v1.0.bin", "w") as voices:
        for name, hz in VOICES.items():
            with voices.open(f"{name}.npy", "w") as file:
                np.save(file, np.full((510, 1, 256), hz, np.float32))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
