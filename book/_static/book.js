// 本文を、キーボードと読み上げでも使えるようにする。
document.addEventListener("DOMContentLoaded", () => {
  // 折りたたみの名前は、見えている文字（「解答を見る」など）にする。既定では英語の別の名前が付いている。
  for (const summary of document.querySelectorAll("summary[aria-label]")) summary.removeAttribute("aria-label");

  // 幅に収まらない表・コード・式・図は、キーボードでも横に動かせるようにする。
  const wide = "article table, article pre, article div.math, article div.cell_output";
  const update = () => {
    for (const el of document.querySelectorAll(wide)) {
      if (el.scrollWidth > el.clientWidth) el.tabIndex = 0;
      else el.removeAttribute("tabindex");
    }
  };
  addEventListener("resize", update);
  addEventListener("load", update);
  update();
});
