"""ページの中の長さと受容野の計算が、`sstut.layers` と PyTorch に等しい。"""

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from tests._js import js_many, need_node, request
from torch.nn import functional

from sstut import layers
from sstut.widgets.layers import PRESETS, SIZES


@pytest.fixture(autouse=True)
def _need_node() -> None:
    need_node()


def draw_sizes(rng: np.random.Generator) -> dict[str, int]:
    low, high = [1, 1, 0, 1], [7, 5, 5, 5]
    names = ("kernel", "stride", "padding", "dilation")
    return {name: int(v) for name, v in zip(names, rng.integers(low, high), strict=True)}


def test_lengths_equal_python() -> None:
    rng = np.random.default_rng(0)
    cases = []
    for _ in range(400):
        length, sizes = int(rng.integers(1, 40)), draw_sizes(rng)
        extra = int(rng.integers(0, max(sizes["stride"], sizes["dilation"])))
        cases.append(("conv", length, sizes))
        cases.append(("transpose", length, sizes | {"output_padding": extra}))
    requests = [
        request("layers", "stackLengths", [{"kind": kind, **sizes}], length)
        for kind, length, sizes in cases
    ]
    refused = 0
    for (kind, length, sizes), result in zip(cases, js_many(requests), strict=True):
        python = (
            layers.conv_output_length if kind == "conv" else layers.conv_transpose_output_length
        )
        if result["error"] is None:
            assert result["lengths"] == [length, python(length, **sizes)]
            continue
        refused += 1
        with pytest.raises(ValueError, match=re.escape(result["error"]["message"])):
            python(length, **sizes)
    assert 0 < refused < len(cases) // 2


def test_receptive_field_equals_python() -> None:
    rng = np.random.default_rng(1)
    stacks = [[draw_sizes(rng) for _ in range(n)] for n in (0, 1, 2, 3, 5, 8) for _ in range(8)]
    named = [[{"kind": "conv", **sizes} for sizes in stack] for stack in stacks]
    plain = js_many([request("layers", "receptiveField", stack) for stack in stacks])
    general = js_many([request("layers", "fieldOf", stack, len(stack)) for stack in named])
    for stack, formula, traced in zip(stacks, plain, general, strict=True):
        field = layers.receptive_field([layers.Conv(**sizes) for sizes in stack])
        assert formula == {"size": field.size, "stride": field.stride, "start": field.start}
        assert traced["size"] == field.size
        assert traced["stride"] == [field.stride, 1]
        assert traced["lookahead"] == field.start + field.size - 1


def reach(stack: list[dict[str, Any]], length: int, index: int, causal: bool) -> list[np.ndarray]:
    """PyTorch の勾配が届く、段ごとの番号。"""
    x = torch.ones(1, 1, length, dtype=torch.float64, requires_grad=True)
    steps = [x]
    for layer in stack:
        y = steps[-1]
        if layer["kind"] == "skip":
            y = y + steps[layer["source"]]
        elif layer["kind"] == "transpose":
            weight = torch.ones(1, 1, layer["kernel"], dtype=torch.float64)
            whole = functional.conv_transpose1d(
                y, weight, None, layer["stride"], 0, 0, 1, layer["dilation"]
            )
            n = whole.shape[-1] - 2 * layer["padding"] + layer["output_padding"]
            whole = functional.pad(whole, (0, layer["output_padding"]))
            left = 0 if causal else layer["padding"]
            y = whole[..., left : left + n]
        else:
            weight = torch.ones(1, 1, layer["kernel"], dtype=torch.float64)
            padding = layer.get("padding", 0)
            sides = (2 * padding, 0) if causal else (padding, padding)
            y = functional.conv1d(
                functional.pad(y, sides), weight, None, layer["stride"], 0, layer.get("dilation", 1)
            )
        y.retain_grad()
        steps.append(y)
    steps[-1][0, 0, index].backward()
    return [step.grad[0, 0].nonzero()[:, 0].numpy() for step in steps]


@pytest.mark.parametrize("causal", [False, True])
def test_seen_samples_are_where_the_gradient_reaches(causal: bool) -> None:
    rng = np.random.default_rng(2)
    cases = []
    for _ in range(60):
        stack = []
        for _ in range(int(rng.integers(1, 4))):
            kind = str(rng.choice(["conv", "transpose"]))
            stack.append({"kind": kind, **SIZES[kind], **draw_sizes(rng)})
        cases.append((stack, 60))
    # 部品のひな形。長さは、スキップ接続の合うもの
    lengths = {"demucs": 1024}
    cases += [(rows, lengths.get(name, 512)) for name, (_, rows) in PRESETS.items()]
    results = js_many([request("layers", "stackLengths", *case) for case in cases])
    cases = [
        (stack, result["lengths"])
        for (stack, _), result in zip(cases, results, strict=True)
        if result["error"] is None
    ]
    assert len(cases) > 40
    index = [lengths[-1] // 3 for _, lengths in cases]
    traces = js_many(
        [
            request("layers", "trace", stack, lengths, i, causal)
            for (stack, lengths), i in zip(cases, index, strict=True)
        ]
    )
    fields = js_many(
        [request("layers", "fieldOf", stack, len(stack), causal) for stack, _ in cases]
    )
    for (stack, lengths), i, traced, field in zip(cases, index, traces, fields, strict=True):
        expected = reach(stack, lengths[0], i, causal)
        for level, seen in zip(traced, expected, strict=True):
            assert level["seen"] == seen.tolist()
        seen = traced[0]["seen"]
        if seen:
            assert seen[-1] - seen[0] + 1 <= field["size"]
            time = math.floor(i * field["stride"][0] / field["stride"][1])
            assert seen[-1] - time <= field["lookahead"]


def test_causal_stack_never_looks_ahead() -> None:
    tcn = PRESETS["tcn"][1]
    centred, causal = js_many(
        [request("layers", "fieldOf", tcn, len(tcn), flag) for flag in (False, True)]
    )
    assert causal["lookahead"] == 0
    assert centred["lookahead"] == (centred["size"] - 1) // 2
    assert causal["size"] == centred["size"]


def test_unet_length_must_be_divisible() -> None:
    unet = PRESETS["unet"][1]
    lengths = range(200, 260)
    results = js_many([request("layers", "stackLengths", unet, n) for n in lengths])
    for length, result in zip(lengths, results, strict=True):
        assert (result["error"] is None) == (length % 16 == 0)
    assert "長さが違う" in results[1]["error"]["message"]
    assert js_many([request("layers", "nextValidLength", unet, 201, 999)]) == [208]
