"""速さと大きさの計測。`python -m bench NAME` で `bench/NAME.py` の `main(argv)` を呼ぶ。"""
