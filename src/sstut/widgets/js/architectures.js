// 章「分離のネットワーク」の部品の入口。

import { renderArchitectures } from "./architectures/architecture_explorer.js";

export default { render: renderArchitectures };
