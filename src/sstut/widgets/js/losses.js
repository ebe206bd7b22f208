// 章「損失関数」の部品の入口。

import { renderLosses } from "./losses/loss_explorer.js";

export default { render: renderLosses };
