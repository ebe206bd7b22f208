// 章「位相」の部品の入口。view という trait が、どの部品かを決める。

import { renderPhase } from "./phase/phase_explorer.js";
import { renderPhasor } from "./phase/phasor_explorer.js";

const views = { phasor: renderPhasor, phase: renderPhase };

export default { render: (context) => views[context.model.get("view")](context) };
