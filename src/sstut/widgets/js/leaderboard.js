// 章「成績表」の部品の入口。

import { renderLeaderboard } from "./leaderboard/leaderboard_explorer.js";

export default { render: renderLeaderboard };
