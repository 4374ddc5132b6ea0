import js from "@eslint/js";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  globalIgnores(["dist", "node_modules", "src/gen"]),
  {
    files: ["src/**/*.{ts,tsx}", "test/**/*.ts", "vite.config.ts"],
    extends: [js.configs.recommended, tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { project: ["./tsconfig.json", "./tsconfig.tools.json"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true, requireDefaultForNonUnion: true },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/consistent-type-imports": "error",
      // Snapshots and props are plain data: an index into them is checked by noUncheckedIndexedAccess.
      "@typescript-eslint/dot-notation": "off",
      // Handlers in props are closures, never methods of an object.
      "@typescript-eslint/unbound-method": "off",
      eqeqeq: "error",
      "no-console": ["error", { allow: ["info", "error"] }],
    },
  },
  {
    files: ["scripts/**/*.mjs", "eslint.config.js"],
    extends: [js.configs.recommended],
    languageOptions: {
      globals: Object.fromEntries(
        ["console", "process", "document", "getComputedStyle", "innerWidth", "innerHeight", "globalThis"].map((n) => [n, "readonly"]),
      ),
    },
  },
);
