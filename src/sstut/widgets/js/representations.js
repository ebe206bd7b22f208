// 章「音の表現」の部品の入口。view という trait が、どの部品かを決める。

import { renderSampling } from "./representations/sampling_explorer.js";
import { renderStft } from "./representations/stft_explorer.js";
import { renderWindow } from "./representations/window_explorer.js";

const views = { stft: renderStft, window: renderWindow, sampling: renderSampling };

export default { render: (context) => views[context.model.get("view")](context) };
