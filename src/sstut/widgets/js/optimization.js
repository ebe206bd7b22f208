// 章「勾配降下法」の部品の入口。

import { renderOptimization } from "./optimization/optimization_explorer.js";

export default { render: renderOptimization };
