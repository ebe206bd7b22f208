// 日本語の文章の検査：node tools/textlint/run.mjs ファイル…
// 規則は .textlintrc.yml、用語は prh.yml にある。
import { readFile } from "node:fs/promises";
import { createLinter, loadLinterFormatter, loadTextlintrc } from "textlint";
import { toMarkdown } from "./myst.mjs";

const files = process.argv.slice(2);
const linter = createLinter({ descriptor: await loadTextlintrc() });
const results = [];
for (const file of files) {
  results.push(await linter.lintText(toMarkdown(await readFile(file, "utf8")), file));
}
const formatter = await loadLinterFormatter({ formatterName: "stylish" });
console.log(formatter.format(results) || `textlint：${files.length} 個のファイルに指摘はありません。`);
process.exitCode = results.some((result) => result.messages.length) ? 1 : 0;
