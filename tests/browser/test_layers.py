"""章「層」の部品を本のページで動かし、Python と突き合わせる。"""

from __future__ import annotations

from typing import Any

import pytest

from sstut.layers import Conv, conv_output_length, receptive_field
from sstut.widgets.layers import PRESETS, LayerExplorer

MODEL = "document.querySelector('.sstut-widget').sstutModel"
STACK = [Conv(8, stride=4, padding=2), Conv(3, padding=2, dilation=2), Conv(5, stride=2)]


def put(view: Any, **traits: Any) -> None:
    """Python から traits を変えたときと同じことをする。"""
    view.page.evaluate(f"(a) => {{ for (const k in a) {MODEL}.set(k, a[k]); }}", traits)
    view.page.evaluate("new Promise((f) => requestAnimationFrame(() => requestAnimationFrame(f)))")


def trait(view: Any, name: str) -> Any:
    return view.page.evaluate(f"(name) => {MODEL}.get(name)", name)


@pytest.mark.parametrize("scheme", ["file", "http"])
def test_shows_what_python_computes(open_widget, scheme):
    view = open_widget(LayerExplorer(STACK, n_samples=1000, position=20), scheme)
    lengths, fields = [1000], []
    for i, conv in enumerate(STACK):
        sizes = (conv.kernel, conv.stride, conv.padding, conv.dilation)
        lengths.append(conv_output_length(lengths[-1], *sizes))
        fields.append(receptive_field(STACK[: i + 1]))
    state = view.state()
    assert state["lengths"] == lengths
    assert [f["size"] for f in state["fields"][1:]] == [f.size for f in fields]
    assert state["seen"][0] == fields[-1].start + 20 * fields[-1].stride
    rows = view.root().locator("tbody tr").all_inner_texts()
    for row, length, field in zip(rows[1:], lengths[1:], fields, strict=True):
        assert row.split()[-3:] == [str(length), str(field.stride), str(field.size)]
    facts = view.root().locator(".sst-facts dd").all_inner_texts()
    assert facts[2] == f"{fields[-1].size} サンプル"


def test_dragging_and_keys_move_the_output(open_widget):
    view = open_widget(LayerExplorer("tcn", n_samples=1000))
    diagram = view.root().get_by_role("slider", name="選んだ出力の番号")
    diagram.scroll_into_view_if_needed()
    box = diagram.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] - 30
    view.page.mouse.move(x, y)
    view.page.mouse.down()
    view.page.mouse.move(x + 60, y, steps=4)
    view.page.mouse.up()
    view.wait("w.state().index > 500")
    index = trait(view, "position")
    view.page.keyboard.press("ArrowRight")
    view.page.keyboard.press("Shift+ArrowRight")
    view.wait("w.state().index === a", index + 11)
    assert view.state()["seen"][0] == index + 11 - 31
    view.page.keyboard.press("Home")
    view.wait("w.state().index === 0 && w.state().seen[0] === 0")
    assert "補った 0 も使います" in view.root().locator(".sst-layers-sees").inner_text()


def test_causal_has_no_lookahead(open_widget):
    view = open_widget(LayerExplorer("tcn", position=100))
    view.root().get_by_role("button", name="0 を過去の側だけに補う").click()
    view.wait("w.state().fields.at(-1).lookahead === 0")
    assert max(view.state()["seen"]) == 100
    assert view.root().locator(".sst-facts dd").last.inner_text() == "因果的"
    assert trait(view, "causal") is True


def test_a_length_that_does_not_fit_is_explained_and_mended(open_widget):
    view = open_widget(LayerExplorer("unet", n_samples=8008))
    alert = view.root().get_by_role("alert")
    assert "6 番（スキップ接続）" in alert.inner_text()
    assert "16 サンプルおき" in alert.inner_text()
    assert len(view.state()["lengths"]) == 6
    alert.get_by_role("button", name="入力の長さを 8,016 にする").click()
    view.wait("w.state().error === null")
    assert view.state()["lengths"][-1] == 8016
    assert not alert.is_visible()
    put(view, layers=[{**PRESETS["conv"][1][0], "kernel": 40}], n_samples=10)
    assert "カーネルが広がる長さ 40" in alert.inner_text()


def test_editing_the_stack(open_widget):
    view = open_widget(LayerExplorer("unet"))
    button = view.root().get_by_role("button", name="下に足す", exact=True)
    button.click()  # 1 番の下に入るので、つなぐ相手の番号がずれる
    view.wait("w.state().selected === 1")
    layers = trait(view, "layers")
    assert len(layers) == 13
    assert [layer["source"] for layer in layers if layer["kind"] == "skip"] == [4, 3, 1, 0]
    assert view.state()["error"] is None
    assert view.state()["preset"] == "own"
    view.root().get_by_role("button", name="消す").click()
    view.wait("w.state().preset === 'unet'")
    view.root().get_by_role("radio", name="プーリング").check(force=True)
    view.wait("w.state().error !== null || w.state().lengths.length === 13")
    assert trait(view, "layers")[view.state()["selected"]] == {
        "kind": "pool", "kernel": 4, "stride": 2
    }  # fmt: skip
    field = view.root().get_by_label("ストライド s", exact=True)
    field.fill("３")
    field.press("Enter")
    view.wait("w.state().lengths[2] !== 2000")
    assert trait(view, "layers")[view.state()["selected"]]["stride"] == 3
    view.root().get_by_role("button", name="ストライド sを 1 減らす").click()
    assert trait(view, "layers")[view.state()["selected"]]["stride"] == 2


def test_presets_by_key_and_choice(open_widget):
    view = open_widget(LayerExplorer("tcn"))
    view.root().get_by_role("button", name="下に足す", exact=True).focus()
    for key, name in enumerate(PRESETS, 1):
        view.page.keyboard.press(str(key))
        view.wait("w.state().preset === a", name)
    view.root().get_by_role("radio", name="縮める 3 層").check(force=True)
    view.wait("w.state().preset === 'strided'")
    assert trait(view, "layers") == PRESETS["strided"][1]


def test_selecting_a_row_edits_it(open_widget):
    view = open_widget(LayerExplorer("tcn"))
    view.root().locator("tbody label").nth(2).click()
    view.wait("w.state().selected === 2")
    assert view.root().get_by_label("ダイレーション d", exact=True).input_value() == "4"
    view.page.keyboard.press("ArrowDown")
    view.wait("w.state().selected === 3")
    assert view.root().get_by_label("ダイレーション d", exact=True).input_value() == "8"


@pytest.mark.parametrize("dark", [False, True])
def test_phone_width_and_accessibility(open_widget, axe, dark):
    view = open_widget(
        LayerExplorer("unet", n_samples=8008), viewport=(375, 800), dark=dark, touch=True
    )
    assert view.overflow() == 0
    assert view.too_small() == []
    assert view.cut_text() == []
    assert axe(view.page) == []


def test_keyboard_alone_reaches_everything(open_widget):
    view = open_widget(LayerExplorer("tcn"))
    wanted, reached = view.tab_through()
    assert wanted <= set(reached)
    assert all(name and outline != "none" for name, outline in reached.values())
