// 成分の名前と色。背景は青、前景は橙。

export const PARTS = ["background", "foreground"];
export const PART_NAMES = { background: "背景", foreground: "前景" };
export const PART_TRACKS = { background: "--sst-track-4", foreground: "--sst-track-1" };
export const METHOD_NAMES = { repet: "REPET", repet_sim: "REPET-SIM", ft2d: "2DFT" };
