// JavaScript の文法と書き方の検査。`npm run lint` で動く。
import js from "@eslint/js";
import globals from "globals";

// 束ねる道具（sstut.widgets._base.bundle）が読めない書き方
const unbundled = [
  { selector: "ImportNamespaceSpecifier", message: "import * は束ねられません。" },
  { selector: "ImportDefaultSpecifier", message: "既定の import は束ねられません。" },
  { selector: "ImportExpression", message: "動的な import は束ねられません。" },
  { selector: "ExportAllDeclaration", message: "再 export は束ねられません。" },
  { selector: "ExportNamedDeclaration[source]", message: "再 export は束ねられません。" },
  { selector: "ExportNamedDeclaration > VariableDeclaration[kind='let']", message: "export let は束ねられません。" },
  {
    selector: "Program > ExpressionStatement > AwaitExpression, Program > VariableDeclaration > VariableDeclarator > AwaitExpression",
    message: "最上位の await は束ねられません。",
  },
];

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    languageOptions: { ecmaVersion: 2023, sourceType: "module" },
    rules: {
      "consistent-return": "error",
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-else-return": "error",
      "no-eval": "error",
      "no-implicit-coercion": ["error", { boolean: false }],
      "no-implicit-globals": "error",
      // 和文の全角空白は、文字列の中では正しい
      "no-irregular-whitespace": ["error", { skipStrings: true, skipTemplates: true }],
      "no-shadow": "error",
      "no-throw-literal": "error",
      "no-unused-expressions": "error",
      "no-unused-vars": "error",
      "no-use-before-define": ["error", { functions: false, classes: false, variables: false }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    // ブラウザで動くもの。
    files: ["src/sstut/widgets/js/**/*.js"],
    ignores: ["src/sstut/widgets/js/dsp/**", "src/sstut/widgets/js/static_loader.js"],
    languageOptions: { globals: globals.browser },
    rules: { "no-restricted-syntax": ["error", ...unbundled] },
  },
  {
    // file:// でも動くよう、モジュールではなく普通のスクリプトとして読み込まれる。
    files: ["src/sstut/widgets/js/static_loader.js", "book/_static/**/*.js"],
    languageOptions: { sourceType: "script", globals: globals.browser },
  },
  {
    // 信号処理は DOM を知らない。どこでも（Node でも）動く。
    files: ["src/sstut/widgets/js/dsp/**/*.js"],
    languageOptions: { globals: globals["shared-node-browser"] },
    rules: {
      "no-restricted-syntax": [
        "error",
        ...unbundled,
        { selector: "ExportDefaultDeclaration", message: "名前つきで export します。" },
      ],
      "no-restricted-globals": ["error", "window", "document", "console"],
    },
  },
  {
    files: ["tests/js/**/*.mjs", "tools/**/*.mjs", "*.mjs"],
    languageOptions: { globals: globals.node },
  },
];
