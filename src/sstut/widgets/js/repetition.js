// 章「くり返しによる分離」の部品の入口。

import { renderRepetition } from "./repetition/repetition_explorer.js";

export default { render: renderRepetition };
