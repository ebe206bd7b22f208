"""JavaScript の信号処理を Node で呼ぶ、試験の道具。"""

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

CLI = Path(__file__).parent / "js" / "cli.mjs"
TOLERANCE = {np.dtype(np.float64): 1e-10, np.dtype(np.float32): 1e-6}


def need_node() -> None:
    """Node.js がないとき：CI では失敗、手元では理由を出して飛ばす。"""
    if shutil.which("node") is None:
        reason = "Node.js がないので、JavaScript との一致を確かめられません。"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def request(module: str, name: str, *args: Any) -> dict[str, Any]:
    return {"module": module, "name": name, "args": args}


def js_many(requests: list[dict[str, Any]]) -> list[Any]:
    """dsp/ の関数を Node で順に呼ぶ。起動は 1 回で済む。"""
    text = json.dumps(requests, default=_encode)
    run = subprocess.run(
        ["node", str(CLI)], input=text.encode(), capture_output=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stderr.decode()
    return list(json.loads(run.stdout, object_hook=_decode))


def js(module: str, name: str, *args: Any) -> Any:
    return js_many([request(module, name, *args)])[0]


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {value.dtype.name: base64.b64encode(value.tobytes()).decode()}
    return value.item()


def _decode(value: dict[str, Any]) -> Any:
    for name in ("float64", "float32"):
        if name in value:
            return np.frombuffer(base64.b64decode(value[name]), name)
    return base64.b64decode(value["bytes"]) if "bytes" in value else value


def assert_same(actual: np.ndarray, expected: np.ndarray, tolerance: float | None = None) -> None:
    """形が同じで、誤差が最大値の `tolerance` 倍以下。既定は保存した型による。"""
    assert actual.shape == expected.shape
    scale = np.abs(expected).max(initial=0.0)
    limit = TOLERANCE[actual.real.dtype] if tolerance is None else tolerance
    assert np.abs(actual - expected).max(initial=0.0) <= limit * scale


def noise(n: int, dtype: Any = np.float64, seed: int = 0) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).standard_normal(n)).astype(dtype)


def to_js(S: np.ndarray) -> np.ndarray:
    """(n_freq, n_frames) → フレームが先の 1 次元。"""
    return np.ascontiguousarray(S.T).ravel()


def from_js(flat: np.ndarray, n_freq: int) -> np.ndarray:
    return flat.reshape(-1, n_freq).T


def spectrum(S: dict[str, Any]) -> np.ndarray:
    return from_js(S["re"] + 1j * S["im"], S["bins"])
