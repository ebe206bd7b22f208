"""`python -m sstut` で、コマンド `sstut` を動かす。"""

from sstut.cli import main

main()
