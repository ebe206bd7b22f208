"""成績表：測り方が公平で、区間、順位、パレートフロントが定義どおりであること。"""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sstut import leaderboard
from sstut.evaluation import improvement, si_sdr
from sstut.leaderboard import Contestant, Result, compete
from sstut.mixing import evaluation_set

SR = 8000


@pytest.fixture(scope="module")
def sources():
    return evaluation_set("vocals", n=3, duration=3.0)


def result(name, means, *, kind="classical", seconds=1.0, parameters=0):
    """音源が 1 つの、改善量が means の成績。"""
    return Result(name, kind, parameters, np.array(means, float)[:, None], seconds)


def scored(*rows):
    return [result(f"手法{k}", row) for k, row in enumerate(rows)]


# ---- 競う ------------------------------------------------------------------------------


def test_the_mixture_gains_nothing(sources):
    (board,) = compete([leaderboard.mixture()], sources, SR)
    np.testing.assert_allclose(board.scores, 0, atol=1e-9)


def test_scores_are_the_improvement_of_each_source(sources):
    noise = np.random.default_rng(0).normal(size=sources.shape).astype(np.float32) * 0.01
    answers = {s.sum(axis=0).tobytes(): s + e for s, e in zip(sources, noise, strict=True)}
    cheat = Contestant("答え", "classical", lambda x, sr: answers[x.tobytes()])
    (board,) = compete([cheat], sources, SR)
    for found, s, e in zip(board.scores, sources, noise, strict=True):
        np.testing.assert_allclose(found, improvement(si_sdr, s, s + e, s.sum(axis=0)))
    np.testing.assert_array_equal(board.means, board.scores.mean(axis=1))


def test_only_oracles_see_the_answers(sources):
    """古典手法とネットワークには、混合音と標本化周波数だけを渡す。"""
    seen = {}

    def spy(kind):
        def separate(*arguments):
            seen[kind] = len(arguments)
            return np.stack([arguments[0]] * 2)

        return Contestant(kind, kind, separate)

    compete([spy(kind) for kind in leaderboard.KINDS], sources[:1], SR)
    assert seen == {"mixture": 3, "classical": 2, "network": 2, "oracle": 3}


def test_unordered_estimates_are_matched_to_the_answers(sources):
    answers = {s.sum(axis=0).tobytes(): s for s in sources}

    def swapped(x, sr):
        return answers[x.tobytes()][::-1] + 1e-3 * x

    blind = Contestant("順番なし", "classical", swapped, ordered=False)
    named = Contestant("順番あり", "classical", swapped)
    free, fixed = compete([blind, named], sources, SR, keep=[1])
    assert free.scores.min() > 20
    assert fixed.scores.max() < 0
    # 残した推定も、並べかえたもの
    assert si_sdr(sources[1], free.estimates[1]).min() > 20
    assert list(free.estimates) == [1]


def test_time_is_the_median_per_second_of_sound(sources, monkeypatch):
    """混合音 1 つは 3 秒。かかった時間が 3、6、60 秒なら、1 秒あたりの中央値は 2 秒。"""
    clock = iter([0, 3, 10, 16, 20, 80])
    monkeypatch.setattr(leaderboard, "process_time", lambda: next(clock))
    (board,) = compete([leaderboard.mixture()], sources, SR)
    assert board.seconds == 2


def test_oracles_are_far_above_the_mixture_and_psm_is_best(sources):
    ibm, irm, psm = compete(leaderboard.oracles(), sources, SR)
    assert min(ibm.means.min(), irm.means.min()) > 8
    assert psm.means.mean() > max(ibm.means.mean(), irm.means.mean())
    assert {r.kind for r in (ibm, irm, psm)} == {"oracle"}


def test_registry_methods_name_the_vocals_first(sources):
    """前景は歌、背景は伴奏。逆に比べると、下がる。"""
    repet = leaderboard.method("repet")
    backwards = leaderboard.method("repet", ("accompaniment", "vocals"))
    right, wrong = compete([repet, Contestant("逆", "classical", backwards.separate)], sources, SR)
    assert right.means.mean() > 0 > wrong.means.mean()
    assert (repet.kind, repet.parameters) == ("classical", 0)
    assert not leaderboard.method("nmf").ordered


def test_network_methods_know_their_size():
    from sstut.separators import CHECKPOINTS
    from sstut.training import load_checkpoint

    network = leaderboard.method("mask-inference")
    loaded = load_checkpoint(CHECKPOINTS / "mask-inference-8k.safetensors")
    assert network.kind == "network"
    assert network.parameters == sum(p.numel() for p in loaded.parameters())


def test_bad_input_is_refused(sources):
    fine = leaderboard.mixture()
    silent = sources.copy()
    silent[1, 0] = 0
    wrong = Contestant("短い", "classical", lambda x, sr: np.stack([x, x])[:, 1:])
    for bad, message in [
        (lambda: compete([fine], sources[0], SR), r"\(n_mixtures, n_sources, n_samples\)"),
        (lambda: compete([fine], silent, SR), "混合音 1 の音源 0 が無音"),
        (lambda: compete([fine, fine], sources, SR), "同じ名前の手法 .*混合音のまま"),
        (lambda: compete([fine], sources, SR, keep=[0, 3]), r"keep の番号 \[3\]"),
        (lambda: compete([wrong], sources, SR), "短い の推定の形"),
        (lambda: Contestant("?", "magic", lambda x, sr: x), "magic"),
        (lambda: leaderboard.method("nothing"), "nothing"),
        (lambda: leaderboard.method("hpss", ("speaker1", "speaker2")), "hpss が分けるのは"),
        (lambda: leaderboard.compare(*scored([1, 2], [1, 2, 3])), "2 個と 3 個"),
        (lambda: leaderboard.rank_intervals([]), "1 つ以上"),
        (lambda: leaderboard.rank_intervals(scored([1, 2]), confidence=95), "0 と 1 の間"),
        (lambda: leaderboard.pareto_front(scored([1, 2]), "money"), "money"),
    ]:
        with pytest.raises(ValueError, match=message):
            bad()


# ---- 比べる ----------------------------------------------------------------------------


def test_paired_difference_forgets_how_hard_the_mixtures_are():
    """難しさのばらつきが差よりずっと大きくても、対応のある差なら見分けられる。"""
    rng = np.random.default_rng(0)
    hard = rng.normal(scale=10, size=40)
    a, b = scored(hard + 0.5 + 0.1 * rng.normal(size=40), hard)
    found = leaderboard.compare(a, b)
    assert found.low > 0.4
    assert found.mean == pytest.approx(0.5, abs=0.1)
    assert (found.wins, found.n) == (40, 40)
    # 対応を見ない検定では、見分けられない
    assert scipy.stats.ttest_ind(a.means, b.means).pvalue > 0.5


def test_interval_covers_the_true_difference_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        a, b = scored(rng.normal(loc=1, size=40), rng.normal(size=40))
        found = leaderboard.compare(a, b, rng=rng)
        covered += found.low <= 1 <= found.high
    # 被覆率 0.95 からの 200 回の試行。200 回のうち 176 回を下回る確率は 1 万分の 1 ほど
    assert covered >= scipy.stats.binom.ppf(1e-4, 200, 0.95)


def test_a_clear_order_has_firm_ranks_and_a_tie_does_not():
    rng = np.random.default_rng(0)
    base = rng.normal(size=30)
    clear = scored(base + 6, base + 3, base)
    np.testing.assert_array_equal(leaderboard.rank_intervals(clear), [[1, 1], [2, 2], [3, 3]])
    tied = scored(rng.normal(size=30), rng.normal(size=30))
    np.testing.assert_array_equal(leaderboard.rank_intervals(tied), [[1, 2], [1, 2]])


def test_rank_intervals_agree_with_a_plain_bootstrap():
    """1 回ずつ選びなおして scipy で順位をつけた結果と、同じ範囲になる。"""
    rng = np.random.default_rng(3)
    results = scored(*rng.normal(loc=np.linspace(0, 1, 5)[:, None], size=(5, 20)))
    generator = np.random.default_rng(0)
    picks = generator.integers(0, 20, (500, 20))
    ranks = [
        scipy.stats.rankdata([-r.means[pick].mean() for r in results], "min") for pick in picks
    ]
    expected = np.sort(ranks, axis=0)[[12, 487]].T  # 500 個の 2.5 % と 97.5 %
    found = leaderboard.rank_intervals(results, n_resamples=500, rng=0)
    np.testing.assert_array_equal(found, expected)


def test_equal_methods_share_a_rank():
    same = [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(leaderboard.rank_intervals(scored(same, same)), [[1, 1]] * 2)


@given(hnp.arrays(float, st.tuples(st.integers(1, 8), st.just(2)), elements=st.integers(0, 5)))
def test_pareto_front_is_what_nothing_beats(points):
    """定義どおり：費用が同じか小さく、良さが同じか高く、どちらかで勝つ相手がいない。"""
    results = [
        result(str(i), [quality, quality], seconds=cost)
        for i, (cost, quality) in enumerate(points.tolist())
    ]
    front = leaderboard.pareto_front(results)
    unbeaten = {
        (c, q)
        for c, q in points.tolist()
        if not any(c2 <= c and q2 >= q and (c2, q2) != (c, q) for c2, q2 in points.tolist())
    }
    assert {(r.seconds, r.means.mean()) for r in front} == unbeaten
    costs = [r.seconds for r in front]
    assert costs == sorted(set(costs))


def test_pareto_front_leaves_out_the_oracles():
    oracle = result("理想", [30, 30], kind="oracle", seconds=0.0)
    small = result("小", [5, 5], parameters=10)
    large = result("大", [4, 4], parameters=20)
    assert leaderboard.pareto_front([oracle, small, large], "parameters") == [small]


def test_table_is_sorted_and_holds_every_figure():
    low = result("低い", [1, 2, 3, 4], seconds=0.25, parameters=1234567)
    high = result("高い", [11, 12, 13, 14])
    shown = leaderboard.table([low, high])
    lines = str(shown).splitlines()
    assert [line.split()[0] for line in lines] == ["[dB]", "高い", "低い"]
    for text in ("2.5", "1.3", "0.250", "1,234,567"):
        assert text in lines[2]
    assert lines[1].split()[1] == "12.5"
    page = shown._repr_html_()
    assert page.index("高い") < page.index("低い")
    assert "<td" in page
    assert ">1,234,567</td>" in page
