// 章「非負値行列因子分解」の部品の入口。

import { renderNmf } from "./nmf/nmf_explorer.js";

export default { render: renderNmf };
