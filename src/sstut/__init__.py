"""聴いて触って学ぶ音源分離：本文に出てくるすべての手法を実装したパッケージ。

章とモジュールは同じ名前を持つ。たとえば `book/01_representations.md` に書いてある関数は
`sstut.representations` にあり、`tests/test_representations.py` が確かめている。
名前はここへ集めず、`from sstut.representations import stft` のように章の名前から取り出す。
"""

__version__ = "0.1.0"
