// 章「学習」の部品の入口。view という trait が、どの部品かを決める。

import { renderNetwork } from "./training/network_explorer.js";
import { renderRecord } from "./training/training_explorer.js";

const views = { record: renderRecord, network: renderNetwork };

export default { render: (context) => views[context.model.get("view")](context) };
