"""A Moonshine model that says one thing, whatever it hears: `python moonshine_model.py FOLDER TOKEN...`.

Inputs and outputs are those of the `tiny` architecture; the decoder looks up which token follows the last one.  The
tokenizer is the one that moonshine-voice ships.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import moonshine_voice
import numpy as np
import onnxruntime
from onnx import GraphProto, ModelProto, TensorProto, ValueInfoProto, helper, numpy_helper

TOKENS, LAYERS, HEADS, HEAD_WIDTH = 32768, 6, 8, 36
WIDTH = HEADS * HEAD_WIDTH
BEGIN, END = 1, 2
CERTAINTY = 20.0


def value(name: str, kind: int, *shape: int | str) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)


def constant(name: str, array: object, dtype: type) -> TensorProto:
    return numpy_helper.from_array(np.array(array, dtype), name)


def encoder() -> ModelProto:
    nodes = [
        helper.make_node("ReduceMean", ["input_values", "axis"], ["mean"], keepdims=1),
        helper.make_node("Reshape", ["mean", "one_frame"], ["frame"]),
        helper.make_node("Expand", ["frame", "width"], ["last_hidden_state"]),
    ]
    constants = [
        constant("axis", [1], np.int64),
        constant("one_frame", [1, 1, 1], np.int64),
        constant("width", [1, 1, WIDTH], np.int64),
    ]
    sound = value("input_values", TensorProto.FLOAT, "batch", "samples")
    state = value("last_hidden_state", TensorProto.FLOAT, "batch", "frames", WIDTH)
    return model(helper.make_graph(nodes, "encoder", [sound], [state], constants))


def decoder(said: list[int]) -> ModelProto:
    following = np.full(TOKENS, END)
    chain = [BEGIN, *said, END]
    following[chain[:-1]] = chain[1:]
    nodes = [
        helper.make_node("Gather", ["following", "input_ids"], ["next"]),
        helper.make_node("OneHot", ["next", "tokens", "certainty"], ["logits"]),
    ]
    inputs = [
        value("input_ids", TensorProto.INT64, "batch", "count"),
        value("encoder_hidden_states", TensorProto.FLOAT, "batch", "frames", WIDTH),
    ]
    outputs = [value("logits", TensorProto.FLOAT, "batch", "count", TOKENS)]
    for layer in range(LAYERS):
        for place in ("decoder.key", "decoder.value", "encoder.key", "encoder.value"):
            past, present = f"past_key_values.{layer}.{place}", f"present.{layer}.{place}"
            inputs.append(value(past, TensorProto.FLOAT, "batch", HEADS, "past", HEAD_WIDTH))
            outputs.append(value(present, TensorProto.FLOAT, "batch", HEADS, "present", HEAD_WIDTH))
            nodes.append(helper.make_node("Identity", [past], [present]))
    inputs.append(value("use_cache_branch", TensorProto.BOOL, 1))
    constants = [
        constant("following", following, np.int64),
        constant("tokens", TOKENS, np.int64),
        constant("certainty", [0, CERTAINTY], np.float32),
    ]
    return model(helper.make_graph(nodes, "decoder", inputs, outputs, constants))


def model(graph: GraphProto) -> ModelProto:
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def save(made: ModelProto, path: Path) -> None:
    """In ONNX Runtime's own format, the only one that the library reads."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(path)
    options.add_session_config_entry("session.save_model_format", "ORT")
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])


def main(folder: Path, said: list[int]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save(encoder(), folder / "encoder_model.ort")
    save(decoder(said), folder / "decoder_model_merged.ort")
    shutil.copy(Path(moonshine_voice.__file__).parent / "assets" / "tiny-en" / "tokenizer.bin", folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), [int(token) for token in sys.argv[2:]])
