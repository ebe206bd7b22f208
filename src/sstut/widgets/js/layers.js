// 章「層」の部品の入口。

import { renderLayers } from "./layers/layer_explorer.js";

export default { render: renderLayers };
