// 章「調波打楽器音分離」の部品の入口。

import { renderHpss } from "./hpss/hpss_explorer.js";

export default { render: renderHpss };
