# 聴いて触って学ぶ音源分離
#
#   make book   本を作る（初回は仮想環境の用意から）
#   make test   すべての検査
#   make lab    JupyterLab で章を開く
#   make serve  作った本を http://127.0.0.1:8000/ で開く
#   make zip    ネットワークなしで読める本を 1 個の zip にする
#   make bench  速さと大きさを測る
#   make lock   requirements.txt を作りなおす
#   make clean  作ったものを消す
#
# 例：make book PYTHON=python3.12 PIP_FLAGS="…"（pip に渡すオプション）

# 小さな行列の計算が多い。スレッドの待ち合わせは、計算そのものより高くつく
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

PYTHON ?= python3
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
HTML := _build/html
ZIP := _build/sstut-book.zip

.PHONY: book test lint js lab serve zip bench lock clean
.DELETE_ON_ERROR:

book: $(INSTALLED)
	$(BIN)/jupyter-book build -W -n --keep-going .
	@echo "できました。ブラウザで $(HTML)/index.html を開いてください。"

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install $(PIP_FLAGS) -r requirements.txt
	$(BIN)/pip install $(PIP_FLAGS) --no-deps -e .
	@touch $@

test: lint js book
	$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/format_book.py --check
	$(BIN)/mypy

# Node.js がないとき、手元では理由を出して飛ばし、CI では失敗させる。
js: $(INSTALLED)
	@if command -v npm >/dev/null; then \
		$(MAKE) --no-print-directory js-run; \
	elif [ "$(CI)" = true ]; then \
		echo "CI なのに Node.js がありません。"; exit 1; \
	else \
		echo "飛ばします：Node.js がないので、JavaScript と日本語の検査をしません。"; \
	fi

.PHONY: js-run
js-run: node_modules/.installed
	npm run --silent lint
	npm test --silent
	npm run --silent textlint

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

lab: $(INSTALLED)
	$(BIN)/python -m sstut.sphinxext.notebook_download book notebooks
	$(BIN)/jupyter lab notebooks

serve: book
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(HTML) 8000

zip: book
	rm -f $(ZIP)
	cd _build && ../$(BIN)/python -m zipfile -c sstut-book.zip html
	@echo "できました。$(ZIP) を配ってください（開くときは、先に展開します）。"

bench: $(INSTALLED)
	$(BIN)/python -m bench representations
	$(BIN)/python -m bench phase
	$(BIN)/python -m bench evaluation
	$(BIN)/python -m bench separators
	$(BIN)/python -m bench book

# 新しい仮想環境に pyproject.toml の範囲で入れ、入った版をそのまま書き出す。
lock:
	rm -rf _build/lock
	$(PYTHON) -m venv _build/lock
	_build/lock/bin/pip install $(PIP_FLAGS) "torch==2.13.0" -e ".[book,test]"
	{ echo "# make lock が書いたもの。手で直さず、pyproject.toml を直してから作りなおす。"; \
	  _build/lock/bin/pip freeze --exclude sstut | sed 's/+cpu$$//'; } > requirements.txt
	rm -rf _build/lock

clean:
	rm -rf _build notebooks .pytest_cache .mypy_cache .ruff_cache .hypothesis
