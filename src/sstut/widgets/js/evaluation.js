// 章「評価」の部品の入口。view という trait が、どの部品かを決める。

import { renderBlindTest } from "./evaluation/blind_test.js";
import { renderErrors } from "./evaluation/error_explorer.js";
import { renderMushra } from "./evaluation/mushra.js";

const views = { errors: renderErrors, blind: renderBlindTest, mushra: renderMushra };

export default { render: (context) => views[context.model.get("view")](context) };
