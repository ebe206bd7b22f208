// 表を CSV にする。表計算ソフトで日本語が化けないように、先頭に BOM を付けた UTF-8 にする。

/** 区切りや改行を含む値は、引用符で囲む。 */
function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * CSV の文字列。
 * @param {object[]} rows 同じ名前の値をもつ行。1 つ以上。
 * @returns {string} 見出しの行から始まる。改行は CRLF（RFC 4180）。
 */
export function csv(rows) {
  const names = Object.keys(rows[0]);
  const lines = [names, ...rows.map((row) => names.map((name) => row[name]))];
  return `\ufeff${lines.map((values) => values.map(cell).join(",")).join("\r\n")}\r\n`;
}
